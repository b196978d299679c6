/** @file A call's coming and going: its states, what is told at each, and what of the native client's becomes the end of a call. */

import { Rolecall } from "../rolecall.js";
import { addressOf } from "./address.js";
import { cameraError } from "./camera-error.js";
import { Devices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { equal } from "./equal.js";
import { faultAtClose, faultAtDoor, faultAtJoin, isDoor } from "./faults.js";
import { Lobby } from "./lobby.js";
import { lookUpAccess } from "./look.js";
import { Meeting } from "./meeting.js";
import { checkProperties } from "./properties.js";
import { openMedia } from "./remote.js";
import { Subscriptions } from "./subscriptions.js";
import { WaitingRoom } from "./waiting.js";

/** @typedef {import("./types.js").CallEvents} CallEvents */
/** @typedef {import("./types.js").CallOptions} CallOptions */
/** @typedef {import("./types.js").Participants} Participants */
/** @typedef {import("./types.js").MeetingState} MeetingState */

/** @type {Readonly<import("./types.js").Counts>} */
const NOBODY = { present: 0, hidden: 0 };
/** How long `preAuth` waits for the server, unless `callTimeout` says otherwise. */
const LOOK_MS = 15_000;

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
  /** Where one is while nobody has let one in. @protected @type {Lobby | null} */
  lobby = null;
  /** @protected @type {WaitingRoom | null} */
  waiting = null;
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
  /** What `preAuth` looked up, and `join` may not change. @protected */
  preAuthed = false;
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
  /** Somebody who asked to be let in, and waits for the answer. @type {import("./types.js").Asking | null} */
  #asking = null;
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
        if (track && (kind === "audio" || kind === "video")) this.onDeviceUsed();
        this.media?.setTrack(kind, track);
        this.meeting?.send(kind, track !== null);
      },
      onFailure: (kind, error) => this.tell("camera-error", cameraError(kind === "audio" ? "audio" : "video", error)),
      onShareEnded: () => this.tell("local-screen-share-stopped", {}),
    }, () => this.mediaDevices);
  }

  /** Another camera or microphone may be in use. @protected */
  onDeviceUsed() {}

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
    this.#refuseOther(options);
    if (this.needsLoad()) await this.load(options);
    else this.configure(options);
    if (this.#state === "joined-meeting" || this.#state === "joining-meeting") {
      console.warn("already joined meeting, call leave() before joining again");
      return;
    }
    if (this.#state !== "loaded") return;
    const room = this.#client();
    this.#leaving = null;
    this.#state = "joining-meeting";
    this.tell("joining-meeting", {});
    return new Promise((resolve, reject) => {
      this.#joining = { resolve, reject };
      this.#connect(room);
    });
  }

  /** @returns {Promise<void>} */
  async leave() {
    if (this.#state === "left-meeting" || this.#state === "error") return;
    // A client that is not in ends at once: it must find this said already.
    this.#leaving ??= Promise.resolve().then(() => this.#leave());
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

  /** Throws in a meeting, and on the way into one. @protected @param {string} method @param {string} [more] */
  refuseJoined(method, more) {
    if (this.#state !== "joined-meeting" && this.#state !== "joining-meeting") return;
    const message = `${method} not supported after joining a meeting.${more ? ` ${more}` : ""}`;
    console.error(message);
    throw new Error(message);
  }

  /** Throws outside of a meeting. In the lobby the room is one that refuses everything. @protected @param {string} method @param {string} [more] @returns {Rolecall} */
  joined(method, more) {
    const room = this.lobby ? asRoom(this.lobby) : this.native;
    if (this.#state === "joined-meeting" && room) return room;
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

  /** @protected @param {import("./types.js").AccessState} access */
  admit(access) {
    if (equal(access, this.access)) return;
    this.access = access;
    this.tell("access-state-updated", access);
  }

  // ---- joining

  /** Throws where `preAuth` looked something else up. @param {CallOptions} options */
  #refuseOther(options) {
    for (const name of /** @type {const} */ (["url", "token"])) {
      if (!this.preAuthed || !options[name] || options[name] === this.properties[name]) continue;
      const message = `${name} in join() is different than the one used in preAuth()`;
      console.error(message);
      throw new Error(message);
    }
  }

  /** @param {Rolecall} room */
  #connect(room) {
    this.native = room;
    this.#listen(room);
    room.connect().catch(() => {
      // `closed` has told it
    });
  }

  /** Looks up what `join` would give. @protected @returns {Promise<"full" | "lobby" | "none">} */
  lookUpAccess() {
    const { url = "", token, rolecall: { WebSocket = globalThis.WebSocket, callTimeout: timeout = LOOK_MS } = {} } = this.properties;
    const address = addressOf(url);
    return lookUpAccess({ url: address.server, room: address.room, token: token ?? address.token, WebSocket, timeout });
  }

  /** @param {{ name?: string, knock?: boolean }} [more] @returns {Rolecall} */
  #client(more) {
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
      ...more,
    });
  }

  /** @param {Rolecall} room */
  #listen(room) {
    const uri = String(this.properties.url);
    let away = false;
    room.on("joined", () => {
      if (this.lobby) this.#enter(room);
      else if (this.meeting) this.#rejoined(room);
      else this.#begin(room);
    });
    room.on("waiting", () => {
      this.admit({ access: { level: "lobby" }, awaitingAccess: { level: "full" } });
      if (away) this.tell("network-connection", { type: "signaling", event: "connected" });
      away = false;
    });
    room.on("resumed", ({ resumed }) => {
      if (!resumed) {
        this.#takeSession(room);
        this.waiting?.refresh();
      }
      this.tell("network-connection", { type: "signaling", event: "connected" });
    });
    room.on("reconnecting", ({ attempt }) => {
      away = true;
      if (attempt === 1) this.tell("network-connection", { type: "signaling", event: "interrupted" });
    });
    room.on("counts-updated", ({ present, hidden }) => this.#count({ present, hidden }));
    room.on("session-data-updated", ({ data }) => {
      if (this.meeting) this.#takeSessionData(data);
    });
    room.on("closed", (closed) => {
      if (this.#leaving || this.native !== room) return;
      if (this.#joining && isDoor(closed.error)) return this.#beginInLobby();
      if (this.lobby) return this.#notAdmitted(closed, uri);
      this.#fail(this.#joining ? faultAtJoin(closed.error, uri) : faultAtClose(closed, uri));
    });
  }

  /** In the lobby of a room that one may knock at. */
  #beginInLobby() {
    this.native = null;
    this.lobby = new Lobby(this.properties, () => this.meeting?.refreshSelf());
    this.#begin(asRoom(this.lobby));
  }

  /** @param {Rolecall} room */
  #begin(room) {
    const { devices, subscriptions } = this;
    const trackOf = (/** @type {string} */ peerId, /** @type {import("../wire.js").TrackKind} */ kind) => this.media?.trackOf(peerId, kind);
    const meeting = new Meeting({ room, devices, trackOf, subscriptions, tell: this.#teller });
    this.#count(room.counts);
    this.admit({ access: { level: this.lobby ? "lobby" : "full" } });
    this.meeting = meeting;
    this.#state = "joined-meeting";
    this.startDevices();
    meeting.begin();
    if (!this.lobby) this.#open(room, meeting);
    const participants = /** @type {Participants} */ (meeting.participants);
    this.#joining?.resolve(participants);
    this.#joining = null;
    this.tell("joined-meeting", { participants });
    if (this.meeting === meeting && this.native === room) this.#takeSession(room);
  }

  /** Whoever waited in the lobby was let in. @param {Rolecall} room */
  #enter(room) {
    const { meeting } = this;
    if (!meeting) return;
    const { name, metadata } = this.lobby?.late ?? {};
    const asking = this.#asking;
    this.#asking = this.lobby = null;
    this.#count(room.counts);
    this.admit({ access: { level: "full" } });
    meeting.enter(room);
    this.#open(room, meeting);
    for (const said of [name !== undefined && room.setName(name), metadata !== undefined && room.setMetadata(metadata)]) {
      if (said) said.catch((error) => console.warn(`what was said of oneself while waiting was refused (${error.reason})`));
    }
    asking?.resolve({ access: { level: "full" }, granted: true });
    if (this.meeting === meeting) this.#takeSession(room);
  }

  /** The room itself, behind the meeting: what a notice says of somebody is told before what it does to his tracks. @param {Rolecall} room @param {Meeting} meeting */
  #open(room, meeting) {
    this.media = openMedia(room, this.subscriptions, this.properties.rolecall, (peerId) => this.meeting?.refreshOthers(peerId));
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const track = this.devices.trackOf(kind);
      if (track) this.media.setTrack(kind, track);
    }
    meeting.sendAgain();
    this.waiting = new WaitingRoom(room, this.#teller);
  }

  /** @type {import("./store.js").Tell} */
  #teller = (name, payload) => this.tell(/** @type {any} */ (name), payload);

  // ---- being let in

  /** Knocks, or knocks again under another name. @protected @param {string} name @returns {Promise<{ access: import("./types.js").Access, granted: boolean }>} */
  knock(name) {
    const { lobby, native } = this;
    if (!lobby) return Promise.resolve({ access: this.access.access, granted: true });
    lobby.late = {};
    const asking = (this.#asking ??= askingOf(name));
    if (native && asking.name === name) return asking.promise;
    asking.name = name;
    this.#connect(this.#client({ knock: true, ...(name && { name }) }));
    void native?.leave();
    return asking.promise;
  }

  /** Nobody let one in: that is the end, unless the asking itself failed and can be tried again. @param {{ error?: unknown, code: number, reason: string }} closed @param {string} uri */
  #notAdmitted(closed, uri) {
    const asking = this.#asking;
    this.#asking = this.native = null;
    const fault = faultAtDoor(closed.error, uri);
    if (fault) {
      // Daily's answer names the lobby, though that is left at once.
      asking?.resolve({ access: { level: "lobby" }, granted: false });
      return this.#fail(fault);
    }
    this.admit({ access: { level: "lobby" } });
    asking?.reject(closed.error ?? new Error(`the connection was lost: ${closed.code} ${closed.reason}`));
  }

  /** The seat was lost and another one taken: for the page it is the same meeting. @param {Rolecall} room */
  #rejoined(room) {
    this.admit({ access: { level: "full" } });
    this.#takeSession(room);
    this.waiting?.refresh();
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

  // ---- ending

  async #leave() {
    this.media?.close();
    this.media = null;
    await this.native?.leave();
    this.#state = "left-meeting";
    this.#forget();
    this.#joining?.reject(new Error("the meeting was left before it was joined"));
    this.#asking?.reject(new Error("the meeting was left before anybody was let in"));
    this.#joining = this.#asking = null;
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
    this.lobby = null;
    this.waiting = null;
    this.preAuthed = false;
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

/** The lobby in the place of a room: it has what is asked of one. @param {Lobby} lobby @returns {Rolecall} */
function asRoom(lobby) {
  return /** @type {Rolecall} */ (/** @type {unknown} */ (lobby));
}

/** @param {string} name @returns {import("./types.js").Asking} */
function askingOf(name) {
  /** @type {any} */
  const asking = { name };
  asking.promise = new Promise((resolve, reject) => Object.assign(asking, { resolve, reject }));
  return asking;
}
