/** @file What the tests of Daily's facade share: a call beside a fake server, devices that give what a test says, and everything that was told. */

import WebSocket from "ws";
import { DailyCall } from "../daily.js";
import { started } from "./harness.js";

/** Every event of a call, in the order of telling. */
const EVENTS = /** @type {const} */ ([
  "loading", "loaded", "joining-meeting", "joined-meeting", "left-meeting", "call-instance-destroyed", "participant-joined", "participant-updated", "participant-left",
  "participant-counts-updated", "track-started", "track-stopped", "app-message", "error", "nonfatal-error", "access-state-updated", "waiting-participant-added",
  "waiting-participant-updated", "waiting-participant-removed", "meeting-session-state-updated", "meeting-session-summary-updated", "meeting-session-updated",
  "network-connection", "started-camera", "camera-error", "local-screen-share-started", "local-screen-share-stopped", "local-screen-share-canceled", "rolecall-refused", "rolecall-unmute-request",
  "rolecall-hidden-participants-updated", "available-devices-updated", "selected-devices-updated",
]);

/** Rights and devices of somebody who may do everything in the room. */
export const EVERYTHING = {
  permissions: { hasPresence: true, canSend: ["audio", "video", "screenVideo", "screenAudio", "customVideo", "customAudio"], canReceive: { base: true }, canAdmin: ["participants", "streaming", "transcription"] },
  capabilities: ["send-audio", "send-video", "update-call-permissions"],
  tracks: { audio: "off", video: "off", screenVideo: "off", screenAudio: "off", customVideo: "off", customAudio: "off" },
};

/** A track that never was in a browser. */
export class FakeTrack {
  stopped = false;
  /** @type {(() => void) | null} */
  onended = null;
  /** @param {string} kind */
  constructor(kind) {
    this.kind = kind;
    this.id = `${kind}-${(FakeTrack.count += 1)}`;
  }
  static count = 0;
  stop() {
    this.stopped = true;
  }
  getSettings() {
    return { deviceId: `${this.kind}-device` };
  }
}

/** @param {FakeTrack[]} tracks */
export function streamOf(...tracks) {
  return /** @type {any} */ ({
    getTracks: () => tracks,
    getAudioTracks: () => tracks.filter((track) => track.kind === "audio"),
    getVideoTracks: () => tracks.filter((track) => track.kind === "video"),
  });
}

/** Devices: each answers at once, until a test makes them wait or fail. */
export class FakeDevices extends EventTarget {
  /** @type {any[]} */
  asked = [];
  /** @type {FakeTrack[]} */
  given = [];
  /** What the next answers are. @type {Error | null} */
  failure = null;
  /** @type {Promise<void>} */
  patience = Promise.resolve();

  getUserMedia = async (/** @type {any} */ constraints) => {
    this.asked.push(constraints);
    await this.patience;
    if (this.failure) throw this.failure;
    const tracks = Object.keys(constraints).map((kind) => new FakeTrack(kind));
    this.given.push(...tracks);
    return streamOf(...tracks);
  };

  getDisplayMedia = async () => {
    await this.patience;
    if (this.failure) throw this.failure;
    const tracks = [new FakeTrack("video"), new FakeTrack("audio")];
    this.given.push(...tracks);
    return streamOf(...tracks);
  };

  list = [
    { kind: "audioinput", deviceId: "audio-device", label: "a microphone" },
    { kind: "videoinput", deviceId: "video-device", label: "a camera" },
  ];

  enumerateDevices = async () => this.list;
}

/** An error as browsers throw it. @param {string} name */
export function domError(name) {
  return Object.assign(new Error(name), { name });
}

/**
 * A call that is not joined, and a log of what it tells.
 * @param {string} url
 * @param {import("../daily.js").FactoryOptions} [options]
 */
export function callOf(url, options = {}) {
  const mediaDevices = new FakeDevices();
  const { rolecall, ...others } = options;
  const call = new DailyCall({
    url: `${url.replace("ws:", "http:")}/standup`,
    rolecall: { WebSocket, mediaDevices, reconnect: { baseDelay: 2, maxDelay: 20 }, callTimeout: 10_000, ...rolecall },
    ...others,
  });
  /** @type {any[]} */
  const log = [];
  for (const name of EVENTS) call.on(name, (event) => void log.push(event));
  /** The names of what was told, and for people and tracks of whom. */
  const told = () => log.map(({ action, participant, type }) => [action, participant && (participant.local ? "local" : participant.session_id), action.startsWith("track-") && type].filter(Boolean).join(" "));
  return { call, log, told, mediaDevices };
}

/**
 * A fake server and a call that joined it, left with the test.
 * @param {import("node:test").TestContext} t
 * @param {import("../daily.js").FactoryOptions} [options]
 * @param {object} [newcomer] what new peers look like
 * @param {(house: ReturnType<typeof callOf>) => void} [prepare] what is done before joining
 */
export async function meeting(t, options = {}, newcomer = EVERYTHING, prepare = () => {}) {
  const server = await started(t);
  server.newcomer = newcomer;
  obey(server);
  const house = callOf(server.url, options);
  t.after(() => house.call.destroy());
  prepare(house);
  await house.call.join();
  return { server, ...house };
}

/** Makes a fake server carry out what a call asks of it. @param {import("./fake-server.js").FakeServer} server */
export function obey(server) {
  const peer = (/** @type {string} */ id) => server.peers.get(id);
  server.handlers.setTracks = (params, seat) => {
    const self = peer(seat.peerId);
    const tracks = { ...self.tracks };
    for (const [kind, on] of Object.entries(params)) tracks[kind] = on ? "on" : "off";
    server.put({ ...self, tracks }, ["tracks"], seat.peerId);
  };
  server.handlers.updateParticipant = ({ peerId, updatePermissions }, seat) => {
    const { permissions } = peer(peerId);
    server.put({ ...peer(peerId), permissions: { ...permissions, ...updatePermissions } }, ["permissions"], seat.peerId);
  };
}
