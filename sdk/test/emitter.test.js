/** @file Tests of handlers that come, go and throw. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "../emitter.js";

/** @extends {Emitter<{ tick: number, error: { error: unknown, event: string } }>} */
class Clock extends Emitter {
  /** @param {number} payload */
  tick(payload) {
    this.emit("tick", payload);
  }
}

test("on, its unsubscribe, off and once", () => {
  const clock = new Clock();
  /** @type {string[]} */
  const heard = [];
  const a = (/** @type {number} */ n) => heard.push(`a${n}`);
  const b = (/** @type {number} */ n) => heard.push(`b${n}`);
  const stop = clock.on("tick", a);
  clock.on("tick", b);
  clock.once("tick", (n) => heard.push(`once${n}`));
  clock.tick(1);
  stop();
  clock.tick(2);
  clock.off("tick", b);
  clock.tick(3);
  assert.deepEqual(heard, ["a1", "b1", "once1", "b2"]);
});

test("a handler that throws stops no other and is told to `error`", () => {
  const clock = new Clock();
  /** @type {any[]} */
  const heard = [];
  clock.on("error", ({ error, event }) => heard.push([event, /** @type {Error} */ (error).message]));
  clock.on("tick", () => {
    throw new Error("boom");
  });
  clock.on("tick", (n) => heard.push(n));
  clock.tick(1);
  assert.deepEqual(heard, [["tick", "boom"], 1]);
});

test("an `error` handler that throws ends at the console", (t) => {
  const log = t.mock.method(console, "error", () => {});
  const clock = new Clock();
  clock.on("error", () => {
    throw new Error("worse");
  });
  clock.on("tick", () => {
    throw new Error("boom");
  });
  clock.tick(1);
  assert.equal(log.mock.callCount(), 1);
});

test("a handler removed by an earlier one is not called", () => {
  const clock = new Clock();
  let called = false;
  const late = () => void (called = true);
  clock.on("tick", () => clock.off("tick", late));
  clock.on("tick", late);
  clock.tick(1);
  assert.equal(called, false);
});

test("a handler that is no function is refused at once", () => {
  assert.throws(() => new Clock().on("tick", /** @type {any} */ (null)), TypeError);
});
