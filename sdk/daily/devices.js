/**
 * @file Own camera, microphone and screen: what is wanted, what the browser gives, and what follows for the state of each track.
 * Knows no server: it is told what may be sent, and tells what is there to be sent.
 */

import { blockOf } from "./camera-error.js";

/** @typedef {"audio" | "video" | "screenVideo" | "screenAudio"} Kind */
/** @typedef {import("./types.js").TrackState} TrackState */
/** @typedef {import("./types.js").BlockedBy} BlockedBy */

/**
 * @typedef {object} Device
 * @property {boolean} wanted
 * @property {boolean} allowed whether it may be sent
 * @property {boolean} muted whether somebody else turned it off
 * @property {BlockedBy | null} blocked why the browser gave nothing
 * @property {MediaStreamTrack | null} track
 * @property {boolean} own whether the page brought the track, and stops it itself
 * @property {number} turn counts what was asked; an older answer is stale
 * @property {string | MediaStreamTrack | undefined} source a device's id, or the page's own track
 */

/**
 * @typedef {object} Listener
 * @property {() => void} onChange some state is another
 * @property {(kind: Kind, track: MediaStreamTrack | null) => void} onTrack there is a track to send, or none any more
 * @property {(kind: Kind, error: unknown) => void} onFailure
 * @property {() => void} onShareEnded the screen is no longer shown
 */

export class Devices {
  #listener;
  #mediaDevices;
  /** What the browser is asked for right now. @type {Set<Promise<void>>} */
  #asking = new Set();
  /** @type {Record<Kind, Device>} */
  #devices = { audio: device(), video: device(), screenVideo: device(), screenAudio: device() };

  /** @param {Listener} listener @param {() => any} mediaDevices */
  constructor(listener, mediaDevices) {
    this.#listener = listener;
    this.#mediaDevices = mediaDevices;
  }

  /** @param {Kind} kind @returns {TrackState} */
  stateOf(kind) {
    const { wanted, allowed, muted, blocked, track } = this.#devices[kind];
    if (!allowed) return { subscribed: true, state: "off", off: { byCanSendPermission: true } };
    if (!wanted) return { subscribed: true, state: "off", off: muted ? { byRemoteRequest: true } : { byUser: true } };
    if (track) return { subscribed: true, state: "playable", track, persistentTrack: track };
    if (blocked) return { subscribed: true, state: "blocked", blocked };
    return { subscribed: true, state: "loading" };
  }

  /** @param {Kind} kind */
  trackOf(kind) {
    return this.#devices[kind].track;
  }

  /** Which device is in use. @param {"audio" | "video"} kind @returns {string | undefined} */
  idOf(kind) {
    return this.#devices[kind].track?.getSettings?.().deviceId;
  }

  /** Where a camera or microphone is to come from. @param {"audio" | "video"} kind @param {string | MediaStreamTrack | undefined} source */
  setSource(kind, source) {
    const device = this.#devices[kind];
    if (device.source === source) return;
    device.source = source;
    if (!device.wanted) return;
    this.#release(kind);
    this.#begin(kind);
  }

  /** Waits until the browser has answered everything. @returns {Promise<void>} */
  async settled() {
    await Promise.all(this.#asking);
  }

  /** What may be sent, as the server says. A right that is lost turns its device off, and getting it back does not turn it on. @param {Kind} kind @param {boolean} allowed */
  allow(kind, allowed) {
    const device = this.#devices[kind];
    if (device.allowed === allowed) return;
    device.allowed = allowed;
    if (!allowed) this.#off(kind, false);
    this.#listener.onChange();
  }

  /** Somebody else turned it off. @param {Kind} kind */
  mute(kind) {
    this.#off(kind, true);
    this.#listener.onChange();
  }

  /** @param {"audio" | "video"} kind @param {boolean} wanted */
  set(kind, wanted) {
    const device = this.#devices[kind];
    if (!wanted) {
      if (!device.wanted) return;
      this.#off(kind, false);
      return this.#listener.onChange();
    }
    if (!device.allowed || device.track || (device.wanted && !device.blocked)) return;
    // One that failed stays `blocked` while it is asked for again: a page that asks at every update would never rest.
    device.wanted = true;
    device.muted = false;
    this.#listener.onChange();
    this.#begin(kind);
  }

  /**
   * Shows the screen: what the page brings, or what the browser asks for.
   * @param {MediaStream | undefined} stream
   * @param {object} [options] of `getDisplayMedia`
   * @returns {Promise<boolean>} whether it is shown
   */
  async share(stream, options) {
    if (!this.#devices.screenVideo.allowed) return false;
    const mediaDevices = this.#mediaDevices();
    const turn = (this.#devices.screenVideo.turn += 1);
    const given = stream ?? (await mediaDevices.getDisplayMedia(options ?? { video: true, audio: true }));
    const tracks = { screenVideo: given.getVideoTracks()[0], screenAudio: given.getAudioTracks()[0] };
    if (turn !== this.#devices.screenVideo.turn || !this.#devices.screenVideo.allowed) {
      if (!stream) for (const track of given.getTracks()) track.stop();
      return false;
    }
    for (const kind of /** @type {const} */ (["screenVideo", "screenAudio"])) {
      this.#release(kind);
      const track = tracks[kind];
      if (!track) continue;
      this.#devices[kind].wanted = true;
      this.#devices[kind].muted = false;
      this.#use(kind, track, stream !== undefined);
    }
    this.#listener.onChange();
    return true;
  }

  unshare() {
    // What is still being asked for is no longer wanted, either.
    this.#devices.screenVideo.turn += 1;
    const shown = this.#devices.screenVideo.wanted || this.#devices.screenAudio.wanted;
    this.#off("screenAudio", false);
    this.#off("screenVideo", false);
    if (shown) this.#listener.onChange();
  }

  /** Lets everything go. */
  stop() {
    for (const kind of /** @type {Kind[]} */ (Object.keys(this.#devices))) {
      this.#off(kind, false);
      this.#devices[kind].allowed = true;
    }
  }

  /** @param {Kind} kind @param {boolean} muted */
  #off(kind, muted) {
    const device = this.#devices[kind];
    const shown = kind === "screenVideo" && device.wanted;
    device.wanted = false;
    device.blocked = null;
    device.muted = muted;
    this.#release(kind);
    if (shown) this.#listener.onShareEnded();
  }

  /** @param {Kind} kind */
  #release(kind) {
    const device = this.#devices[kind];
    device.turn += 1;
    const { track } = device;
    if (!track) return;
    device.track = null;
    track.onended = null;
    if (!device.own) track.stop();
    this.#listener.onTrack(kind, null);
  }

  /** @param {"audio" | "video"} kind */
  #begin(kind) {
    const asked = this.#ask(kind).finally(() => this.#asking.delete(asked));
    this.#asking.add(asked);
  }

  /** @param {"audio" | "video"} kind */
  async #ask(kind) {
    const device = this.#devices[kind];
    const turn = (device.turn += 1);
    const { source } = device;
    if (source && typeof source !== "string") {
      this.#use(kind, source, true);
      return this.#listener.onChange();
    }
    try {
      const mediaDevices = this.#mediaDevices();
      if (!mediaDevices?.getUserMedia) throw Object.assign(new Error("no media devices here"), { name: "UndefinedMediaDevices" });
      const constraint = typeof source === "string" ? { deviceId: { exact: source } } : true;
      const stream = await mediaDevices.getUserMedia({ [kind]: constraint });
      const track = (kind === "audio" ? stream.getAudioTracks() : stream.getVideoTracks())[0];
      if (turn !== device.turn) return track?.stop();
      device.blocked = null;
      this.#use(kind, track, false);
    } catch (error) {
      if (turn !== device.turn) return;
      device.blocked = blockOf(error);
      this.#listener.onFailure(kind, error);
    }
    this.#listener.onChange();
  }

  /** @param {Kind} kind @param {MediaStreamTrack} track @param {boolean} own */
  #use(kind, track, own) {
    const device = this.#devices[kind];
    Object.assign(device, { track, own, blocked: null });
    track.onended = () => {
      if (device.track !== track) return;
      // A screen that is no longer shown was turned off; a camera that is gone is missing.
      if (kind === "screenVideo") return this.unshare();
      if (kind === "screenAudio") return this.#off(kind, false);
      this.#release(kind);
      device.blocked = { byDeviceMissing: true };
      this.#listener.onChange();
    };
    this.#listener.onTrack(kind, track);
  }
}

/** @returns {Device} */
function device() {
  return { wanted: false, allowed: true, muted: false, blocked: null, track: null, own: false, turn: 0, source: undefined };
}
