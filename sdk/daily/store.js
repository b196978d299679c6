/** @file Who is in the call as the page sees it, and what is told when that changes: tracks first, then the person, and never a change that is none. */

import { equal } from "./equal.js";

/** @typedef {import("./types.js").Participant} Participant */
/** @typedef {import("./types.js").TrackState} TrackState */
/** @typedef {(name: string, payload: object) => void} Tell */

export class Store {
  /** By session id, and oneself as `local`. @type {Record<string, Participant>} */
  participants = {};
  #tell;

  /** @param {Tell} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Takes everybody at once, without a word. @param {Participant[]} all */
  take(all) {
    for (const participant of all) this.participants[keyOf(participant)] = participant;
  }

  /** @param {string} key */
  has(key) {
    return Object.hasOwn(this.participants, key);
  }

  /** Takes somebody new or changed. @param {Participant} participant */
  put(participant) {
    const key = keyOf(participant);
    const before = this.participants[key];
    this.#tracks(before, participant, before ?? participant);
    if (before && equal(before, participant)) return;
    this.participants[key] = participant;
    this.#tell(before ? "participant-updated" : "participant-joined", { participant });
  }

  /** @param {string} key @param {"hidden"} [reason] */
  drop(key, reason) {
    const before = this.participants[key];
    if (!before) return;
    this.#tracks(before, undefined, before);
    delete this.participants[key];
    this.#tell("participant-left", { participant: before, ...(reason && { reason }) });
  }

  clear() {
    this.participants = {};
  }

  /**
   * All that stopped, then all that started. A handler still finds the old participant in the call, and the new one in the event.
   * @param {Participant | undefined} before
   * @param {Participant | undefined} after
   * @param {Participant} last
   */
  #tracks(before, after, last) {
    const participant = after ?? last;
    for (const [type, state] of Object.entries(before?.tracks ?? {})) {
      const track = playing(state);
      if (track && track !== playing(after?.tracks[type])) this.#tell("track-stopped", { participant, track, type });
    }
    for (const [type, state] of Object.entries(after?.tracks ?? {})) {
      const track = playing(state);
      if (track && track !== playing(before?.tracks[type])) this.#tell("track-started", { participant, track, type });
    }
  }
}

/** @param {Participant} participant */
function keyOf(participant) {
  return participant.local ? "local" : participant.session_id;
}

/** @param {TrackState | undefined} state */
function playing(state) {
  return state?.state === "playable" ? state.track : undefined;
}
