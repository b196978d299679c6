/** @file Named events with handlers that cannot harm each other; knows nothing of rooms. */

/**
 * @template {object} Events
 */
export class Emitter {
  /** @type {Map<keyof Events, Map<(payload: any) => void, boolean>>} handler to "once" */
  #handlers = new Map();

  /**
   * Calls `handler` at every event of that name. Returns the function that stops it.
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(payload: Events[Name]) => void} handler
   * @returns {() => void}
   */
  on(name, handler) {
    return this.#add(name, handler, false);
  }

  /**
   * Like `on`, for the next event alone.
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(payload: Events[Name]) => void} handler
   * @returns {() => void}
   */
  once(name, handler) {
    return this.#add(name, handler, true);
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(payload: Events[Name]) => void} handler
   */
  off(name, handler) {
    this.#handlers.get(name)?.delete(handler);
  }

  /**
   * @protected
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name]} payload
   */
  emit(name, payload) {
    const handlers = this.#handlers.get(name);
    if (!handlers) return;
    for (const [handler, once] of [...handlers]) {
      if (!handlers.has(handler)) continue;
      if (once) handlers.delete(handler);
      try {
        handler(payload);
      } catch (error) {
        this.#threw(name, error);
      }
    }
  }

  /**
   * Tells the `error` handlers, or the console where there is none.
   * @protected
   * @param {unknown} error
   * @param {string} event where it happened
   */
  fail(error, event) {
    if (this.#handlers.get(/** @type {any} */ ("error"))?.size) {
      this.emit(/** @type {any} */ ("error"), /** @type {any} */ ({ error, event }));
    } else {
      console.error(`rolecall: error in \`${event}\``, error);
    }
  }

  /** @param {string} name @param {unknown} error */
  #threw(name, error) {
    if (name === "error") console.error("rolecall: an `error` handler threw", error);
    else this.fail(error, name);
  }

  /** @param {keyof Events} name @param {(payload: any) => void} handler @param {boolean} once */
  #add(name, handler, once) {
    if (typeof handler !== "function") throw new TypeError(`the handler of \`${String(name)}\` is not a function`);
    let handlers = this.#handlers.get(name);
    if (!handlers) this.#handlers.set(name, (handlers = new Map()));
    handlers.set(handler, once);
    return () => void handlers.delete(handler);
  }
}
