/** @file A TCP proxy that, once told to rage, cuts its connections after a random number of bytes: in the handshake, between frames, in a frame's header or in its midst. */

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Whereabouts } from "./whereabouts.js";

/** @typedef {import("./whereabouts.js").Place} Place */

/**
 * @param {string} origin
 * @param {() => number} random
 */
export async function cuttingProxy(origin, random) {
  const { hostname, port } = new URL(origin);
  /** @type {Set<() => void>} */
  const cutters = new Set();
  /** @type {Record<Place, number>} */
  const places = { http: 0, between: 0, header: 0, payload: 0 };
  let cuts = 0;
  let calm = true;

  /**
   * After how many bytes a direction is cut, and at which place from there on. Most connections live to carry a few
   * calls; some die within the handshake, the resume or its replay.
   * @returns {{ left: number, at: Place | "anywhere" }}
   */
  const fate = () => {
    const draw = random();
    if (draw < 0.05) return { left: Math.floor(random() * 120), at: "anywhere" };
    const left = Math.floor(random() * (draw < 0.3 ? 1_500 : 40_000));
    const where = random();
    return { left, at: where < 0.1 ? "between" : where < 0.2 ? "header" : "anywhere" };
  };

  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      cutters.delete(end);
      // Sometimes a reset, sometimes an orderly end of the stream without a close frame.
      for (const socket of [near, far]) random() < 0.5 ? socket.resetAndDestroy() : socket.destroy();
    };
    cutters.add(end);
    for (const [from, to] of /** @type {const} */ ([[near, far], [far, near]])) {
      const where = new Whereabouts();
      let { left, at } = fate();
      /** How much of a chunk still passes; all of it where the cut is not in it. @param {Buffer} chunk */
      const passes = (chunk) => {
        for (const [index, byte] of chunk.entries()) {
          if (!calm && left <= 0 && (at === "anywhere" || at === where.place)) return index;
          where.step(byte);
          if (!calm) left -= 1;
        }
        return chunk.length;
      };
      from.on("error", end).on("close", end);
      from.on("data", (/** @type {Buffer} */ chunk) => {
        if (over) return;
        const length = passes(chunk);
        if (length === chunk.length) return void to.write(chunk);
        from.pause();
        cuts += 1;
        places[where.place] += 1;
        // What came before the cut shall arrive, or a cut in the midst of a frame would never be one.
        if (length > 0) to.write(chunk.subarray(0, length), end);
        else end();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** How many connections were cut while it raged. */
    get cuts() { return cuts; },
    /** How many of them where. */
    places,
    /** From now on every connection, those that are there too, ends after some bytes more. */
    rage() {
      calm = false;
    },
    /** From now on nothing is cut but once: every connection that is there. */
    relent() {
      calm = true;
      for (const end of [...cutters]) end();
    },
    stop() {
      for (const end of [...cutters]) end();
      server.close();
    },
  };
}
