/** @file The one error of the client, and the names of the close codes. */

/** A call the server refused, or one that the client could not bring to an end. */
export class RolecallError extends Error {
  /**
   * @param {object} details
   * @param {number} details.code the server's error code, 0 where the client itself gave up
   * @param {string} details.message
   * @param {string | undefined} [details.reason]
   * @param {Record<string, any> | undefined} [details.data]
   * @param {string | undefined} [details.method]
   * @param {unknown} [details.cause]
   */
  constructor({ code, message, reason, data = {}, method, cause }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "RolecallError";
    /** The server's error code; 0 where the client itself gave up. */
    this.code = code;
    /** What a program can act on: `not-allowed`, `unknown-peer`, … or the client's own `timeout`, `closed`, `connection-lost`. */
    this.reason = reason ?? String(data.reason ?? "unknown");
    /** Whatever else the server said: `needs`, `lacks`, `field`, `retryAfter`. */
    this.data = data;
    /** The call that failed. */
    this.method = method;
  }

  /**
   * @param {{ code?: unknown, message?: unknown, data?: any }} error the `error` of a reply
   * @param {string} [method]
   */
  static fromWire(error, method) {
    const data = typeof error.data === "object" && error.data !== null ? error.data : {};
    return new RolecallError({ code: Number(error.code), message: String(error.message), data, method });
  }

  /**
   * @param {string} reason
   * @param {string} message
   * @param {{ method?: string | undefined, data?: Record<string, any>, cause?: unknown }} [more]
   */
  static local(reason, message, more = {}) {
    return new RolecallError({ code: 0, reason, message, ...more });
  }
}

/** @type {Record<number, string>} */
const CLOSES = {
  4000: "going-away",
  4001: "too-slow",
  4002: "silent",
  4003: "room-restarted",
  4500: "bad-token",
  4501: "token-expired",
  4502: "removed",
  4503: "ended",
  4504: "seat-taken",
  4505: "malformed",
  4506: "no-join",
  4507: "abuse",
};

/**
 * The name of a close code, where the frame itself gave no reason.
 * @param {number} code
 * @param {string} [text] the reason in the close frame
 */
export function closeReason(code, text) {
  return CLOSES[code] ?? (text || "connection-lost");
}

/**
 * What a person said in a close frame: its reason, where that is not just the name of the code.
 * @param {number} code
 * @param {string} [text] the reason in the close frame
 */
export function wordsOf(code, text) {
  return text && text !== closeReason(code, text) ? text : undefined;
}

/** Close codes of this range mean: stay away. @param {number} code */
export function isFinal(code) {
  return code >= 4500 && code <= 4999;
}
