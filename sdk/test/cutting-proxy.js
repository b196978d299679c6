/** @file A TCP proxy that, once told to rage, cuts its connections after a random number of bytes, in the midst of whatever frame that hits. */

import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * @param {string} origin
 * @param {() => number} random
 */
export async function cuttingProxy(origin, random) {
  const { hostname, port } = new URL(origin);
  /** @type {Set<() => void>} */
  const cutters = new Set();
  let cuts = 0;
  let calm = true;

  /** Most connections live to carry a few calls; some die within the handshake, the resume or its replay. */
  const budget = () => Math.floor(random() < 0.35 ? random() * 1_500 : random() * 24_000);

  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      cutters.delete(end);
      cuts += 1;
      // Sometimes a reset, sometimes an orderly end of the stream without a close frame.
      for (const socket of [near, far]) random() < 0.5 ? socket.resetAndDestroy() : socket.destroy();
    };
    cutters.add(end);
    for (const [from, to] of /** @type {const} */ ([[near, far], [far, near]])) {
      let left = budget();
      from.on("error", end).on("close", end);
      from.on("data", (/** @type {Buffer} */ chunk) => {
        if (over) return;
        const last = !calm && chunk.length > left;
        const part = last ? chunk.subarray(0, left) : chunk;
        if (!calm) left -= part.length;
        // What came before the cut shall arrive, or a cut in the midst of a frame would never be one.
        to.write(part, () => void (last && end()));
        if (last) from.pause();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** How many connections have ended. */
    get cuts() { return cuts; },
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
