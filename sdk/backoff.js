/** @file Decides how long to wait before the next attempt; knows no timer and no clock. */

/**
 * @typedef {object} BackoffOptions
 * @property {number} [baseDelay] ceiling of the first delay, in milliseconds (250)
 * @property {number} [maxDelay] ceiling of every delay (10 000)
 * @property {number} [maxElapsed] give up when an attempt would start later than this after the loss (never)
 */

/** Exponential backoff with full jitter: a uniform delay below a ceiling that doubles. */
export class Backoff {
  #base;
  #max;
  #maxElapsed;
  #random;
  /** How many delays were handed out since the last reset. */
  attempt = 0;

  /**
   * @param {BackoffOptions} [options]
   * @param {() => number} [random] uniform in [0, 1)
   */
  constructor(options = {}, random = Math.random) {
    this.#base = options.baseDelay ?? 250;
    this.#max = options.maxDelay ?? 10_000;
    this.#maxElapsed = options.maxElapsed ?? Infinity;
    this.#random = random;
  }

  /**
   * The next delay in milliseconds, or null when it is time to give up.
   * @param {number} [elapsed] milliseconds since the connection was lost
   * @returns {number | null}
   */
  next(elapsed = 0) {
    const ceiling = Math.min(this.#max, this.#base * 2 ** this.attempt);
    const delay = Math.floor(this.#random() * ceiling);
    if (elapsed + delay > this.#maxElapsed) return null;
    this.attempt += 1;
    return delay;
  }

  /** The connection holds: the next loss starts from the first delay again. */
  reset() {
    this.attempt = 0;
  }
}
