/**
 * @file The meeting that was joined: the server's notices become Daily's events, in Daily's order.
 * Knows the native client, the devices and the media of others; knows nothing of joining and leaving.
 */

import { mayReceive } from "../media/kinds.js";
import { CUSTOM_KINDS, participantOf, remoteState, STEADY_KINDS } from "./participant.js";
import { Store } from "./store.js";

/** @typedef {import("../wire.js").Participant} Wire */
/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {import("./types.js").Participant} Participant */
/** @typedef {import("./types.js").TrackState} TrackState */
/** @typedef {import("./store.js").Tell} Tell */

/** Who sent a message that came from the back end. */
export const SERVER_ID = "server";

/**
 * @typedef {object} Surroundings
 * @property {import("../rolecall.js").Rolecall} room
 * @property {import("./devices.js").Devices} devices
 * @property {import("./remote.js").RemoteMedia["trackOf"]} trackOf what arrives of others
 * @property {import("./subscriptions.js").Subscriptions} subscriptions
 * @property {Tell} tell
 */

export class Meeting {
  #room;
  #devices;
  #trackOf;
  #subscriptions;
  #tell;
  #store;
  /** Whom an administrator may know of and nobody sees. @type {Record<string, Participant>} */
  #hidden = {};
  /** What others turned off, by peer. @type {Map<string, Set<TrackKind>>} */
  #muted = new Map();
  /** Own participant as the server last told it. @type {Wire | null} */
  #self = null;
  #refreshing = false;

  /** @param {Surroundings} surroundings */
  constructor({ room, devices, trackOf, subscriptions, tell }) {
    this.#room = room;
    this.#devices = devices;
    this.#trackOf = trackOf;
    this.#subscriptions = subscriptions;
    this.#tell = tell;
    this.#store = new Store(tell);
  }

  get participants() {
    return this.#store.participants;
  }

  get hidden() {
    return { ...this.#hidden };
  }

  /** Takes the room as the first join found it. Nobody in it is announced. */
  begin() {
    const { self } = this.#room;
    if (!self) return;
    this.#takeSelf(self, self.peerId);
    const others = [...this.#room.participants.values()].filter((wire) => wire.peerId !== self.peerId);
    for (const wire of others.filter(isHidden)) this.#hidden[wire.peerId] = this.#shape(wire);
    this.#store.take([this.#shape(self), ...others.filter((wire) => !isHidden(wire)).map((wire) => this.#shape(wire))]);
    this.#listen();
  }

  /** Goes from the lobby into the room. Who is there is news. @param {import("../rolecall.js").Rolecall} room */
  enter(room) {
    this.#room = room;
    const others = [...room.participants.values()].filter(({ peerId }) => peerId !== room.peerId);
    for (const wire of room.self ? [room.self, ...others] : others) this.#seen(wire, null);
    this.#listen();
  }

  #listen() {
    this.#room.on("participant-joined", ({ participant }) => this.#seen(participant, null));
    this.#room.on("participant-updated", ({ participant, by }) => this.#seen(participant, by));
    this.#room.on("participant-left", ({ peerId, reason }) => this.#gone(peerId, reason));
    this.#room.on("app-message", ({ from, data }) => this.#tell("app-message", { data, fromId: from.peerId ?? SERVER_ID }));
    this.#room.on("unmute-request", ({ from, tracks }) => this.#tell("rolecall-unmute-request", { tracks, fromId: from.peerId ?? SERVER_ID }));
  }

  /** Tells the server anew what is being sent: a lost seat came back as another peer. */
  sendAgain() {
    for (const kind of /** @type {const} */ (["audio", "video", "screenVideo", "screenAudio"])) {
      if (this.#devices.trackOf(kind)) this.send(kind, true);
    }
  }

  /** @param {import("./devices.js").Kind} kind @param {boolean} on */
  send(kind, on) {
    const told = this.#room.self?.tracks[kind];
    if (!told || (!on && told !== "on" && told !== "off")) return;
    // Refused, it was revoked meanwhile: the notice of that turns the device off.
    this.#room.setTracks({ [kind]: on }).catch(() => {});
  }

  /** Shows oneself anew, once for all changes of a moment, and never within somebody's handler. */
  refreshSelf() {
    if (this.#refreshing) return;
    this.#refreshing = true;
    queueMicrotask(() => {
      this.#refreshing = false;
      const { self } = this.#room;
      if (self && this.#store.has("local")) this.#store.put(this.#shape(self));
    });
  }

  /** Shows others anew, or one of them: what arrives of them, or may arrive, is another. @param {string} [peerId] */
  refreshOthers(peerId) {
    for (const wire of this.#room.participants.values()) {
      if (wire.peerId !== this.#self?.peerId && (!peerId || wire.peerId === peerId) && this.#store.has(wire.peerId)) this.#store.put(this.#shape(wire));
    }
  }

  /** @param {Wire} wire @param {string | null} by */
  #seen(wire, by) {
    if (wire.peerId === this.#room.peerId) {
      this.#takeSelf(wire, by);
      this.#store.put(this.#shape(wire));
      return this.refreshOthers();
    }
    this.#noteMutes(wire, by);
    const wasHidden = this.#hidden[wire.peerId] !== undefined;
    if (isHidden(wire)) {
      this.#hidden[wire.peerId] = this.#shape(wire);
      this.#store.drop(wire.peerId, "hidden");
    } else {
      delete this.#hidden[wire.peerId];
      this.#store.put(this.#shape(wire));
    }
    if (wasHidden || isHidden(wire)) this.#tellHidden();
  }

  /** @param {string} peerId @param {string} reason */
  #gone(peerId, reason) {
    // The seat of a lost session: oneself is back as another peer.
    if (peerId === this.#self?.peerId) return;
    const wasHidden = this.#hidden[peerId] !== undefined;
    delete this.#hidden[peerId];
    if (reason !== "hidden") {
      this.#muted.delete(peerId);
      this.#before.delete(peerId);
      this.#subscriptions.forget(peerId);
    }
    this.#store.drop(peerId, reason === "hidden" ? "hidden" : undefined);
    if (wasHidden) this.#tellHidden();
  }

  /** What oneself may send, and what somebody turned off. @param {Wire} wire @param {string | null} by */
  #takeSelf(wire, by) {
    const before = this.#self;
    this.#self = wire;
    for (const kind of /** @type {const} */ (["audio", "video", "screenVideo", "screenAudio"])) {
      this.#devices.allow(kind, wire.tracks[kind] !== "blocked");
      const turnedOff = before?.peerId === wire.peerId && before.tracks[kind] === "on" && wire.tracks[kind] === "off";
      if (turnedOff && by !== wire.peerId) this.#devices.mute(kind);
    }
  }

  /** The tracks of others as they were. @type {Map<string, Wire["tracks"]>} */
  #before = new Map();

  /** @param {Wire} wire @param {string | null} by */
  #noteMutes(wire, by) {
    const before = this.#before.get(wire.peerId);
    this.#before.set(wire.peerId, wire.tracks);
    const muted = this.#muted.get(wire.peerId) ?? new Set();
    for (const kind of [...STEADY_KINDS, ...CUSTOM_KINDS]) {
      if (wire.tracks[kind] !== "off") muted.delete(kind);
      else if (before?.[kind] === "on" && by !== null && by !== wire.peerId) muted.add(kind);
    }
    this.#muted.set(wire.peerId, muted);
  }

  #tellHidden() {
    this.#tell("rolecall-hidden-participants-updated", { hiddenParticipants: this.hidden });
  }

  /** @param {Wire} wire @returns {Participant} */
  #shape(wire) {
    const local = wire.peerId === this.#room.peerId;
    if (local) return participantOf(wire, { local, stateOf: (kind) => this.#ownState(kind) });
    if (!this.#before.has(wire.peerId)) this.#before.set(wire.peerId, wire.tracks);
    return participantOf(wire, { local, stateOf: (kind) => this.#othersState(wire, kind) });
  }

  /** @param {TrackKind} kind @returns {TrackState} */
  #ownState(kind) {
    if (kind === "customVideo" || kind === "customAudio") return { subscribed: true, state: "off", off: { byUser: true } };
    return this.#devices.stateOf(kind);
  }

  /** @param {Wire} wire @param {TrackKind} kind @returns {TrackState} */
  #othersState(wire, kind) {
    const self = this.#self;
    return remoteState({
      sent: wire.tracks[kind],
      receivable: !self || mayReceive(self, wire, kind),
      muted: this.#muted.get(wire.peerId)?.has(kind) ?? false,
      subscribed: this.#subscriptions.of(wire.peerId, kind),
      track: this.#trackOf(wire.peerId, kind),
    });
  }
}

/** @param {Wire} wire */
function isHidden(wire) {
  return !wire.permissions.hasPresence;
}
