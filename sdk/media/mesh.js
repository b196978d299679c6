/** @file Whether there is a mesh here at all, and the servers its ends find each other by. Asks the room's `media`; knows no connection. */

import { Backoff } from "../backoff.js";

/** Credentials are asked for anew when older than this. */
const FRESH_MS = 5 * 60_000;
const PAUSES = { baseDelay: 500, maxDelay: 15_000 };
const AGAIN_MAX = 6;
const PASSING = new Set(["timeout", "connection-lost", "rate-limited", "unavailable", "internal"]);

/** @typedef {{ reason: "no-mesh" | "no-webrtc" | "unsupported" | "failed", limit?: number }} Unavailable `no-mesh`: more than `limit` are in the room */

export class Mesh {
  #room;
  #events;
  #backoff;
  /** @type {import("../wire.js").MediaInfo | null} */
  #info = null;
  #askedAt = 0;
  #busy = false;
  #closed = false;
  /** Why there will be none, whoever is in the room. @type {Unavailable | null} */
  #never = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Pick<import("../rolecall.js").Rolecall, "media" | "counts" | "state">} room
   * @param {{ onKnown: () => void, fail: (error: unknown) => void }} events
   * @param {() => number} random
   */
  constructor(room, events, random) {
    this.#room = room;
    this.#events = events;
    this.#backoff = new Backoff(PAUSES, random);
  }

  /** The servers last heard of. */
  get iceServers() {
    return this.#info?.iceServers ?? [];
  }

  /** Whether it is known what there is, and not too old; asks where it is not. */
  known() {
    if (this.#info !== null && Date.now() - this.#askedAt < FRESH_MS) return true;
    this.ask();
    return false;
  }

  /** Why there is no media between the peers of this room now; null where there is, or where that is not known yet. @returns {Unavailable | null} */
  unavailable() {
    if (this.#never || !this.#info) return this.#never;
    const { present, hidden } = this.#room.counts;
    const { meshMax } = this.#info;
    return present + hidden > meshMax ? { reason: "no-mesh", limit: meshMax } : null;
  }

  /** The server says that more are in the room than may be. @param {number} limit */
  limit(limit) {
    if (this.#info) this.#info = { ...this.#info, meshMax: limit };
  }

  /** Asks anew: the room may have come back from another server. */
  renew() {
    this.#askedAt = 0;
    this.#never = null;
    this.#backoff.reset();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.ask();
  }

  ask() {
    if (this.#busy || this.#closed || this.#never || this.#timer !== undefined || this.#room.state !== "joined") return;
    this.#busy = true;
    void this.#ask();
  }

  async #ask() {
    try {
      this.#info = await this.#room.media();
      this.#askedAt = Date.now();
      this.#backoff.reset();
    } catch (error) {
      this.#onRefused(error);
    }
    this.#busy = false;
    if (!this.#closed) this.#events.onKnown();
  }

  /** @param {any} error */
  #onRefused(error) {
    if (this.#closed || error.reason === "closed" || error.reason === "not-connected") return;
    if (error.reason === "unknown-method") {
      this.#never = { reason: "unsupported" };
    } else if (PASSING.has(error.reason) && this.#backoff.attempt < AGAIN_MAX) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.ask();
      }, Math.max(this.#backoff.next() ?? 0, (Number(error.data.retryAfter) || 0) * 1_000));
    } else {
      this.#never = { reason: "failed" };
      this.#events.fail(error);
    }
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
