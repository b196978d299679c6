/** @file A call's coming and going: its states, what is told at each, and what of the native client's becomes the end of a call. */

import { Rolecall } from "../rolecall.js";
import { addressOf } from "./address.js";
import { cameraError } from "./camera-error.js";
import { Devices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { equal } from "./equal.js";
import { faultAtClose, faultAtJoin } from "./faults.js";
import { Meeting } from "./meeting.js";
import { checkProperties } from "./properties.js";
import { openMedia } from "./remote.js";
import { Subscriptions } from "./subscriptions.js";

/** @typedef {import("./types.js").CallEvents} CallEvents */
/** @typedef {import("./types.js").CallOptions} CallOptions */
/** @typedef {import("./types.js").Participants} Participants */
/** @typedef {import("./types.js").MeetingState} MeetingState */

/** @type {Readonly<import("./types.js").Counts>} */
const NOBODY = { present: 0, hidden: 0 };

/** @extends {Emitter<CallEvents>} */
export class CallSession extends Emitter {
  /** Names this instance; gone with it. @type {string} */
  callClientId = `call-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
  /** What the factory, `load` and `join` were given. @type {import("./types.js").FactoryOptions} */
  properties;
  /** The native client of the meeting, for what Daily has no word for. @type {Rolecall | null} */
  native = null;
  /** @protected @type {Meeting | null} */
  meeting = null;
  /** @protected @type {import("./remote.js").RemoteMedia | null} */
  media = null;
  /** @protected */
  devices;
  /** @protected */
  subscriptions;
  /** @protected @type {import("./types.js").Counts} */
  counts = NOBODY;
  /** @protected @type {import("./types.js").AccessState} */
  access = { access: "unknown" };
  /** @protected @type {{ id?: string }} */
  summary = {};
  /** @protected @type {import("./types.js").MeetingSessionState} */
  sessionState = { data: {}, topology: "none" };
  #onDestroyed;
  /** @type {MeetingState} */
  #state = "new";
  #destroyed = false;
  /** @type {{ resolve: (participants: Participants) => void, reject: (why: unknown) => void } | null} */
  #joining = null;
  /** @type {Promise<void> | null} */
  #leaving = null;

  /** @param {import("./types.js").FactoryOptions} [options] @param {(call: CallSession) => void} [onDestroyed] */
  constructor(options = {}, onDestroyed = () => {}) {
    super();
    this.properties = checkProperties(options);
    this.#onDestroyed = onDestroyed;
    this.subscriptions = new Subscriptions(this.properties.subscribeToTracksAutomatically ?? true);
    this.devices = new Devices({
      onChange: () => this.meeting?.refreshSelf(),
      onTrack: (kind, track) => {
        this.media?.setTrack(kind, track);
        this.meeting?.send(kind, track !== null);
      },
      onFailure: (kind, error) => this.tell("camera-error", cameraError(kind === "audio" ? "audio" : "video", error)),
      onShareEnded: () => this.tell("local-screen-share-stopped", {}),
    }, () => this.mediaDevices);
  }

  /** Makes ready to join; `join` does it by itself. @param {CallOptions} [options] @returns {Promise<void>} */
  async load(options = {}) {
    this.refuseDestroyed();
    if (!this.needsLoad()) return;
    this.configure(options);
    this.#state = "loading";
    this.tell("loading", {});
    await Promise.resolve();
    if (this.meetingState() !== "loading") return;
    this.#state = "loaded";
    this.tell("loaded", {});
  }

  /** @param {CallOptions} [options] @returns {Promise<Participants | void>} */
  async join(options = {}) {
    this.refuseDestroyed();
    if (!options.url && !this.properties.url) {
      const message = "No room URL has been provided";
      console.error(message);
      throw new Error(message);
    }
    if (this.needsLoad()) await this.load(options);
    else this.configure(options);
    if (this.#state === "joined-meeting" || this.#state === "joining-meeting") {
      console.warn("already joined meeting, call leave() before joining again");
      return;
    }
    if (this.#state !== "loaded") return;
    const room = this.#client();
    this.native = room;
    this.#leaving = null;
    this.#state = "joining-meeting";
    this.tell("joining-meeting", {});
    return new Promise((resolve, reject) => {
      this.#joining = { resolve, reject };
      this.#listen(room);
      room.connect().catch(() => {
        // `closed` has told it
      });
    });
  }

  /** @returns {Promise<void>} */
  async leave() {
    if (this.#state === "left-meeting" || this.#state === "error") return;
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  /** @returns {Promise<void>} */
  async destroy() {
    if (this.#destroyed) return;
    await this.leave();
    this.#destroyed = true;
    this.tell("call-instance-destroyed", {});
    this.#onDestroyed(this);
  }

  isDestroyed() {
    return this.#destroyed;
  }

  /** @returns {MeetingState} */
  meetingState() {
    return this.#state;
  }

  // ---- what the methods share

  /** @protected @returns {any} */
  get mediaDevices() {
    return this.properties.rolecall?.mediaDevices ?? globalThis.navigator?.mediaDevices;
  }

  /** @protected @param {keyof CallEvents & string} action @param {object} payload */
  tell(action, payload) {
    this.emit(action, { ...payload, action, callClientId: this.callClientId });
  }

  /** @protected */
  needsLoad() {
    return ["new", "loading", "left-meeting", "error"].includes(this.#state);
  }

  /** @protected @param {CallOptions} options */
  configure(options) {
    Object.assign(this.properties, checkProperties(options));
    if (options.subscribeToTracksAutomatically !== undefined) this.subscriptions.automatic = options.subscribeToTracksAutomatically;
  }

  /** @protected */
  refuseDestroyed() {
    if (this.#destroyed) throw new Error("Use after destroy");
  }

  /** Throws outside of a meeting. @protected @param {string} method @param {string} [more] @returns {Rolecall} */
  joined(method, more) {
    if (this.#state === "joined-meeting" && this.native) return this.native;
    const message = `${method} only supported after join.${more ? ` ${more}` : ""}`;
    console.error(message);
    throw new Error(message);
  }

  /** Turns on what is to be on from the start. @protected */
  startDevices() {
    const { startAudioOff, startVideoOff, audioSource = true, videoSource = true } = this.properties;
    for (const [kind, source, off] of /** @type {const} */ ([["audio", audioSource, startAudioOff], ["video", videoSource, startVideoOff]])) {
      this.devices.setSource(kind, typeof source === "boolean" ? undefined : source);
      if (!off && source !== false) this.devices.set(kind, true);
    }
  }

  // ---- joining

  /** @returns {Rolecall} */
  #client() {
    const { url = "", token, userName, userData, rolecall = {} } = this.properties;
    const address = addressOf(url);
    const { WebSocket, reconnect, callTimeout, heartbeat, random } = rolecall;
    const given = Object.entries({ WebSocket, reconnect, callTimeout, heartbeat, random }).filter(([, value]) => value !== undefined);
    return new Rolecall({
      url: address.server,
      room: address.room,
      ...((token ?? address.token) !== undefined && { token: token ?? address.token }),
      ...(userName && { name: userName }),
      ...(userData !== undefined && { metadata: userData }),
      ...Object.fromEntries(given),
    });
  }

  /** @param {Rolecall} room */
  #listen(room) {
    const uri = String(this.properties.url);
    room.on("joined", () => (this.meeting ? this.#rejoined(room) : this.#begin(room)));
    room.on("resumed", ({ resumed }) => {
      if (!resumed) this.#takeSession(room);
      this.tell("network-connection", { type: "signaling", event: "connected" });
    });
    room.on("reconnecting", ({ attempt }) => {
      if (attempt === 1) this.tell("network-connection", { type: "signaling", event: "interrupted" });
    });
    room.on("counts-updated", ({ present, hidden }) => this.#count({ present, hidden }));
    room.on("session-data-updated", ({ data }) => {
      if (this.meeting) this.#takeSessionData(data);
    });
    room.on("closed", (closed) => {
      if (this.#leaving) return;
      this.#fail(this.#joining ? faultAtJoin(closed.error, uri) : faultAtClose(closed, uri));
    });
  }

  /** @param {Rolecall} room */
  #begin(room) {
    const { devices, subscriptions } = this;
    const tell = /** @type {import("./store.js").Tell} */ ((name, payload) => this.tell(/** @type {any} */ (name), payload));
    const trackOf = (/** @type {string} */ peerId, /** @type {import("../wire.js").TrackKind} */ kind) => this.media?.trackOf(peerId, kind);
    const meeting = new Meeting({ room, devices, trackOf, subscriptions, tell });
    this.#count(room.counts);
    this.#admit({ access: { level: "full" } });
    this.meeting = meeting;
    this.#state = "joined-meeting";
    this.startDevices();
    meeting.begin();
    // Behind the meeting: what a notice says of somebody is told before what it does to his tracks.
    this.media = openMedia(room, subscriptions, this.properties.rolecall, (peerId) => this.meeting?.refreshOthers(peerId));
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const track = devices.trackOf(kind);
      if (track) this.media.setTrack(kind, track);
    }
    meeting.sendAgain();
    const participants = /** @type {Participants} */ (meeting.participants);
    this.#joining?.resolve(participants);
    this.#joining = null;
    this.tell("joined-meeting", { participants });
    if (this.meeting === meeting) this.#takeSession(room);
  }

  /** The seat was lost and another one taken: for the page it is the same meeting. @param {Rolecall} room */
  #rejoined(room) {
    this.#takeSession(room);
    this.meeting?.sendAgain();
    this.tell("network-connection", { type: "signaling", event: "connected" });
  }

  /** @param {Rolecall} room */
  #takeSession(room) {
    const id = room.epoch ?? "";
    if (this.summary.id !== id) {
      this.summary = { id };
      for (const name of /** @type {const} */ (["meeting-session-summary-updated", "meeting-session-updated"])) this.tell(name, { meetingSession: this.summary });
    }
    this.#takeSessionData(room.sessionData);
  }

  /** @param {unknown} data */
  #takeSessionData(data) {
    /** @type {import("./types.js").MeetingSessionState} */
    const state = { data, topology: "peer" };
    if (equal(state, this.sessionState)) return;
    this.sessionState = state;
    this.tell("meeting-session-state-updated", { meetingSessionState: state });
  }

  /** @param {import("./types.js").Counts} counts */
  #count(counts) {
    if (equal(counts, this.counts)) return;
    this.counts = { ...counts };
    this.tell("participant-counts-updated", { participantCounts: this.counts });
  }

  /** @param {import("./types.js").AccessState} access */
  #admit(access) {
    if (equal(access, this.access)) return;
    this.access = access;
    this.tell("access-state-updated", access);
  }

  // ---- ending

  async #leave() {
    this.media?.close();
    this.media = null;
    await this.native?.leave();
    this.#state = "left-meeting";
    this.#forget();
    this.#joining?.reject(new Error("the meeting was left before it was joined"));
    this.#joining = null;
    // Whoever waits for `leave` goes on after the handlers of this.
    this.tell("left-meeting", {});
  }

  /** @param {{ errorMsg: string, error: any }} fault */
  #fail(fault) {
    const joining = this.#joining;
    this.#joining = null;
    this.#state = "error";
    this.#forget();
    joining?.reject({ ...fault, action: "error", callClientId: this.callClientId });
    this.tell("error", fault);
    this.tell("left-meeting", {});
  }

  #forget() {
    this.meeting = null;
    this.media?.close();
    this.media = null;
    this.native = null;
    this.devices.stop();
    this.counts = NOBODY;
    this.access = { access: "unknown" };
    this.summary = {};
    this.sessionState = { data: {}, topology: "none" };
  }
}
