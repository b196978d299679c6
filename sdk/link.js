/** @file One WebSocket: JSON in, JSON out, one end. Knows nothing of joining, calls or rooms. */

/**
 * What the client needs of a WebSocket; the browser's, Node's and the `ws` package's all fit.
 * @typedef {object} WebSocketLike
 * @property {(data: string) => void} send
 * @property {(code?: number, reason?: string) => void} close
 * @property {any} onopen
 * @property {any} onmessage
 * @property {any} onclose
 * @property {any} onerror
 */
/** @typedef {new (url: string, protocols?: string | string[]) => WebSocketLike} WebSocketClass */

/**
 * @typedef {object} LinkEvents
 * @property {() => void} onOpen
 * @property {(frame: any) => void} onFrame
 * @property {(code: number, reason: string) => void} onEnd at most once, and never after `end`
 * @property {(error: Error) => void} onGarbage
 */

/** The code with which the client drops a socket that it wants to resume; 1000 and 1001 would be a leave. */
const DROP = 4002;

export class Link {
  #socket;
  #events;
  #open = false;
  #over = false;
  #heard = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #beat;

  /**
   * @param {WebSocketClass} WebSocket
   * @param {string} url
   * @param {LinkEvents} events
   */
  constructor(WebSocket, url, events) {
    this.#events = events;
    const socket = (this.#socket = new WebSocket(url, "rolecall.v1"));
    socket.onopen = () => {
      if (this.#over) return;
      this.#open = true;
      events.onOpen();
    };
    socket.onmessage = (/** @type {{ data: unknown }} */ event) => this.#receive(event.data);
    socket.onclose = (/** @type {{ code: number, reason: string }} */ event) => this.#lost(event.code, event.reason);
    socket.onerror = () => {
      // An open socket tells its close code next; of one that never opened some classes tell no more than this.
      if (!this.#open) this.#lost(1006, "");
    };
  }

  /** @param {string} text @returns {boolean} whether the socket took it */
  send(text) {
    if (!this.#open || this.#over) return false;
    this.#socket.send(text);
    return true;
  }

  /**
   * Watches for silence: after `idle` ms without a frame sends `ping`, after a third of it more gives the socket up.
   * A browser shows no WebSocket pings, so this is how it learns that the network is gone.
   * @param {number} idle
   * @param {string} ping
   */
  watch(idle, ping) {
    let asked = false;
    const look = () => {
      if (!this.#heard && asked) {
        const { onEnd } = this.#events;
        this.end(DROP, "silent");
        return onEnd(DROP, "silent");
      }
      asked = !this.#heard;
      this.#heard = false;
      if (asked) this.send(ping);
      this.#beat = setTimeout(look, asked ? idle / 3 : idle);
    };
    clearTimeout(this.#beat);
    this.#beat = setTimeout(look, idle);
  }

  /**
   * Ends the socket and forgets it: nothing of it is told any more.
   * @param {number} [code]
   * @param {string} [reason]
   */
  end(code = DROP, reason = "") {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#beat);
    try {
      this.#socket.close(code, reason);
    } catch {
      // a socket that cannot be closed any more is closed
    }
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#beat);
    this.#events.onEnd(code, reason);
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.#over) return;
    this.#heard = true;
    let frame;
    try {
      frame = JSON.parse(/** @type {string} */ (data));
      if (typeof frame !== "object" || frame === null || Array.isArray(frame)) throw new Error("the frame is not an object");
    } catch (error) {
      return this.#events.onGarbage(/** @type {Error} */ (error));
    }
    this.#events.onFrame(frame);
  }
}
