/** @file Daily's call object over the native client: its methods and their guards. Coming and going is in `session.js`, what happens in a meeting in `meeting.js`. */

import { RolecallError } from "../error.js";
import { addressOf } from "./address.js";
import { checkUpdate } from "./check.js";
import { shareError } from "./camera-error.js";
import { DeviceNews } from "./device-news.js";
import { isOn } from "./participant.js";
import { RESET } from "./permissions.js";
import { checkUserData } from "./properties.js";
import { CallSession } from "./session.js";
import { updateOf } from "./session-data.js";
import { addUnsupported, notSupported } from "./unsupported.js";
import { Updates } from "./updates.js";

/** @typedef {import("./types.js").CallOptions} CallOptions */
/** @typedef {import("./types.js").Participants} Participants */
/** @typedef {import("./types.js").ParticipantUpdate} ParticipantUpdate */

/** Characters of an app message as JSON, as Daily bounds them. */
const APP_MESSAGE_MAX = 4096;

export class DailyCall extends CallSession {
  /** @type {Record<string, import("./types.js").Participant>} */
  #nobody = {};
  #news;

  /** @param {import("./types.js").FactoryOptions} [options] @param {(call: CallSession) => void} [onDestroyed] */
  constructor(options, onDestroyed) {
    super(options, onDestroyed);
    this.#news = new DeviceNews({
      mediaDevices: this.mediaDevices,
      selected: () => this.getInputDevices(),
      tell: (name, payload) => this.tell(/** @type {any} */ (name), payload),
    });
  }

  /** @override @returns {Promise<void>} */
  async destroy() {
    await super.destroy();
    this.#news.stop();
  }

  /** @protected @override */
  onDeviceUsed() {
    void this.#news.choose();
  }

  // ---- who is here

  /** Empty before `joined-meeting`. @returns {Participants} */
  participants() {
    return /** @type {any} */ (this.meeting?.participants ?? this.#nobody);
  }

  /** Whom nobody sees, for those who may change permissions; empty for everybody else. @returns {{ [sessionId: string]: import("./types.js").Participant }} */
  hiddenParticipants() {
    return this.meeting?.hidden ?? {};
  }

  /** @returns {import("./types.js").Counts} */
  participantCounts() {
    return this.counts;
  }

  /** @param {string} sessionId @param {ParticipantUpdate} updates @returns {this} */
  updateParticipant(sessionId, updates) {
    if (!sessionId || !updates) return this;
    checkUpdate(updates, this.subscriptions.automatic);
    this.#updates("updateParticipant()").one("updateParticipant", sessionId, updates);
    return this;
  }

  /** @param {{ [sessionId: string]: ParticipantUpdate }} updates @returns {this} */
  updateParticipants(updates) {
    for (const [id, update] of Object.entries(updates)) {
      if (id && update) checkUpdate(update, this.subscriptions.automatic);
    }
    this.#updates("updateParticipants()").many("updateParticipants", updates);
    return this;
  }

  /** Gives somebody back the permissions that his role and the room say. Beyond Daily: it tells the outcome. @param {string} sessionId @returns {Promise<void>} */
  async resetPermissions(sessionId) {
    const room = this.joined("resetPermissions()");
    await room.updateParticipant(sessionId === "local" ? String(room.peerId) : sessionId, RESET);
  }

  // ---- oneself

  /** @returns {boolean} */
  localAudio() { return this.#isLocalOn("audio"); }
  /** @returns {boolean} */
  localVideo() { return this.#isLocalOn("video"); }
  /** @returns {boolean} */
  localScreenAudio() { return this.#isLocalOn("screenAudio"); }
  /** @returns {boolean} */
  localScreenVideo() { return this.#isLocalOn("screenVideo"); }

  /** @param {boolean} enabled @param {{ forceDiscardTrack: boolean }} [_options] a track that is off is always discarded @returns {this} */
  setLocalAudio(enabled, _options) {
    this.devices.set("audio", enabled);
    return this;
  }

  /** @param {boolean} enabled @returns {this} */
  setLocalVideo(enabled) {
    this.devices.set("video", enabled);
    return this;
  }

  /** @param {string} name @param {{ thisMeetingOnly?: boolean }} [_options] a name never outlives the meeting @returns {Promise<{ userName: string }>} */
  async setUserName(name, _options) {
    this.properties.userName = name;
    if (this.meetingState() === "joined-meeting") await this.joined("setUserName()").setName(name ?? "");
    return { userName: name };
  }

  /** @param {unknown} data @returns {Promise<{ userData: unknown }>} */
  async setUserData(data) {
    checkUserData(data);
    this.properties.userData = data;
    if (this.meetingState() === "joined-meeting") await this.joined("setUserData()").setMetadata(data ?? null);
    return { userData: data };
  }

  // ---- devices

  /** Turns camera and microphone on before joining. @param {CallOptions} [options] @returns {Promise<import("./types.js").DeviceInfos>} */
  async startCamera(options = {}) {
    this.refuseDestroyed();
    this.refuseJoined("startCamera()", "Did you mean to use setLocalAudio() and/or setLocalVideo() instead?");
    if (this.needsLoad()) await this.load(options);
    else this.configure(options);
    this.startDevices();
    await this.devices.settled();
    this.tell("started-camera", {});
    return this.getInputDevices();
  }

  /** @param {import("./types.js").ScreenOptions} [options] */
  startScreenShare(options = {}) {
    this.joined("startScreenShare()");
    void this.#share(options);
  }

  stopScreenShare() {
    this.devices.unshare();
  }

  /** @param {{ audioDeviceId?: string | false | null, audioSource?: MediaStreamTrack | false, videoDeviceId?: string | false | null, videoSource?: MediaStreamTrack | false }} devices @returns {Promise<import("./types.js").DeviceInfos>} */
  async setInputDevicesAsync({ audioDeviceId, audioSource, videoDeviceId, videoSource }) {
    this.#setSource("audio", audioSource ?? audioDeviceId);
    this.#setSource("video", videoSource ?? videoDeviceId);
    await this.devices.settled();
    return this.getInputDevices();
  }

  /** @returns {Promise<import("./types.js").DeviceInfos>} */
  async getInputDevices() {
    const { devices } = await this.enumerateDevices();
    const find = (/** @type {"audio" | "video"} */ kind) => {
      const id = this.devices.idOf(kind);
      return (id && devices.find((device) => device.kind === `${kind}input` && device.deviceId === id)) || {};
    };
    return { camera: find("video"), mic: find("audio"), speaker: {} };
  }

  /** @returns {Promise<{ devices: MediaDeviceInfo[] }>} */
  async enumerateDevices() {
    return { devices: (await this.mediaDevices?.enumerateDevices?.()) ?? [] };
  }

  // ---- subscriptions

  subscribeToTracksAutomatically() {
    return this.subscriptions.automatic;
  }

  /** @param {boolean} enabled @returns {this} */
  setSubscribeToTracksAutomatically(enabled) {
    this.joined("setSubscribeToTracksAutomatically()", "Use the subscribeToTracksAutomatically configuration property.");
    this.subscriptions.automatic = enabled;
    this.#resubscribe();
    return this;
  }

  // ---- talk

  /** @param {any} data @param {string | string[]} [to] `*`, a session id, or several @returns {this} */
  sendAppMessage(data, to = "*") {
    const room = this.joined("sendAppMessage()");
    if (JSON.stringify(data).length > APP_MESSAGE_MAX) throw new Error(`Message data too large. Max size is ${APP_MESSAGE_MAX}`);
    for (const recipient of Array.isArray(to) ? to : [to]) {
      room.sendMessage(data, recipient).catch((error) => {
        console.warn(`app message can't be sent to ${recipient}; skipping (${error.reason})`);
        this.tell("rolecall-refused", { method: "sendAppMessage", sessionId: recipient, updates: data, reason: error.reason, errorMsg: error.message, details: error.data });
      });
    }
    return this;
  }

  // ---- the meeting

  /** @returns {import("./types.js").AccessState} */
  accessState() {
    return this.access;
  }

  /** Who asked to be let in and waits for the answer, for those who may give it; nobody for everybody else. @returns {{ [id: string]: import("./types.js").WaitingParticipant }} */
  waitingParticipants() {
    return this.waiting?.participants ?? {};
  }

  /** Looks up what access `join` would give, without joining. @param {CallOptions} [options] with the `url` at least @returns {Promise<{ access: import("./types.js").Access }>} */
  async preAuth(options = {}) {
    this.refuseDestroyed();
    this.refuseJoined("preAuth()");
    if (this.needsLoad()) await this.load(options);
    if (!options.url) throw new Error("preAuth() requires at least a url to be provided");
    this.configure(options);
    const access = { level: await this.lookUpAccess() };
    this.preAuthed = true;
    this.admit({ access });
    return { access };
  }

  /** Asks those who may answer to be let in. Asked again it is the same question, under the new name. @param {import("./types.js").AccessRequest} [request] @returns {Promise<import("./types.js").AccessAnswer>} */
  async requestAccess({ access = { level: "full" }, name = "" } = /** @type {any} */ ({})) {
    this.joined("requestAccess()");
    if (access?.level !== "full") throw new Error("requestAccess() can request the access { level: 'full' } only");
    return this.knock(name);
  }

  /** @param {string} id @param {import("./types.js").WaitingUpdate} updates @returns {Promise<{ id: string }>} */
  async updateWaitingParticipant(id, updates) {
    this.joined("updateWaitingParticipant()");
    if (typeof id !== "string" || typeof updates !== "object" || updates === null) throw new Error("updateWaitingParticipant() must take an id string and a updates object");
    await this.#waitingRoom().update(id, updates);
    return { id };
  }

  /** @param {{ [id: string]: import("./types.js").WaitingUpdate }} updates `*` is everybody who is not named @returns {Promise<{ ids: string[] }>} */
  async updateWaitingParticipants(updates) {
    this.joined("updateWaitingParticipants()");
    if (typeof updates !== "object" || updates === null) throw new Error("updateWaitingParticipants() must take a mapping between ids and update objects");
    return { ids: await this.#waitingRoom().updateAll(updates) };
  }

  /** @returns {{ id: string }} */
  meetingSessionSummary() {
    return /** @type {any} */ (this.summary);
  }

  /** @deprecated as in Daily's client @returns {Promise<{ meetingSession: { id: string } }>} */
  async getMeetingSession() {
    console.warn("getMeetingSession() is deprecated: use meetingSessionSummary(), which will return immediately");
    this.joined("getMeetingSession()");
    return { meetingSession: this.meetingSessionSummary() };
  }

  /** @returns {import("./types.js").MeetingSessionState} */
  meetingSessionState() {
    this.joined("meetingSessionState");
    return this.sessionState;
  }

  /** @param {unknown} data a map @param {import("./types.js").MergeStrategy} [mergeStrategy] merging, a key whose value is undefined goes */
  setMeetingSessionData(data, mergeStrategy = "replace") {
    const room = this.joined("setMeetingSessionData");
    let update;
    try {
      update = updateOf(data, mergeStrategy);
    } catch (error) {
      console.error(error);
      throw error;
    }
    if (!update) return;
    room.call("setSessionData", update).catch((error) => {
      this.tell("nonfatal-error", { type: "meeting-session-data-error", errorMsg: error.message, details: { reason: error.reason, ...error.data } });
    });
  }

  /** @param {{ includeRoomConfigDefaults: boolean }} [_options] @returns {Promise<any>} */
  async room(_options) {
    const { url } = this.properties;
    const { room, self } = this.native ?? {};
    if (this.meetingState() !== "joined-meeting" || !room || !self) return url ? { roomUrlPendingJoin: url } : null;
    return {
      id: room.cid,
      name: addressOf(String(url)).name,
      config: {},
      domainConfig: {},
      tokenConfig: { is_owner: self.owner, user_id: self.userId, user_name: self.name ?? "" },
    };
  }

  // ---- what is asked on the way, and has no answer but this

  iframe() { return null; }
  /** @returns {Promise<{ topology: "peer" | "none" }>} */
  async getNetworkTopology() { return { topology: this.meetingState() === "joined-meeting" && !this.lobby ? "peer" : "none" }; }
  /** Nothing is measured. @returns {Promise<any>} */
  async getNetworkStats() { return { networkState: "unknown", networkStateReasons: [], threshold: "good", quality: 100, stats: {} }; }
  /** Nothing is measured. @returns {Promise<any>} */
  async getCpuLoadStats() { return { cpuLoadState: undefined, cpuLoadStateReason: undefined, stats: {} }; }
  /** @returns {Promise<any>} */
  async getInputSettings() { return { audio: { processor: { type: "none" } }, video: { processor: { type: "none" } } }; }
  /** @param {string} [_id] @param {{ showInheritedValues: boolean }} [_options] @returns {Promise<any>} */
  async getReceiveSettings(_id, _options) { return {}; }
  /** @returns {null} */
  getSendSettings() { return null; }
  isLocalAudioLevelObserverRunning() { return false; }
  isRemoteParticipantsAudioLevelObserverRunning() { return false; }
  /** @returns {{ peerId?: string }} */
  getActiveSpeaker() { return {}; }
  activeSpeakerMode() { return false; }

  // ---- within

  #waitingRoom() {
    if (this.waiting) return this.waiting;
    throw RolecallError.local("lobby", "that is for those who were let in");
  }

  /** @param {string} method */
  #updates(method) {
    return new Updates({
      room: this.joined(method),
      setLocal: (kind, on) => this.devices.set(kind, on),
      stopSharing: () => this.stopScreenShare(),
      subscribe: (sessionId, wanted) => {
        this.subscriptions.set(sessionId, wanted);
        this.#resubscribe();
      },
      refuse: (refused) => this.tell("rolecall-refused", refused),
    });
  }

  #resubscribe() {
    this.media?.refresh();
    this.meeting?.refreshOthers();
  }

  /** @param {import("./devices.js").Kind} kind @returns {boolean} null, against its type as in Daily's client, before there is a local participant */
  #isLocalOn(kind) {
    if (!this.participants().local) return /** @type {any} */ (null);
    return isOn(this.devices.stateOf(kind));
  }

  /** @param {"audio" | "video"} kind @param {string | MediaStreamTrack | false | null | undefined} source */
  #setSource(kind, source) {
    if (source === undefined || source === null) return;
    if (source === false) this.devices.set(kind, false);
    else this.devices.setSource(kind, source);
  }

  /** @param {any} options */
  async #share({ mediaStream, displayMediaOptions }) {
    try {
      if (await this.devices.share(mediaStream, displayMediaOptions)) this.tell("local-screen-share-started", {});
    } catch (error) {
      const { canceled, errorMsg } = shareError(error);
      if (canceled) this.tell("local-screen-share-canceled", {});
      else this.tell("nonfatal-error", { type: "screen-share-error", errorMsg, details: { name: /** @type {any} */ (error)?.name } });
    }
  }
}

addUnsupported(DailyCall.prototype);
