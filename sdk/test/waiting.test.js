/** @file Tests of knocking, waiting and being let in, from both sides of the door, against the fake server. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import WebSocket from "ws";
import { connect } from "../rolecall.js";
import { clientOf, joined, next, pause, started, until } from "./harness.js";

/** @typedef {import("./fake-server.js").FakeServer} FakeServer */

/** A private room with somebody in it who may answer. @param {import("node:test").TestContext} t */
async function house(t) {
  const { server, room: owner } = await joined(t, { token: "owner" });
  server.door = { knocking: true };
  return { server, owner };
}

/**
 * A stranger who knocked.
 * @param {import("node:test").TestContext} t
 * @param {FakeServer} server
 * @param {Partial<import("../rolecall.js").Options>} [options]
 */
async function stranger(t, server, options = {}) {
  const room = clientOf(server, { name: "Bo", knock: true, ...options });
  t.after(() => room.leave());
  /** @type {string[]} */
  const states = [];
  room.on("state", ({ state }) => void states.push(state));
  const waits = next(room, "waiting");
  const connected = room.connect();
  // Whoever is refused is looked at later.
  connected.catch(() => {});
  const { waitingId } = await waits;
  return { room, connected, waitingId, states };
}

describe("who knocks", () => {
  test("waits, is let in on the same socket, and is who he was at the door", async (t) => {
    const { server, owner } = await house(t);
    const { room, connected, waitingId, states } = await stranger(t, server, { metadata: { seat: 4 } });
    assert.equal(room.state, "waiting");
    const sockets = server.sockets.size;
    await until(() => owner.requests.waiting.length === 1, "the knock");
    const answered = next(room, "waiting-answered");
    await owner.answerWaiting(waitingId, true);
    assert.equal(await connected, room);
    assert.deepEqual([(await answered).admitted, room.peerId, room.self?.name, room.self?.metadata], [true, waitingId, "Bo", { seat: 4 }]);
    assert.equal(server.sockets.size, sockets);
    assert.deepEqual(states, ["connecting", "waiting", "joined"]);
    assert.deepEqual(server.handshakes.slice(1), [
      { method: "join", params: { room: "demo", name: "Bo", metadata: { seat: 4 } } },
      { method: "knock", params: { room: "demo", name: "Bo" } },
      { method: "join", params: { room: "demo", metadata: { seat: 4 } } },
    ]);
    assert.ok(room.participants.has(/** @type {string} */ (owner.peerId)));
    assert.deepEqual(owner.requests.waiting, []);
  });

  test("is refused with the reason, and may knock again", async (t) => {
    const { server, owner } = await house(t);
    const { room, connected, waitingId } = await stranger(t, server);
    const closed = next(room, "closed");
    await owner.answerWaiting(waitingId, false);
    await assert.rejects(connected, { code: 403, reason: "refused", method: "knock", data: { waitingId } });
    assert.deepEqual([(await closed).reason, room.state], ["refused", "closed"]);
    const again = next(room, "waiting");
    const connecting = room.connect();
    await owner.answerWaiting((await again).waitingId, true);
    await connecting;
    assert.equal(room.state, "joined");
  });

  test("gives up by leaving", async (t) => {
    const { server, owner } = await house(t);
    const { room, connected } = await stranger(t, server);
    const left = next(owner, "waiting-left");
    await room.leave();
    await assert.rejects(connected, { reason: "closed" });
    const { outcome, waiting } = await left;
    assert.deepEqual([outcome, waiting?.name, room.state], ["left", "Bo", "closed"]);
    assert.deepEqual(owner.requests.waiting, []);
  });

  test("knocks again when the socket is lost or the room restarts", async (t) => {
    const { server, owner } = await house(t);
    const { room, connected, waitingId, states } = await stranger(t, server);
    for (const cut of /** @type {((socket: import("ws").WebSocket) => void)[]} */ ([(socket) => socket.terminate(), (socket) => socket.close(4003), (socket) => socket.close(4000)])) {
      const again = next(room, "waiting");
      const waiter = [...server.waiters.values()].at(-1);
      cut(/** @type {any} */ (waiter).socket);
      assert.notEqual((await again).waitingId, waitingId);
    }
    await until(() => owner.requests.waiting.length === 1, "one who waits");
    const [last] = owner.requests.waiting;
    await owner.answerWaiting(/** @type {any} */ (last), true);
    await connected;
    assert.deepEqual(states, ["connecting", "waiting", ...Array(3).fill(["reconnecting", "waiting"]).flat(), "joined"]);
  });

  test("goes on looking for a way in while the server is away, within `maxElapsed`", async (t) => {
    const { server } = await house(t);
    const patient = await stranger(t, server);
    const hasty = await stranger(t, server, { reconnect: false });
    const tired = await stranger(t, server, { reconnect: { baseDelay: 2, maxDelay: 5, maxElapsed: 50 } });
    server.open = false;
    for (const { socket } of [...server.waiters.values()]) socket.terminate();
    await assert.rejects(hasty.connected, { reason: "closed" });
    await assert.rejects(tired.connected, { reason: "closed" });
    const again = next(patient.room, "waiting");
    server.open = true;
    await again;
  });

  test("comes straight in where the door was opened meanwhile, or is not closed to him", async (t) => {
    const { server } = await house(t);
    const invited = clientOf(server, { token: "invited", knock: true });
    t.after(() => invited.leave());
    await invited.connect();
    assert.equal(server.handshakes.at(-1)?.method, "join");
    const { connected, room } = await stranger(t, server);
    server.door = null;
    [...server.waiters.values()][0]?.socket.terminate();
    await connected;
    assert.equal(room.state, "joined");
    // Opened between the refusal and the knock, it is joined on the same socket.
    server.refuseNext = { code: 403, message: "private", data: { reason: "private", knocking: true } };
    const lucky = clientOf(server, { knock: true, reconnect: false });
    t.after(() => lucky.leave());
    await lucky.connect();
    assert.deepEqual(server.handshakes.slice(-3).map(({ method }) => method), ["join", "knock", "join"]);
  });

  test("tries again what fails for now, once it has knocked", async (t) => {
    const { server, owner } = await house(t);
    const { room, connected, waitingId } = await stranger(t, server, { reconnect: { baseDelay: 2, maxDelay: 5, maxElapsed: 5_000 } });
    server.refuseNext = { code: 503, message: "no", data: { reason: "unavailable" } };
    const again = next(room, "waiting");
    server.waiters.get(waitingId)?.socket.terminate();
    await owner.answerWaiting((await again).waitingId, true);
    await connected;
    server.refuseNext = { code: 503, message: "no", data: { reason: "unavailable" } };
    await assert.rejects(connect({ url: server.url, room: "demo", WebSocket, knock: true }), { reason: "unavailable" });
  });

  test("does not knock where nobody may, or unless he was told to", async (t) => {
    const { server } = await house(t);
    await assert.rejects(connect({ url: server.url, room: "demo", WebSocket }), { code: 403, reason: "private", data: { reason: "private", knocking: true } });
    server.door = { knocking: false };
    await assert.rejects(connect({ url: server.url, room: "demo", WebSocket, knock: true }), { code: 403, reason: "private", method: "join" });
    assert.ok(server.handshakes.every(({ method }) => method !== "knock"));
  });

  test("shows the token that is good when he is let in", async (t) => {
    const { server, owner } = await house(t);
    let asked = 0;
    // Of the fake server's tokens none is a knocker's.
    const token = async () => ((asked += 1) === 1 ? "" : `fresh-${asked}`);
    const { connected, waitingId } = await stranger(t, server, { token });
    await owner.answerWaiting({ waitingId }, true);
    await connected;
    assert.equal(server.handshakes.at(-1)?.params.token, "fresh-2");
  });

  test("asks whether the server is there while nothing is heard", async (t) => {
    const { server } = await house(t);
    const { room } = await stranger(t, server, { heartbeat: 15 });
    await until(() => server.handshakes.filter(({ method }) => method === "ping").length > 1, "the heartbeats");
    assert.equal(room.state, "waiting");
  });

  test("knocks again when his seat is gone", async (t) => {
    const { server, owner } = await house(t);
    const { room, connected, waitingId } = await stranger(t, server);
    await owner.answerWaiting(waitingId, true);
    await connected;
    const { seat } = server;
    server.unseat(seat, "lost");
    const again = next(room, "waiting");
    seat.socket?.terminate();
    const joinedAgain = next(room, "joined");
    await owner.answerWaiting((await again).waitingId, true);
    await joinedAgain;
    assert.equal(room.state, "joined");
  });

  test("an answer to somebody else is nobody's", async (t) => {
    const { server } = await house(t);
    const { room, waitingId } = await stranger(t, server);
    const { socket } = /** @type {any} */ (server.waiters.get(waitingId));
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: "waiting-answered", params: { waitingId: "another", admitted: false } }));
    await next(room, "waiting-answered");
    await pause(5);
    assert.equal(room.state, "waiting");
  });
});

describe("who answers", () => {
  test("has them in `requests.waiting`, as they come and go", async (t) => {
    const { server, owner } = await house(t);
    const seen = next(owner, "waiting-updated");
    const bo = await stranger(t, server);
    const { waiting } = await seen;
    assert.deepEqual([waiting.waitingId, waiting.name], [bo.waitingId, "Bo"]);
    const cy = await stranger(t, server, { name: "Cy" });
    await until(() => owner.requests.waiting.length === 2, "both");
    // Who comes later finds them.
    const late = clientOf(server, { token: "late" });
    t.after(() => late.leave());
    await late.connect();
    assert.deepEqual(late.requests.waiting.map(({ name }) => name), ["Bo", "Cy"]);
    const left = next(late, "waiting-left");
    await owner.answerWaiting({ waiting }, false);
    assert.deepEqual({ ...(await left), seq: 0, at: 0 }, { waitingId: bo.waitingId, outcome: "refused", by: owner.peerId, waiting, seq: 0, at: 0 });
    await assert.rejects(owner.answerWaiting(bo.waitingId, true), { code: 404, reason: "unknown-waiting" });
    for (const room of [owner, late]) assert.deepEqual(room.requests.waiting.map(({ waitingId }) => waitingId), [cy.waitingId]);
    assert.deepEqual((await owner.refreshState()).requests.waiting, owner.requests.waiting);
  });

  test("has nobody there once the right is lost, and all of them when it is got", async (t) => {
    const { server, owner } = await house(t);
    await stranger(t, server);
    await until(() => owner.requests.waiting.length === 1, "the knock");
    const self = server.peers.get(String(owner.peerId));
    const left = next(owner, "waiting-left");
    server.put({ ...self, capabilities: [] }, ["capabilities"]);
    assert.equal((await left).outcome, "hidden");
    assert.deepEqual(owner.requests.waiting, []);
    const back = next(owner, "waiting-updated");
    server.put(self, ["capabilities"]);
    await back;
    assert.equal(owner.requests.waiting.length, 1);
  });
});
