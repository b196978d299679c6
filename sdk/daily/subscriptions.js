/** @file Whose tracks this client wants, where it does not simply want all. */

/** @typedef {import("./types.js").Subscription} Subscription */
/** @typedef {import("./types.js").SubscribedTracks} SubscribedTracks */

export class Subscriptions {
  /** Whether everything is wanted. */
  automatic;
  /** @type {Map<string, SubscribedTracks>} */
  #bySession = new Map();

  /** @param {boolean} automatic */
  constructor(automatic) {
    this.automatic = automatic;
  }

  /** @param {string} sessionId @param {SubscribedTracks} wanted */
  set(sessionId, wanted) {
    const before = this.#bySession.get(sessionId);
    const merges = typeof wanted === "object" && typeof before === "object";
    this.#bySession.set(sessionId, merges ? { ...before, ...wanted } : wanted);
  }

  /** @param {string} sessionId */
  forget(sessionId) {
    this.#bySession.delete(sessionId);
  }

  /** @param {string} sessionId @param {string} kind @returns {Subscription} */
  of(sessionId, kind) {
    if (this.automatic) return true;
    const wanted = this.#bySession.get(sessionId) ?? false;
    if (typeof wanted === "boolean" || wanted === "staged") return wanted;
    // An avatar is heard and not seen.
    if (wanted === "avatar") return kind.endsWith("udio");
    const own = kind.startsWith("custom") ? wanted.custom : /** @type {any} */ (wanted)[kind];
    return typeof own === "object" ? own[kind] ?? false : own ?? false;
  }
}
