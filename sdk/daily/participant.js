/** @file A participant in Daily's shape, made of the server's. Knows no socket and no device. */

import { read } from "./permissions.js";

/** @typedef {import("../wire.js").Participant} Wire */
/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {import("./types.js").Participant} Participant */
/** @typedef {import("./types.js").TrackState} TrackState */

/** The kinds that everybody's `tracks` has, whatever he sends. @type {readonly TrackKind[]} */
export const STEADY_KINDS = ["audio", "video", "screenAudio", "screenVideo"];
/** Kinds shown once they may be seen on somebody. @type {readonly TrackKind[]} */
export const CUSTOM_KINDS = ["customVideo", "customAudio"];

/**
 * What is known of somebody's media beyond the server's word.
 * @typedef {object} Media
 * @property {boolean} local
 * @property {(kind: TrackKind) => TrackState} stateOf
 */

/**
 * @param {Wire} wire
 * @param {Media} media
 * @returns {Participant}
 */
export function participantOf(wire, { local, stateOf }) {
  /** @type {any} */
  const tracks = {};
  for (const kind of STEADY_KINDS) tracks[kind] = stateOf(kind);
  for (const kind of CUSTOM_KINDS) {
    if (wire.tracks[kind] === "on") tracks[kind] = stateOf(kind);
  }
  return {
    session_id: wire.peerId,
    user_id: wire.userId,
    user_name: wire.name ?? "",
    ...(wire.metadata !== null && wire.metadata !== undefined && { userData: wire.metadata }),
    joined_at: new Date(wire.joinedAt),
    // Nobody is put out by time that the client knows of.
    will_eject_at: new Date(0),
    local,
    owner: wire.owner,
    permissions: read(wire.permissions),
    tracks,
    record: false,
    audio: isOn(tracks.audio),
    video: isOn(tracks.video),
    screen: isOn(tracks.screenVideo),
    audioTrack: tracks.audio.persistentTrack ?? false,
    videoTrack: tracks.video.persistentTrack ?? false,
    screenAudioTrack: tracks.screenAudio.persistentTrack ?? false,
    screenVideoTrack: tracks.screenVideo.persistentTrack ?? false,
    cam_info: {},
    screen_info: {},
  };
}

/** @param {TrackState} state */
export function isOn(state) {
  return state.state !== "blocked" && state.state !== "off";
}

/**
 * The state of somebody else's track.
 * @param {object} facts
 * @param {import("../wire.js").TrackState} facts.sent what the server says of it
 * @param {boolean} facts.receivable whether this client may receive it
 * @param {boolean} facts.muted whether somebody else turned it off
 * @param {import("./types.js").Subscription} facts.subscribed
 * @param {MediaStreamTrack | undefined} facts.track what arrives
 * @returns {TrackState}
 */
export function remoteState({ sent, receivable, muted, subscribed, track }) {
  const off = {
    ...(sent === "off" && (muted ? { byRemoteRequest: true } : { byUser: true })),
    ...(sent === "blocked" && { byCanSendPermission: true }),
    ...(!receivable && { byCanReceivePermission: true }),
  };
  if (Object.keys(off).length) return { subscribed, state: "off", off };
  if (subscribed !== true) return { subscribed, state: "sendable" };
  return track ? { subscribed, state: "playable", track, persistentTrack: track } : { subscribed, state: "loading" };
}
