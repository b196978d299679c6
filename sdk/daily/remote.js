/** @file Sound and pictures of others: `media.js` behind one small door, so that the call stands without it. */

import { Media } from "../media.js";

/** @typedef {import("../wire.js").TrackKind} TrackKind */

/**
 * What the call needs to know of media.
 * @typedef {object} RemoteMedia
 * @property {(peerId: string, kind: TrackKind) => MediaStreamTrack | undefined} trackOf what arrives and may be played now
 * @property {(kind: TrackKind, track: MediaStreamTrack | null) => void} setTrack what oneself has to send
 * @property {() => void} refresh what is wanted is something else
 * @property {() => void} close
 */

/** A call that carries nothing: tracks of others that are on stay `loading`. @type {RemoteMedia} */
const NOTHING = { trackOf: () => undefined, setTrack: () => {}, refresh: () => {}, close: () => {} };

/**
 * @param {import("../rolecall.js").Rolecall} room
 * @param {import("./subscriptions.js").Subscriptions} subscriptions
 * @param {import("./types.js").Extras | undefined} extras
 * @param {(peerId: string) => void} onChange what arrives of somebody is something else
 * @returns {RemoteMedia}
 */
export function openMedia(room, subscriptions, extras, onChange) {
  if (extras?.media === false || typeof globalThis.RTCPeerConnection !== "function") return NOTHING;
  const media = new Media(room, { wants: ({ peerId }, kind) => subscriptions.of(peerId, kind) === true });
  media.on("track-started", ({ peerId }) => onChange(peerId));
  media.on("track-stopped", ({ peerId }) => onChange(peerId));
  media.on("unavailable", ({ reason }) => console.warn(`no sound and pictures of others here: ${reason}`));
  media.on("error", ({ error }) => console.warn("media of others:", error));
  return {
    trackOf: (peerId, kind) => media.tracks(peerId).get(kind),
    setTrack: (kind, track) => media.setTrack(kind, track),
    refresh: () => media.refresh(),
    // Own tracks are the devices' to stop.
    close: () => media.close({ stopTracks: false }),
  };
}
