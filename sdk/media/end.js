/** @file What both ends of a subscription share: a connection, its candidates, and signals sent in order. Knows no kinds of track and no law. */

/** @typedef {import("../wire.js").TrackKind} TrackKind */

/**
 * What one end tells the other. `pc` names the receiver's connection, `n` its offer: whatever belongs to an older one is stale.
 * @typedef {object} Signal
 * @property {{ pc: string, n: number, sdp: string, kinds: Record<string, TrackKind> }} [offer] by the receiver; which `mid` is which kind
 * @property {{ pc: string, n: number, sdp: string }} [answer] by the sender
 * @property {{ pc: string, list: RTCIceCandidateInit[] }} [candidates]
 * @property {true} [ready] by a sender who can answer from now on
 */

/**
 * What an end is given.
 * @typedef {object} Tools
 * @property {() => RTCPeerConnection} connect makes a connection
 * @property {() => RTCConfiguration} configuration the servers to be found by, as they are now
 * @property {(data: Signal) => Promise<unknown>} signal sends to the other end
 * @property {(error: unknown) => void} fail tells what nobody will mend
 * @property {() => number} random uniform in [0, 1)
 */

/** Most candidates kept until the other end's description is known. */
const EARLY_MAX = 64;
/** How long own candidates gather before they are sent. */
const GATHER_MS = 20;
/** How often a signal that the server was too busy for is sent again. */
const SIGNALS_AGAIN_MAX = 4;
const AGAIN_MS = 500;
/** Refusals after which the signal is not worth sending: the subscription or the room is over, or the socket is, and then both ends start over. */
const OVER = new Set(["unknown-subscription", "closed", "not-connected", "connection-lost", "timeout", "not-joined"]);

export class End {
  /** @type {Tools} @protected */
  tools;
  /** @protected */
  closed = false;
  /** @type {RTCPeerConnection | null} @protected */
  pc = null;
  /** The receiver's name for the connection. @protected */
  name = "";
  /** Candidates of the other end that came before its description. @type {RTCIceCandidateInit[]} */
  #early = [];
  /** Own candidates that are not sent yet. @type {RTCIceCandidateInit[]} */
  #found = [];
  #ready = false;
  /** Descriptions are dealt with one after the other. @type {Promise<void>} */
  #work = Promise.resolve();
  /** Signals go out one after the other. @type {Promise<void>} */
  #post = Promise.resolve();

  /** @param {Tools} tools */
  constructor(tools) {
    this.tools = tools;
  }

  /** Makes the connection, in place of an older one. @protected @param {string} name */
  open(name) {
    this.shut();
    const pc = this.tools.connect();
    this.pc = pc;
    this.name = name;
    pc.onicecandidate = ({ candidate }) => {
      if (candidate && this.pc === pc) this.#onFound(candidate.toJSON());
    };
    return pc;
  }

  /** Takes newer credentials, before new ways are looked for. @protected @param {RTCPeerConnection} pc */
  renew(pc) {
    try {
      pc.setConfiguration(this.tools.configuration());
    } catch {
      // What cannot be changed any more stays as it was.
    }
  }

  /** Closes the connection. @protected */
  shut() {
    const { pc } = this;
    this.pc = null;
    this.#ready = false;
    this.#early = [];
    this.#found = [];
    if (!pc) return;
    pc.onicecandidate = pc.onconnectionstatechange = null;
    pc.close();
  }

  close() {
    this.closed = true;
    this.shut();
  }

  /** Takes the other end's description, and the candidates that came before it. @protected @param {RTCPeerConnection} pc @param {RTCSessionDescriptionInit} description */
  async describe(pc, description) {
    await pc.setRemoteDescription(description);
    if (this.pc !== pc) return;
    this.#ready = true;
    await Promise.all(this.#early.splice(0).map((candidate) => this.#add(pc, candidate)));
  }

  /** @param {{ pc: string, list: RTCIceCandidateInit[] }} candidates */
  onCandidates({ pc, list }) {
    if (!this.pc || pc !== this.name || !Array.isArray(list)) return;
    for (const candidate of list) {
      if (this.#ready) void this.#add(this.pc, candidate);
      else if (this.#early.length < EARLY_MAX) this.#early.push(candidate);
    }
  }

  /** One candidate that does not fit is one way less to meet, and no more. @param {RTCPeerConnection} pc @param {RTCIceCandidateInit} candidate */
  async #add(pc, candidate) {
    await pc.addIceCandidate(candidate).catch(() => {});
  }

  /** Does one piece of work on the connection after the others. @protected @param {(pc: RTCPeerConnection) => Promise<void>} piece */
  work(piece) {
    this.#work = this.#work.then(async () => {
      const { pc } = this;
      if (!pc) return;
      try {
        await piece(pc);
      } catch (error) {
        // What a connection that was closed meanwhile says is nobody's concern.
        if (this.pc === pc) this.broken(error);
      }
    });
  }

  /** A piece of work failed. @protected @param {unknown} error */
  broken(error) {
    this.tools.fail(error);
  }

  /** @param {RTCIceCandidateInit} candidate */
  #onFound(candidate) {
    this.#found.push(candidate);
    // What is found at about the same time, or while a signal is under way, goes together.
    if (this.#found.length > 1) return;
    setTimeout(() => {
      this.send(() => (this.#found.length ? { candidates: { pc: this.name, list: this.#found.splice(0) } } : null));
    }, GATHER_MS);
  }

  /** Sends what `make` gives when its turn has come, after the signals before it. @protected @param {() => Signal | null} make */
  send(make) {
    this.#post = this.#post.then(() => this.#send(make));
  }

  /** @param {() => Signal | null} make */
  async #send(make) {
    const { pc } = this;
    const data = this.closed ? null : make();
    if (!data) return;
    for (let attempt = 0; this.pc === pc && !this.closed; attempt += 1) {
      try {
        await this.tools.signal(data);
        return;
      } catch (/** @type {any} */ error) {
        if (OVER.has(error?.reason)) return;
        const passing = error?.code === 429 || error?.code === 503;
        if (!passing || attempt === SIGNALS_AGAIN_MAX) return this.tools.fail(error);
        const ceiling = AGAIN_MS * 2 ** attempt;
        await new Promise((resolve) => setTimeout(resolve, (Number(error.data?.retryAfter) || 0) * 1_000 + this.tools.random() * ceiling));
      }
    }
  }
}
