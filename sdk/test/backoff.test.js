/** @file Tests of the delays between attempts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../backoff.js";

test("the ceiling doubles up to the maximum", () => {
  const backoff = new Backoff({ baseDelay: 100, maxDelay: 1000 }, () => 0.999999);
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [99, 199, 399, 799, 999, 999]);
});

test("the jitter is full: anything from zero to the ceiling", () => {
  const draws = [0, 0.25, 0.5];
  const backoff = new Backoff({ baseDelay: 1000, maxDelay: 10_000 }, () => /** @type {number} */ (draws.shift()));
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [0, 500, 2000]);
});

test("the defaults start below 250 ms and never reach 10 s", () => {
  const backoff = new Backoff({}, () => 0.999999);
  assert.equal(backoff.next(), 249);
  for (let i = 0; i < 2000; i += 1) assert.ok(/** @type {number} */ (backoff.next()) < 10_000);
  assert.equal(backoff.next(), 9999);
});

test("a reset starts anew, and attempts are counted", () => {
  const backoff = new Backoff({ baseDelay: 100 }, () => 0.999999);
  backoff.next();
  backoff.next();
  assert.equal(backoff.attempt, 2);
  backoff.reset();
  assert.equal(backoff.attempt, 0);
  assert.equal(backoff.next(), 99);
});

test("it gives up where the next attempt would start too late", () => {
  const backoff = new Backoff({ baseDelay: 100, maxElapsed: 500 }, () => 0.5);
  assert.equal(backoff.next(450), 50);
  assert.equal(backoff.next(450), null);
  assert.equal(backoff.attempt, 1);
});
