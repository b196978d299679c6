/** @file Asks the server for what is wanted of each peer, one call at a time, and knows when to leave it. No connections here. */

import { Backoff } from "../backoff.js";

/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {import("../wire.js").Receiving} Receiving */

/** The pauses before a call that could not be made is made again, and how often it is. */
const PAUSES = { baseDelay: 500, maxDelay: 15_000 };
const AGAIN_MAX = 6;
/** Calls about one peer while nothing has changed; more than this is a quarrel with the server. */
const CALLS_MAX = 16;
/** Refusals that need no telling: the peer or the room is gone, and that is told otherwise. */
const GONE = new Set(["closed", "not-connected", "unknown-subscription", "unknown-peer"]);
const PASSING = new Set(["timeout", "connection-lost", "rate-limited", "unavailable", "internal", "no-mesh"]);

/**
 * What is known of asking for one peer.
 * @typedef {object} Ask
 * @property {string} why what the refusals below depend on; when it changes they are forgotten
 * @property {Set<TrackKind>} refused kinds the server would not give
 * @property {boolean} resting nothing is asked until something changes
 * @property {number} calls
 * @property {boolean} busy a call is under way
 * @property {ReturnType<typeof setTimeout> | undefined} timer
 * @property {Backoff} backoff
 */

export class Asker {
  #room;
  #events;
  #random;
  /** @type {Map<string, Ask>} */
  #asks = new Map();
  #closed = false;

  /**
   * @param {Pick<import("../rolecall.js").Rolecall, "subscribe" | "unsubscribe">} room
   * @param {{ onSettled: () => void, onNoMesh: (limit: number) => void, fail: (error: unknown, peerId: string) => void }} events
   * @param {() => number} random
   */
  constructor(room, events, random) {
    this.#room = room;
    this.#events = events;
    this.#random = random;
  }

  /**
   * Of some kinds of a peer, those worth asking for.
   * @param {string} peerId
   * @param {TrackKind[]} kinds
   * @param {string} why what an answer depends on
   * @returns {Set<TrackKind>}
   */
  worth(peerId, kinds, why) {
    const ask = this.#of(peerId);
    if (ask.why !== why) {
      clearTimeout(ask.timer);
      Object.assign(ask, { why, refused: new Set(), resting: false, calls: 0, timer: undefined });
      ask.backoff.reset();
    }
    return new Set(ask.resting ? [] : kinds.filter((kind) => !ask.refused.has(kind)));
  }

  /**
   * Brings a subscription to the kinds that are wanted, if it is not there and nothing is under way.
   * @param {string} peerId
   * @param {Set<TrackKind>} kinds
   * @param {Receiving | undefined} subscription
   */
  ask(peerId, kinds, subscription) {
    const ask = this.#of(peerId);
    if (this.#closed || ask.busy || ask.timer !== undefined) return;
    if (sameKinds(kinds, subscription?.tracks ?? [])) return;
    ask.calls += 1;
    if (ask.calls > CALLS_MAX && kinds.size) {
      ask.resting = true;
      this.#events.fail(new Error(`asked ${CALLS_MAX} times for the same`), peerId);
      return this.#events.onSettled();
    }
    ask.busy = true;
    void this.#call(ask, peerId, kinds, subscription);
  }

  /** @param {Ask} ask @param {string} peerId @param {Set<TrackKind>} kinds @param {Receiving | undefined} subscription */
  async #call(ask, peerId, kinds, subscription) {
    try {
      if (kinds.size) await this.#room.subscribe(peerId, [...kinds]);
      else if (subscription) await this.#room.unsubscribe(subscription.subscriptionId);
      ask.backoff.reset();
    } catch (error) {
      if (!this.#closed) this.#onRefused(ask, peerId, kinds, error);
    }
    ask.busy = false;
    if (!this.#closed) this.#events.onSettled();
  }

  /** @param {Ask} ask @param {string} peerId @param {Set<TrackKind>} kinds @param {any} error */
  #onRefused(ask, peerId, kinds, error) {
    if (error.reason === "no-mesh") this.#events.onNoMesh(Number(error.data.limit) || 0);
    if (error.reason === "not-allowed") {
      // The law of the server counts, whatever was foretold.
      for (const kind of kinds.has(error.data.track) ? [error.data.track] : kinds) ask.refused.add(kind);
    } else if (GONE.has(error.reason)) {
      ask.resting = kinds.size > 0;
    } else if (PASSING.has(error.reason) && ask.backoff.attempt < AGAIN_MAX) {
      const pause = Math.max(ask.backoff.next() ?? 0, (Number(error.data.retryAfter) || 0) * 1_000);
      ask.timer = setTimeout(() => {
        ask.timer = undefined;
        this.#events.onSettled();
      }, pause);
    } else {
      ask.resting = true;
      if (error.reason !== "no-mesh") this.#events.fail(error, peerId);
    }
  }

  /** Leaves a peer be, until something changes. @param {string} peerId */
  rest(peerId) {
    this.#of(peerId).resting = true;
  }

  /** Forgets all refusals, so that everything is asked anew. */
  renew() {
    for (const ask of this.#asks.values()) ask.why = "";
  }

  /** Forgets who is not here. @param {(peerId: string) => boolean} isHere */
  keep(isHere) {
    for (const [peerId, ask] of this.#asks) {
      if (isHere(peerId) || ask.busy) continue;
      clearTimeout(ask.timer);
      this.#asks.delete(peerId);
    }
  }

  close() {
    this.#closed = true;
    for (const ask of this.#asks.values()) clearTimeout(ask.timer);
    this.#asks.clear();
  }

  /** @param {string} peerId @returns {Ask} */
  #of(peerId) {
    let ask = this.#asks.get(peerId);
    if (!ask) {
      ask = { why: "", refused: new Set(), resting: false, calls: 0, busy: false, timer: undefined, backoff: new Backoff(PAUSES, this.#random) };
      this.#asks.set(peerId, ask);
    }
    return ask;
  }
}

/** @param {Set<TrackKind>} kinds @param {TrackKind[]} tracks */
function sameKinds(kinds, tracks) {
  return kinds.size === tracks.length && tracks.every((kind) => kinds.has(kind));
}
