/** @file The sending end of a subscription: answers `sendonly`, and sends what the subscription names and nothing else. Never offers. */

import { End } from "./end.js";
import { KINDS, sortOf } from "./kinds.js";

/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {import("./end.js").Signal} Signal */
/** @typedef {{ transceiver: RTCRtpTransceiver, track: MediaStreamTrack | null }} Line */

export class Sender extends End {
  #trackOf;
  /** @type {Set<TrackKind>} */
  #allowed = new Set();
  /** What the receiver's offer asked for, as far as it is allowed. @type {Map<TrackKind, Line>} */
  #lines = new Map();
  /** The number of the offer that was taken last. */
  #n = 0;
  #answered = false;

  /**
   * @param {import("./end.js").Tools} tools
   * @param {(kind: TrackKind) => MediaStreamTrack | null} trackOf what there is to send of a kind at this moment
   */
  constructor(tools, trackOf) {
    super(tools);
    this.#trackOf = trackOf;
  }

  /** What the subscription names now; what it no longer names stops at once. @param {readonly TrackKind[]} kinds */
  allow(kinds) {
    this.#allowed = new Set(kinds);
    for (const [kind, line] of this.#lines) {
      if (this.#allowed.has(kind)) continue;
      this.#put(line, null);
      // A later offer has to ask for it anew.
      this.#lines.delete(kind);
    }
    this.apply();
  }

  /** Sends what there is to send now. */
  apply() {
    for (const [kind, line] of this.#lines) this.#put(line, this.#trackOf(kind));
  }

  /** Says that offers are answered from now on, to a receiver who may have asked before. */
  greet() {
    this.send(() => ({ ready: true }));
  }

  /** @param {Signal} data */
  onSignal({ offer, candidates }) {
    if (offer) this.#onOffer(offer);
    if (candidates) this.onCandidates(candidates);
  }

  /** @param {NonNullable<Signal["offer"]>} offer */
  #onOffer({ pc, n, sdp, kinds }) {
    if (typeof pc !== "string" || typeof n !== "number" || typeof kinds !== "object" || kinds === null) return;
    if (pc !== this.name || !this.pc) {
      this.#lines.clear();
      this.#n = 0;
      this.open(pc);
    }
    if (n < this.#n) return;
    if (n === this.#n) {
      // The answer was lost on its way: this one also holds what candidates were found since.
      if (this.#answered) this.#reply(n);
      return;
    }
    this.#n = n;
    this.#answered = false;
    this.work(async (connection) => {
      this.renew(connection);
      await this.describe(connection, { type: "offer", sdp });
      if (this.pc !== connection) return;
      this.#draw(connection, kinds);
      await connection.setLocalDescription(await connection.createAnswer());
      if (this.pc !== connection || n !== this.#n) return;
      this.#answered = true;
      this.#reply(n);
    });
  }

  /** @param {number} n */
  #reply(n) {
    this.send(() => {
      const sdp = this.pc?.localDescription?.sdp;
      return sdp ? { answer: { pc: this.name, n, sdp } } : null;
    });
  }

  /** Gives each line of an offer its track, where it is one that may be sent. @param {RTCPeerConnection} connection @param {Record<string, TrackKind>} kinds */
  #draw(connection, kinds) {
    const before = this.#lines;
    this.#lines = new Map();
    for (const transceiver of connection.getTransceivers()) {
      if (transceiver.mid === null || transceiver.direction === "stopped" || transceiver.currentDirection === "stopped") continue;
      const kind = Object.hasOwn(kinds, transceiver.mid) ? kinds[transceiver.mid] : undefined;
      const fits = kind !== undefined && KINDS.includes(kind) && sortOf(kind) === transceiver.receiver.track.kind;
      if (!fits || !this.#allowed.has(kind) || this.#lines.has(kind)) {
        transceiver.direction = "inactive";
        this.#put({ transceiver, track: transceiver.sender.track }, null);
        continue;
      }
      transceiver.direction = "sendonly";
      const known = before.get(kind);
      this.#lines.set(kind, known?.transceiver === transceiver ? known : { transceiver, track: null });
    }
    this.apply();
  }

  /** @param {Line} line @param {MediaStreamTrack | null} track */
  #put(line, track) {
    if (line.track === track) return;
    line.track = track;
    line.transceiver.sender.replaceTrack(track).catch((error) => {
      if (!this.closed && this.pc && line.transceiver.currentDirection !== "stopped") this.tools.fail(error);
    });
  }
}
