/**
 * @file The lobby of a private room: what stands in for the room while nobody has let one in. Nobody is there but oneself,
 * whose devices may be tried out, and what is asked of the room is refused.
 */

import { RolecallError } from "../error.js";

/** @typedef {import("../wire.js").Participant} Wire */

/** Nobody sees or hears anything of whom is in the lobby, nor he of them. */
const PERMISSIONS = { hasPresence: false, canSend: ["audio", "video"], canReceive: { base: false }, canAdmin: [] };
const TRACKS = { audio: "off", video: "off", screenVideo: "blocked", screenAudio: "blocked", customVideo: "blocked", customAudio: "blocked" };

/** @returns {Promise<never>} */
async function refuse() {
  throw RolecallError.local("lobby", "that is for those who were let in");
}

export class Lobby {
  /** Another id than in the room, where he gets one by knocking. */
  peerId = `lobby-${Math.random().toString(36).slice(2)}`;
  /** @type {Map<string, Wire>} */
  participants = new Map();
  counts = { present: 0, hidden: 0 };
  /** What was said of oneself since it was knocked, and the room does not know. @type {{ name?: string, metadata?: any }} */
  late = {};
  #joinedAt = new Date().toISOString();
  #properties;
  #onChange;

  /** @param {import("./types.js").CallOptions} properties what the call was given, oneself's name and data among it @param {() => void} onChange oneself is to be shown anew */
  constructor(properties, onChange) {
    this.#properties = properties;
    this.#onChange = onChange;
  }

  /** @returns {Wire} */
  get self() {
    const { userName, userData } = this.#properties;
    return /** @type {Wire} */ (/** @type {unknown} */ ({
      peerId: this.peerId, userId: this.peerId, name: userName ?? null, role: "", owner: false, joinedAt: this.#joinedAt, metadata: userData ?? null,
      permissions: PERMISSIONS, capabilities: [], tracks: TRACKS, handRaised: false, connected: false,
    }));
  }

  /** Nothing is ever told here. */
  on() {}

  async setTracks() {}

  /** @param {string} name */
  async setName(name) {
    this.late.name = name;
    this.#onChange();
  }

  /** @param {any} metadata */
  async setMetadata(metadata) {
    this.late.metadata = metadata;
    this.#onChange();
  }

  updateParticipant = refuse;
  updateParticipants = refuse;
  mute = refuse;
  removePeer = refuse;
  answerWaiting = refuse;
  sendMessage = refuse;
  call = refuse;
}
