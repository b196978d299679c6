/** @file Daily's call object over a real server: what its server keeps. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import Daily from "../daily.js";
import { until } from "./harness.js";
import { NO_SERVER, realServer } from "./real-server.js";

describe("Daily's call object over a real server", { skip: NO_SERVER }, () => {
  /** @type {Awaited<ReturnType<typeof realServer>>} */
  let server;
  before(async () => { server = await realServer("[limits]\nnotices_kept = 1\n"); });
  after(() => server?.stop());

  test("session data is told, merged, read by who comes later, and read anew after a rebuild", async (t) => {
    /** @type {WebSocket[]} */
    const sockets = [];
    class Kept extends WebSocket {
      /** @param {any} url @param {any} [protocols] */
      constructor(url, protocols) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const url = `${server.url}/data-${randomUUID()}`;
    const join = async (/** @type {string} */ userName, Socket = WebSocket) => {
      const rolecall = { WebSocket: /** @type {any} */ (Socket), media: false, reconnect: { baseDelay: 200, maxDelay: 200 } };
      const call = Daily.createCallObject({ allowMultipleCallInstances: true, rolecall });
      t.after(() => call.destroy());
      await call.join({ url, userName, startVideoOff: true, startAudioOff: true });
      return call;
    };
    const ann = await join("Ann");
    const bo = await join("Bo", Kept);
    const has = (/** @type {typeof ann} */ call, /** @type {object} */ data) =>
      until(() => JSON.stringify(call.meetingSessionState().data) === JSON.stringify(data), JSON.stringify(data));
    ann.setMeetingSessionData({ page: 1, who: "ann" });
    await has(bo, { page: 1, who: "ann" });
    ann.setMeetingSessionData({ page: 2, who: undefined }, "shallow-merge");
    await has(bo, { page: 2 });
    const cy = await join("Cy");
    assert.deepEqual(cy.meetingSessionState().data, { page: 2 });
    // While Bo is away more is told than is kept for him.
    sockets[0]?.terminate();
    for (const page of [3, 4, 5]) ann.setMeetingSessionData({ page });
    await has(ann, { page: 5 });
    await has(bo, { page: 5 });
    assert.equal(sockets.length, 2);
  });
});
