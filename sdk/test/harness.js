/** @file What the client's tests share: a joined client beside its fake server, and waiting with an end. */

import WebSocket from "ws";
import { Rolecall } from "../rolecall.js";
import { FakeServer } from "./fake-server.js";

/** @typedef {import("../rolecall.js").Options} Options */
/** @typedef {import("../wire.js").Events} Events */

/** A client of a server, quick to reconnect, not yet connected. @param {FakeServer} server @param {Partial<Options>} [options] */
export function clientOf(server, options = {}) {
  return new Rolecall({
    url: server.url,
    room: "demo",
    WebSocket,
    reconnect: { baseDelay: 2, maxDelay: 20 },
    callTimeout: 10_000,
    ...options,
  });
}

/**
 * A fake server and a joined client, both stopped with the test.
 * @param {import("node:test").TestContext} t
 * @param {Partial<Options>} [options]
 */
export async function joined(t, options = {}) {
  const server = await started(t);
  const room = clientOf(server, options);
  t.after(() => room.leave());
  await room.connect();
  return { server, room };
}

/** @param {import("node:test").TestContext} t */
export async function started(t) {
  const server = await FakeServer.start();
  t.after(() => server.stop());
  return server;
}

/**
 * The next event of a name.
 * @template {keyof Events & string} Name
 * @param {Rolecall} room
 * @param {Name} name
 * @returns {Promise<Events[Name]>}
 */
export function next(room, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no \`${name}\` within 10 s`)), 10_000);
    room.once(name, (payload) => {
      clearTimeout(timer);
      resolve(payload);
    });
  });
}

/** Waits until something holds. @param {() => unknown} condition @param {string} what */
export async function until(condition, what) {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`still waiting: ${what}`);
    await pause(2);
  }
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Uniform numbers from a seed (mulberry32). @param {number} seed */
export function seeded(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
