/** @file The receiving end of a subscription: offers `recvonly` lines, one per kind, and mends the connection. The only one who offers, so offers never meet. */

import { Backoff } from "../backoff.js";
import { RolecallError } from "../error.js";
import { End } from "./end.js";
import { sortOf } from "./kinds.js";

/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {import("./end.js").Signal} Signal */

/** How long an answer is waited for, how long a connection may take, and how long it may waver. */
const ANSWER_MS = 4_000;
const CONNECT_MS = 15_000;
const WAVERING_MS = 3_000;
/** The pauses before what has failed is tried again, and how often it is, until it connects. */
const PAUSES = { baseDelay: 500, maxDelay: 15_000 };
const AGAIN_MAX = 5;

/**
 * @typedef {object} ReceiverEvents
 * @property {(kind: TrackKind, track: MediaStreamTrack, playable: boolean) => void} onTrack a track may be played from now on, or no longer
 * @property {() => void} onConnected
 * @property {(error: RolecallError) => void} onDead it could not be mended
 * @property {() => boolean} isReady whether signals can reach the other end now
 */

export class Receiver extends End {
  #events;
  #backoff;
  /** @type {Map<TrackKind, RTCRtpTransceiver>} */
  #lines = new Map();
  /** The number of the last offer, and what its lines are. */
  #n = 0;
  /** @type {Record<string, TrackKind>} */
  #kinds = {};
  /** From the making of an offer to its answer. @type {"no" | "making" | "asked"} */
  #asking = "no";
  /** Whether another offer is due after this one. */
  #again = false;
  /** Whether the next offer looks for new ways to the other end. */
  #restart = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./end.js").Tools} tools
   * @param {ReceiverEvents} events
   */
  constructor(tools, events) {
    super(tools);
    this.#events = events;
    this.#backoff = new Backoff(PAUSES, tools.random);
    const pc = this.open(Math.floor(tools.random() * 36 ** 8).toString(36).padStart(8, "0"));
    pc.onconnectionstatechange = () => this.#onState(pc.connectionState);
  }

  /** @returns {RTCPeerConnectionState} */
  get state() {
    return this.pc?.connectionState ?? "closed";
  }

  /** Receives exactly these kinds: what is no longer among them stops at once. @param {ReadonlySet<TrackKind>} kinds */
  want(kinds) {
    let changed = false;
    for (const [kind, line] of this.#lines) {
      if (kinds.has(kind)) continue;
      changed = true;
      this.#lines.delete(kind);
      this.#stop(kind, line);
    }
    for (const kind of kinds) {
      if (this.#lines.has(kind) || !this.pc) continue;
      changed = true;
      this.#add(kind, this.pc);
    }
    if (changed) this.#offer();
  }

  /** @param {TrackKind} kind @param {RTCPeerConnection} pc */
  #add(kind, pc) {
    const line = pc.addTransceiver(sortOf(kind), { direction: "recvonly" });
    const { track } = line.receiver;
    this.#lines.set(kind, line);
    // Until packets come the track is muted, and would show as a black picture.
    track.onunmute = () => this.#events.onTrack(kind, track, true);
    track.onmute = track.onended = () => this.#events.onTrack(kind, track, false);
  }

  /** @param {TrackKind} kind @param {RTCRtpTransceiver} line */
  #stop(kind, line) {
    const { track } = line.receiver;
    track.onunmute = track.onmute = track.onended = null;
    this.#events.onTrack(kind, track, false);
    try {
      line.stop();
    } catch {
      // The connection is closed already, and the line with it.
    }
    track.stop();
  }

  /** @param {Signal} data */
  onSignal({ answer, candidates, ready }) {
    if (answer && answer.pc === this.name) this.#onAnswer(answer);
    if (candidates) this.onCandidates(candidates);
    if (ready) this.nudge();
  }

  /** The other end, or the way to it, is back: what was sent meanwhile may be lost. */
  nudge() {
    if (this.closed) return;
    this.#backoff.reset();
    if (this.#asking === "asked") this.#ask();
    else if (this.#asking === "no") this.#mend();
  }

  /** @override */
  close() {
    clearTimeout(this.#timer);
    for (const [kind, line] of this.#lines) this.#stop(kind, line);
    this.#lines.clear();
    super.close();
  }

  // ---- offers

  #offer() {
    if (this.#asking !== "no") {
      this.#again = true;
      return;
    }
    this.#asking = "making";
    this.#again = false;
    this.work(async (pc) => {
      if (this.#restart) {
        this.renew(pc);
        pc.restartIce();
      }
      this.#restart = false;
      await pc.setLocalDescription(await pc.createOffer());
      if (this.pc !== pc) return;
      this.#n += 1;
      this.#kinds = {};
      for (const [kind, { mid }] of this.#lines) if (mid !== null) this.#kinds[mid] = kind;
      this.#asking = "asked";
      this.#ask();
    });
  }

  /** Sends the offer, for the first time or again, and waits for its answer. */
  #ask() {
    const n = this.#n;
    this.send(() => {
      const sdp = this.pc?.localDescription?.sdp;
      return sdp && n === this.#n ? { offer: { pc: this.name, n, sdp, kinds: this.#kinds } } : null;
    });
    this.#wait(ANSWER_MS, () => this.#retry(() => this.#ask()));
  }

  /** @param {NonNullable<Signal["answer"]>} answer */
  #onAnswer({ n, sdp }) {
    if (this.#asking !== "asked" || n !== this.#n) return;
    this.#asking = "making";
    clearTimeout(this.#timer);
    this.work(async (pc) => {
      await this.describe(pc, { type: "answer", sdp });
      if (this.pc !== pc) return;
      this.#asking = "no";
      if (this.#again) this.#offer();
      else this.#onState(pc.connectionState);
    });
  }

  // ---- mending

  /** @param {RTCPeerConnectionState} state */
  #onState(state) {
    if (this.closed) return;
    if (state === "connected") {
      this.#backoff.reset();
      if (this.#asking === "no") clearTimeout(this.#timer);
      this.#events.onConnected();
      return;
    }
    // An offer under way has a timer of its own, and its answer looks at the state again.
    if (this.#asking !== "no") return;
    const mend = () => this.#retry(() => this.#mend());
    if (state === "failed") mend();
    else this.#wait(state === "disconnected" ? WAVERING_MS : CONNECT_MS, mend);
  }

  /** Looks for another way to the other end, unless there is one. */
  #mend() {
    if (this.state === "connected") return;
    this.#restart = true;
    this.#offer();
  }

  /** Tries again after a pause that grows, for as long as there is hope. @param {() => void} what */
  #retry(what) {
    if (this.#backoff.attempt >= AGAIN_MAX) return this.broken(RolecallError.local("no-media", "the other end does not answer, or cannot be reached"));
    this.#wait(this.#backoff.next() ?? 0, what);
  }

  /** @param {number} delay @param {() => void} then */
  #wait(delay, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Where a socket is lost there is nothing to be done; its coming back is a nudge.
      if (!this.closed && this.#events.isReady()) then();
    }, delay);
  }

  /** @protected @override @param {unknown} error */
  broken(error) {
    const dead = error instanceof RolecallError ? error : RolecallError.local("no-media", `the connection broke: ${error}`, { cause: error });
    this.#events.onDead(dead);
  }
}
