/** @file Events with the manners of Node's emitter, which Daily's client has: handlers may be there twice, and one that throws ends its event, not the machine. */

/**
 * @template {object} Events
 */
export class Emitter {
  /** @type {Map<string, { handler: (event: any) => void, once: boolean }[]>} */
  #handlers = new Map();

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} handler
   * @returns {this}
   */
  on(name, handler) {
    return this.#add(name, handler, false);
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} handler
   * @returns {this}
   */
  once(name, handler) {
    return this.#add(name, handler, true);
  }

  /**
   * Takes the handler away that was added last.
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} handler
   * @returns {this}
   */
  off(name, handler) {
    const handlers = this.#handlers.get(name) ?? [];
    const index = handlers.map((entry) => entry.handler).lastIndexOf(handler);
    if (index >= 0) this.#handlers.set(name, handlers.filter((_, at) => at !== index));
    return this;
  }

  /** Never throws. @protected @param {string} name @param {object} event */
  emit(name, event) {
    try {
      for (const entry of this.#handlers.get(name) ?? []) {
        if (entry.once) {
          if (!this.#handlers.get(name)?.includes(entry)) continue;
          this.#handlers.set(name, (this.#handlers.get(name) ?? []).filter((other) => other !== entry));
        }
        entry.handler.call(this, event);
      }
    } catch (error) {
      console.log("could not emit", event, error);
    }
  }

  /** @param {string} name @param {any} handler @param {boolean} once */
  #add(name, handler, once) {
    if (typeof handler !== "function") throw new TypeError('The "listener" argument must be of type Function.');
    // A list is never changed: an event under way reaches those who listened when it began.
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), { handler, once }]);
    return this;
  }
}
