/** @file What `updateParticipant` and its plural ask of the server. Nothing is awaited by the caller; what is refused is told. */

import { write } from "./permissions.js";
import { skipping } from "./faults.js";

/** @typedef {import("./types.js").ParticipantUpdate} Update */
/** @typedef {import("../wire.js").TrackKind} TrackKind */

/**
 * @typedef {object} Surroundings
 * @property {import("../rolecall.js").Rolecall} room
 * @property {(kind: "audio" | "video", on: boolean) => void} setLocal
 * @property {() => void} stopSharing
 * @property {(sessionId: string, wanted: any) => void} subscribe
 * @property {(refused: import("./types.js").Refused) => void} refuse
 */

const UNMUTE = "a device of somebody else can't be turned on from here: he has to do it himself";
const EJECT_SELF = "use leave() instead";

export class Updates {
  #with;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
  }

  /** @param {string} method @param {string} id a session id, or `local` @param {Update} update */
  one(method, id, update) {
    const { room } = this.#with;
    const isLocal = id === "local" || id === room.peerId;
    const peerId = isLocal ? String(room.peerId) : id;
    if (update.updatePermissions) {
      this.#ask(method, peerId, "updatePermissions", update, room.updateParticipant(peerId, write(update.updatePermissions, this.#held(peerId))));
    }
    if (isLocal) this.#self(method, update);
    else this.#other(method, peerId, update);
  }

  /** @param {string} method @param {Record<string, Update>} updates `*` is everybody else who is not named */
  many(method, updates) {
    const { room } = this.#with;
    const named = Object.fromEntries(Object.entries(updates).filter(([, update]) => update).map(([id, update]) => [id === "local" ? String(room.peerId) : id, update]));
    const patches = Object.entries(named).filter(([, update]) => update.updatePermissions);
    if (patches.length) {
      const wire = Object.fromEntries(patches.map(([id, update]) => [id, { updatePermissions: write(/** @type {any} */ (update.updatePermissions), this.#held(id)) }]));
      const asked = room.updateParticipants(wire).then((/** @type {any} */ result) => {
        for (const { peerId, reason } of result.refused ?? []) {
          this.#refuse(method, peerId, "updatePermissions", named[peerId] ?? named["*"], reason, `refused: ${reason}`, {});
        }
      });
      this.#ask(method, null, "updatePermissions", named, asked);
    }
    const { "*": everybody, ...some } = named;
    const others = everybody ? [...room.participants.keys()].filter((id) => id !== room.peerId && !Object.hasOwn(some, id)) : [];
    for (const id of others) this.#other(method, id, /** @type {Update} */ (everybody));
    for (const [id, update] of Object.entries(some)) {
      if (id === room.peerId) this.#self(method, update);
      else this.#other(method, id, update);
    }
  }

  /** @param {string} id */
  #held(id) {
    return this.#with.room.participants.get(id)?.permissions;
  }

  /** @param {string} method @param {Update} update */
  #self(method, update) {
    const { room, setLocal, stopSharing } = this.#with;
    if (update.setAudio !== undefined) setLocal("audio", update.setAudio);
    if (update.setVideo !== undefined) setLocal("video", update.setVideo);
    if (update.setScreenShare === false) stopSharing();
    if (update.eject) this.#refuse(method, room.peerId, "eject", update, "self", EJECT_SELF, {});
  }

  /** @param {string} method @param {string} id @param {Update} update */
  #other(method, id, update) {
    const { room, subscribe } = this.#with;
    if (update.setSubscribedTracks !== undefined) subscribe(id, update.setSubscribedTracks);
    /** @type {TrackKind[]} */
    const tracks = [];
    if (update.setAudio === false) tracks.push("audio");
    if (update.setVideo === false) tracks.push("video");
    if (update.setScreenShare === false) tracks.push("screenVideo", "screenAudio");
    if (tracks.length) this.#ask(method, id, nameOf(update), update, room.mute({ peerId: id, tracks }));
    for (const what of /** @type {const} */ (["setAudio", "setVideo"])) {
      if (update[what]) this.#refuse(method, id, what, update, "not-supported", UNMUTE, {});
    }
    if (update.eject) this.#ask(method, id, "eject", update, room.removePeer(id));
  }

  /** @param {string} method @param {string | null} id @param {string} what @param {any} updates @param {Promise<unknown>} asked */
  #ask(method, id, what, updates, asked) {
    asked.catch((error) => this.#refuse(method, id, what, updates, error.reason ?? "unknown", String(error.message), error.data ?? {}));
  }

  /** @param {string} method @param {string | null} id @param {string} what @param {any} updates @param {string} reason @param {string} errorMsg @param {Record<string, any>} details */
  #refuse(method, id, what, updates, reason, errorMsg, details) {
    console.warn(skipping(what, id, reason));
    this.#with.refuse({ method, sessionId: id, updates, reason, errorMsg, details });
  }
}

/** @param {Update} update */
function nameOf(update) {
  if (update.setAudio === false) return "setAudio";
  return update.setVideo === false ? "setVideo" : "setScreenShare";
}
