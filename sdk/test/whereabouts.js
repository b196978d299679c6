/** @file Follows one direction of a WebSocket connection byte by byte and says where in it the last byte stood. */

/** @typedef {"http" | "between" | "header" | "payload"} Place after the last byte: in the handshake, at the end of a frame, in a frame's header, in its payload */

export class Whereabouts {
  /** @type {Place} */
  place = "http";
  /** The last four bytes of the handshake. */
  #tail = 0;
  /** @type {number[]} */
  #header = [];
  /** Bytes of the payload still to come. */
  #left = 0;

  /** Takes the next byte. @param {number} byte @returns {Place} */
  step(byte) {
    if (this.place === "http") {
      this.#tail = ((this.#tail << 8) | byte) >>> 0;
      if (this.#tail === 0x0d0a0d0a) this.place = "between";
    } else if (this.place === "payload") {
      this.#left -= 1;
      if (this.#left === 0) this.place = "between";
    } else {
      this.#header.push(byte);
      this.place = this.#headerEnds() ? (this.#left > 0 ? "payload" : "between") : "header";
    }
    return this.place;
  }

  #headerEnds() {
    const [, second] = this.#header;
    if (second === undefined) return false;
    const short = second & 127;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = second & 128 ? 4 : 0;
    if (this.#header.length < 2 + extended + masked) return false;
    const length = this.#header.slice(2, 2 + extended).reduce((sum, byte) => sum * 256 + byte, 0);
    this.#left = extended ? length : short;
    this.#header = [];
    return true;
  }
}
