/**
 * @file Live media between the peers of a room: subscribes to what may be received, answers who may receive, and hands out tracks.
 * Every end keeps to what the room says at that moment. A module of its own: `rolecall.js` does not need it.
 */

import { Emitter } from "./emitter.js";
import { RolecallError } from "./error.js";
import { Asker } from "./media/asker.js";
import { KINDS, mayReceive, sortOf } from "./media/kinds.js";
import { Mesh } from "./media/mesh.js";
import { Receiver } from "./media/receiver.js";
import { Sender } from "./media/sender.js";

export { KINDS, mayReceive, sortOf };

/** @typedef {import("./wire.js").TrackKind} TrackKind */
/** @typedef {import("./wire.js").Participant} Participant */
/** @typedef {import("./wire.js").Receiving} Receiving */
/** @typedef {import("./media/mesh.js").Unavailable} Unavailable */
/** @typedef {Pick<import("./rolecall.js").Rolecall, "on" | "state" | "peerId" | "self" | "participants" | "counts" | "subscriptions" | "subscribe" | "unsubscribe" | "signalSubscription" | "media">} Room what of a `Rolecall` is needed */

/**
 * @typedef {object} MediaOptions
 * @property {(participant: Participant, kind: TrackKind) => boolean} [wants] what to receive of what may be; all unless given
 * @property {RtcOptions} [rtc]
 * @property {() => number} [random] uniform in [0, 1)
 */

/**
 * @typedef {object} RtcOptions
 * @property {new (configuration?: RTCConfiguration) => RTCPeerConnection} [RTCPeerConnection] the class to use; the browser's
 * @property {RTCIceServer[]} [iceServers] instead of the server's
 * @property {RTCIceTransportPolicy} [iceTransportPolicy] `relay` keeps the own address from the others
 */

/** @typedef {{ peerId: string, participant: Participant, kind: TrackKind, track: MediaStreamTrack }} TrackEvent `participant` is the last that was known of him */

/**
 * @typedef {object} MediaEvents
 * @property {TrackEvent} track-started it arrives, and may be played
 * @property {TrackEvent} track-stopped it no longer does or may
 * @property {Unavailable} unavailable nothing is received in this room now
 * @property {{}} available it is again
 * @property {{ error: unknown, event: string }} error what could not be mended, or a handler that threw
 */

/** @typedef {{ receiver: Receiver, participant: Participant }} Incoming */

/** Changes that come together are asked about together. */
const SETTLE_MS = 20;

/** @extends {Emitter<MediaEvents>} */
export class Media extends Emitter {
  #room;
  #wants;
  #rtc;
  #random;
  #asker;
  #mesh;
  /** @type {(() => void)[]} */
  #listening;
  /** What there is to send. @type {Map<TrackKind, MediaStreamTrack>} */
  #local = new Map();
  /** By subscription. @type {Map<string, Incoming>} */
  #receiving = new Map();
  /** By subscription. @type {Map<string, Sender>} */
  #sending = new Map();
  /** What may be played, by peer. @type {Map<string, Map<TrackKind, MediaStreamTrack>>} */
  #playing = new Map();
  /** Peers whose connection has been made anew once, without ever connecting since. @type {Set<string>} */
  #renewed = new Set();
  /** @type {Unavailable | null} */
  #unavailable = null;
  /** Whether offers may have been made before anybody here could answer. */
  #late = true;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Room} room joined or not
   * @param {MediaOptions} [options]
   */
  constructor(room, { wants, rtc = {}, random = Math.random } = {}) {
    super();
    this.#room = room;
    this.#wants = wants ?? (() => true);
    this.#rtc = { RTCPeerConnection: globalThis.RTCPeerConnection, ...rtc };
    this.#random = random;
    const settled = () => this.#sync();
    this.#asker = new Asker(room, {
      onSettled: settled,
      onNoMesh: (limit) => this.#mesh.limit(limit),
      fail: (error, peerId) => this.#fail(error, peerId),
    }, random);
    this.#mesh = new Mesh(room, {
      onKnown: () => {
        this.#sync();
        // Who could not be answered until now is asked to ask again.
        if (!this.#late || !this.#mesh.known()) return;
        this.#late = false;
        for (const sender of this.#sending.values()) sender.greet();
      },
      fail: (error) => this.#fail(error),
    }, random);
    this.#listening = [
      room.on("participant-joined", settled),
      room.on("participant-updated", ({ participant, changed }) => {
        this.#sync();
        if (changed.includes("connected") && participant.connected) this.#receiverOf(participant.peerId)?.nudge();
      }),
      room.on("participant-left", settled),
      room.on("counts-updated", settled),
      room.on("subscription-updated", settled),
      room.on("subscriber-updated", settled),
      room.on("subscription-signal", (signal) => this.#onSignal(signal)),
      room.on("joined", () => this.#onBack()),
      room.on("resumed", () => this.#onBack()),
      room.on("closed", () => this.close()),
    ];
    if (room.state === "joined") queueMicrotask(settled);
  }

  /** Why nothing is received here now; null where it may be. */
  get unavailable() {
    return this.#unavailable;
  }

  /**
   * What oneself has to send of a kind. It flows while the own track is `on` (`setTracks`), and to whom the room lets receive it.
   * The track stays the caller's, who stops it, until `close`.
   * @param {TrackKind} kind
   * @param {MediaStreamTrack | null} track
   */
  setTrack(kind, track) {
    if (!KINDS.includes(kind)) throw new TypeError(`\`${kind}\` is no kind of track`);
    if (track && track.kind !== sortOf(kind)) throw new TypeError(`\`${kind}\` cannot be sent from a track of ${track.kind}`);
    if (this.#closed) throw new TypeError("this media is closed");
    if (track) this.#local.set(kind, track);
    else this.#local.delete(kind);
    for (const sender of this.#sending.values()) sender.apply();
  }

  /** What arrives of a peer and may be played now. @param {string} peerId @returns {Map<TrackKind, MediaStreamTrack>} */
  tracks(peerId) {
    return new Map(this.#playing.get(peerId));
  }

  /** How the connection stands by which a peer is received. @param {string} peerId @returns {RTCPeerConnectionState | "none"} */
  connectionState(peerId) {
    return this.#receiverOf(peerId)?.state ?? "none";
  }

  /** Looks again at what is wanted, and tries again what was given up. */
  refresh() {
    this.#asker.renew();
    this.#sync();
  }

  /**
   * Closes every connection and ends the own subscriptions; done by itself when the room is left, or ends.
   * @param {{ stopTracks?: boolean }} [options] `false` leaves the own tracks running, for a preview
   */
  close({ stopTracks = true } = {}) {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const stop of this.#listening) stop();
    this.#asker.close();
    this.#mesh.close();
    for (const id of [...this.#receiving.keys()]) {
      this.#dropReceiver(id);
      if (this.#room.state === "joined") this.#room.unsubscribe(id).catch(() => {});
    }
    for (const id of [...this.#sending.keys()]) this.#dropSender(id);
    if (stopTracks) for (const track of this.#local.values()) track.stop();
    this.#local.clear();
  }

  // ---- what the room says, and what follows

  /** Stops at once what may no longer be, and soon asks for what may. */
  #sync() {
    if (this.#closed || this.#room.peerId === null) return;
    const { receiving, sending } = this.#room.subscriptions;
    const unavailable = this.#rtc.RTCPeerConnection ? this.#mesh.unavailable() : /** @type {const} */ ({ reason: "no-webrtc" });
    for (const id of this.#receiving.keys()) {
      if (unavailable || !receiving.some(({ subscriptionId }) => subscriptionId === id)) this.#dropReceiver(id);
    }
    for (const id of this.#sending.keys()) if (!sending.some(({ subscriptionId }) => subscriptionId === id)) this.#dropSender(id);
    if (!unavailable) for (const subscription of receiving) this.#receive(subscription);
    for (const { subscriptionId, tracks } of sending) this.#send(subscriptionId, tracks);
    this.#say(unavailable);
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#ask();
    }, SETTLE_MS);
  }

  /** @param {Unavailable | null} unavailable */
  #say(unavailable) {
    const before = this.#unavailable;
    this.#unavailable = unavailable;
    if (unavailable && !before) this.emit("unavailable", unavailable);
    else if (before && !unavailable) this.emit("available", {});
  }

  /** @param {Receiving} subscription */
  #receive({ subscriptionId: id, peerId, tracks }) {
    const participant = this.#room.participants.get(peerId);
    const entry = this.#receiving.get(id);
    if (entry && participant) entry.participant = participant;
    const wanted = participant && this.#wanted(participant);
    const kinds = new Set(tracks.filter((kind) => wanted?.has(kind)));
    if (kinds.size === 0) return this.#dropReceiver(id);
    if (entry) return entry.receiver.want(kinds);
    // A new connection to somebody whose socket is lost would only wait for him.
    if (!participant?.connected || !this.#canConnect()) return;
    this.#newReceiver(id, participant).want(kinds);
  }

  /** @param {string} id @param {TrackKind[]} tracks */
  #send(id, tracks) {
    let sender = this.#sending.get(id);
    if (!sender) {
      if (!this.#canConnect()) {
        this.#late = true;
        return;
      }
      sender = new Sender(this.#tools(id), (kind) => this.#mine(kind));
      this.#sending.set(id, sender);
    }
    sender.allow(tracks);
  }

  #canConnect() {
    return this.#rtc.RTCPeerConnection !== undefined && this.#mesh.known();
  }

  /** What there is to send of a kind at this moment. @param {TrackKind} kind */
  #mine(kind) {
    return this.#room.self?.tracks[kind] === "on" ? this.#local.get(kind) ?? null : null;
  }

  /** What is to be received of somebody, as far as one can know. @param {Participant} participant @returns {Set<TrackKind>} */
  #wanted(participant) {
    const { self } = this.#room;
    if (!self || participant.peerId === self.peerId) return new Set();
    const kinds = KINDS.filter((kind) => participant.tracks[kind] === "on" && mayReceive(self, participant, kind) && this.#wantsOf(participant, kind));
    const why = JSON.stringify([participant.tracks, participant.role, participant.connected, self.permissions.canReceive]);
    return this.#asker.worth(participant.peerId, kinds, why);
  }

  /** The caller's own wish. @param {Participant} participant @param {TrackKind} kind */
  #wantsOf(participant, kind) {
    try {
      return this.#wants(participant, kind);
    } catch (error) {
      this.fail(error, "wants");
      return false;
    }
  }

  /** Asks for what is wanted and not there. */
  #ask() {
    const room = this.#room;
    if (this.#closed || room.state !== "joined" || this.#unavailable || !this.#canConnect()) return;
    this.#asker.keep((peerId) => room.participants.has(peerId));
    for (const participant of room.participants.values()) {
      const subscription = room.subscriptions.receiving.find(({ peerId }) => peerId === participant.peerId);
      const wanted = this.#wanted(participant);
      // Of somebody whose socket is lost, nothing new can be had.
      if (!participant.connected) for (const kind of wanted) if (!subscription?.tracks.includes(kind)) wanted.delete(kind);
      this.#asker.ask(participant.peerId, wanted, subscription);
    }
  }

  /** The socket is back, in the old seat or another: signals may be lost, and the servers may be others. */
  #onBack() {
    this.#asker.renew();
    this.#mesh.renew();
    this.#sync();
    for (const { receiver } of this.#receiving.values()) receiver.nudge();
  }

  // ---- connections

  /** @param {string} id @param {Participant} participant */
  #newReceiver(id, participant) {
    const { peerId } = participant;
    const receiver = new Receiver(this.#tools(id, peerId), {
      onTrack: (kind, track, playable) => this.#onTrack(incoming.participant, kind, track, playable),
      onConnected: () => this.#renewed.delete(peerId),
      onDead: (error) => this.#onDead(id, peerId, error),
      isReady: () => this.#room.state === "joined" && this.#room.participants.get(peerId)?.connected === true,
    });
    /** @type {Incoming} */
    const incoming = { receiver, participant };
    this.#receiving.set(id, incoming);
    return receiver;
  }

  /** A connection could not be mended: once it is made anew, then let be until something changes. @param {string} id @param {string} peerId @param {RolecallError} error */
  #onDead(id, peerId, error) {
    this.#dropReceiver(id);
    if (this.#renewed.delete(peerId)) {
      this.#asker.rest(peerId);
      this.#fail(error, peerId);
    } else {
      this.#renewed.add(peerId);
    }
    this.#sync();
  }

  /** @param {string} id @param {string} [peerId] @returns {import("./media/end.js").Tools} */
  #tools(id, peerId) {
    const configuration = () => {
      this.#mesh.known();
      const { iceServers = this.#mesh.iceServers, iceTransportPolicy } = this.#rtc;
      return /** @type {RTCConfiguration} */ ({ iceServers, bundlePolicy: "max-bundle", ...(iceTransportPolicy && { iceTransportPolicy }) });
    };
    return {
      configuration,
      connect: () => new /** @type {typeof RTCPeerConnection} */ (this.#rtc.RTCPeerConnection)(configuration()),
      signal: (data) => this.#room.signalSubscription(id, data),
      fail: (error) => this.#fail(error, peerId),
      random: this.#random,
    };
  }

  /** @param {{ subscriptionId: string, data: any }} signal */
  #onSignal({ subscriptionId, data }) {
    if (typeof data !== "object" || data === null) return;
    this.#receiving.get(subscriptionId)?.receiver.onSignal(data);
    this.#sending.get(subscriptionId)?.onSignal(data);
  }

  /** @param {Participant} participant @param {TrackKind} kind @param {MediaStreamTrack} track @param {boolean} playable */
  #onTrack(participant, kind, track, playable) {
    const { peerId } = participant;
    const playing = this.#playing.get(peerId) ?? new Map();
    if ((playing.get(kind) === track) === playable) return;
    if (playable) playing.set(kind, track);
    else playing.delete(kind);
    if (playing.size) this.#playing.set(peerId, playing);
    else this.#playing.delete(peerId);
    this.emit(playable ? "track-started" : "track-stopped", { peerId, participant, kind, track });
  }

  /** @param {string} id */
  #dropReceiver(id) {
    const incoming = this.#receiving.get(id);
    this.#receiving.delete(id);
    incoming?.receiver.close();
  }

  /** @param {string} id */
  #dropSender(id) {
    const sender = this.#sending.get(id);
    this.#sending.delete(id);
    sender?.close();
  }

  /** @param {string} peerId */
  #receiverOf(peerId) {
    return [...this.#receiving.values()].find(({ participant }) => participant.peerId === peerId)?.receiver;
  }

  /** @param {unknown} error @param {string} [peerId] of whom nothing is received */
  #fail(error, peerId) {
    const { message, reason = "no-media", code = 0, data = {} } = /** @type {any} */ (error ?? {});
    this.fail(new RolecallError({ code, reason, message: String(message ?? error), data: { ...data, ...(peerId && { peerId }) }, cause: error }), "media");
  }
}
