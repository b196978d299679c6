/** @file Calls under way: each settles exactly once, by its reply, its time, or the end of the session. */

import { RolecallError } from "./error.js";

/** The largest frame the server reads. */
const FRAME_BYTES_MAX = 65_536;

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {any} params
 * @property {string} text
 * @property {boolean} sent whether a socket ever took it
 * @property {(result: any) => void} resolve
 * @property {(error: RolecallError) => void} reject
 * @property {ReturnType<typeof setTimeout>} timer
 */

export class Calls {
  #prefix;
  #counter = 0;
  #timeout;
  /** In the order they were made. @type {Map<string, Call>} */
  #pending = new Map();

  /**
   * @param {number} timeout milliseconds a call may take, reconnecting included
   * @param {() => number} random
   */
  constructor(timeout, random) {
    this.#timeout = timeout;
    this.#prefix = Math.floor(random() * 36 ** 8).toString(36).padStart(8, "0");
  }

  /** Never the same twice in the life of the client, for the server remembers outcomes by id. */
  nextId() {
    this.#counter += 1;
    return `${this.#prefix}-${this.#counter}`;
  }

  /**
   * @param {string} method
   * @param {any} params
   * @param {(text: string) => boolean} send
   * @returns {Promise<any>}
   */
  make(method, params, send) {
    return new Promise((resolve, reject) => {
      const id = this.nextId();
      const text = frameOf(id, method, params);
      if (isTooLarge(text)) {
        throw RolecallError.local("too-large", `\`${method}\` is larger than ${FRAME_BYTES_MAX} bytes`, { method });
      }
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(RolecallError.local("timeout", `no reply to \`${method}\` within ${this.#timeout} ms`, { method }));
      }, this.#timeout);
      /** @type {Call} */
      const call = { method, params, text, sent: false, resolve, reject, timer };
      this.#pending.set(id, call);
      call.sent = send(text);
    });
  }

  /** Takes the call that a reply belongs to. @param {unknown} id @returns {Call | undefined} */
  take(id) {
    const call = this.#pending.get(/** @type {string} */ (id));
    if (!call) return undefined;
    this.#pending.delete(/** @type {string} */ (id));
    clearTimeout(call.timer);
    return call;
  }

  /** Sends every pending call, again or for the first time, in order. @param {(text: string) => boolean} send */
  flush(send) {
    for (const call of this.#pending.values()) call.sent = send(call.text) || call.sent;
  }

  /** Whether a call waits that a socket took: it may have been done. */
  get anySent() {
    return [...this.#pending.values()].some(({ sent }) => sent);
  }

  /**
   * @param {string} reason
   * @param {string} message
   * @param {{ sentOnly?: boolean, cause?: unknown }} [options]
   */
  rejectAll(reason, message, { sentOnly = false, cause } = {}) {
    for (const [id, call] of this.#pending) {
      if (sentOnly && !call.sent) continue;
      this.take(id);
      call.reject(RolecallError.local(reason, message, { method: call.method, cause }));
    }
  }
}

/** @param {string} id @param {string} method @param {any} params */
export function frameOf(id, method, params) {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** @param {string} text */
function isTooLarge(text) {
  return text.length * 3 > FRAME_BYTES_MAX && new TextEncoder().encode(text).length > FRAME_BYTES_MAX;
}
