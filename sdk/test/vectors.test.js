/** @file The shared golden scenarios, seen by each of their peers: frames in, and the view ends where the server says the room stands. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { NOTICES, View } from "../view.js";

const VECTORS = new URL("../../protocol/vectors/native/", import.meta.url);
/** @param {string} name @returns {any} */
const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, VECTORS), "utf8"));

/**
 * Takes every frame a peer was sent, as a session does.
 * @param {any[]} frames
 * @param {any[]} steps the calls of the scenario; a call's id is the number of its step
 */
function viewOf(frames, steps) {
  const view = new View();
  for (const frame of frames) {
    if (frame.id === undefined) {
      const { seq } = frame.params;
      if (typeof seq === "number") {
        assert.ok(seq > view.seq, `seq ${seq} after ${view.seq}`);
        view.seq = seq;
      }
      view.apply(frame.method, frame.params);
      continue;
    }
    const { method, params } = steps[frame.id - 1];
    if (frame.result?.participants) view.reset(frame.result);
    else view.settle(method, params, frame.result, frame.error?.data.reason);
  }
  return view;
}

/** Lists whose order says nothing, in one order. @param {any} state */
function inOrder({ room, sessionData, participants, counts, requests, subscriptions }) {
  /** @param {string} key @returns {(a: any, b: any) => number} */
  const by = (key) => (a, b) => (a[key] < b[key] ? -1 : 1);
  return {
    room,
    sessionData,
    counts,
    participants: [...participants].sort(by("peerId")),
    requests: {
      role: [...requests.role].sort(by("requestId")),
      permission: requests.permission
        .map((/** @type {any} */ request) => ({ ...request, permissions: [...request.permissions].sort() }))
        .sort(by("requestId")),
      waiting: [...requests.waiting].sort(by("waitingId")),
    },
    subscriptions: {
      receiving: [...subscriptions.receiving].sort(by("subscriptionId")),
      sending: [...subscriptions.sending].sort(by("subscriptionId")),
    },
  };
}

const SCENARIOS = ["stage", "lobby", "waiting", "ending", "media"];

for (const name of SCENARIOS) {
  const { about, steps, told, state } = read(name);
  describe(about, () => {
    for (const [peer, expected] of Object.entries(state)) {
      // Whoever is not in any more keeps what he last heard; there is nothing to compare it with.
      if (expected === null) continue;
      test(`${name}: ${peer} sees the room as it is`, () => {
        const view = viewOf(told[peer], steps);
        const { room, sessionData, counts, requests, subscriptions } = view;
        assert.deepEqual(inOrder({ room, sessionData, counts, requests, subscriptions, participants: view.participants.values() }), inOrder(expected));
      });
    }
  });
}

test("every notice of the vectors is one the client knows, and the other way round", () => {
  assert.deepEqual(Object.keys(read("notices")).sort(), [...NOTICES].sort());
});

test("no frame of a scenario is lost on a view", () => {
  const states = SCENARIOS.flatMap((name) => Object.values(read(name).state));
  assert.ok(states.filter((state) => state !== null).length >= 8);
  const rooms = states.filter((state) => state !== null);
  assert.ok(rooms.some(({ requests }) => requests.permission.length > 0), "a permission request is pending");
  assert.ok(rooms.some(({ requests }) => requests.waiting.length > 0), "somebody waits to be let in");
  assert.ok(rooms.some(({ subscriptions }) => subscriptions.receiving.length > 0 && subscriptions.sending.length > 0), "somebody receives and sends");
  assert.ok(rooms.some(({ sessionData }) => Object.keys(sessionData).length > 0), "there is session data");
  assert.ok(rooms.some(({ counts }) => counts.hidden > 0), "somebody is hidden");
});
