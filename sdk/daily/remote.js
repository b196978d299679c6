/** @file Sound and pictures of others: the native client's media behind one small door, so that the call stands without it. */

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
 * @param {import("../rolecall.js").Rolecall} _room
 * @param {import("./subscriptions.js").Subscriptions} _subscriptions
 * @param {import("./types.js").Extras | undefined} _extras
 * @param {(peerId: string) => void} _onChange what arrives of somebody is something else
 * @returns {RemoteMedia}
 */
export function openMedia(_room, _subscriptions, _extras, _onChange) {
  return NOTHING;
}
