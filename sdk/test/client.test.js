/** @file Tests of joining, calls, notices and leaving, against the fake server. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import WebSocket from "ws";
import { connect, Rolecall, RolecallError } from "../rolecall.js";
import { participant, refusal, SILENT } from "./fake-server.js";
import { clientOf, joined, next, pause, started, until } from "./harness.js";

describe("joining", () => {
  test("fills the state and passes what it was given", async (t) => {
    const server = await started(t);
    server.put(participant("bo"));
    const room = await connect({
      url: server.url, room: "lobby:demo", token: "t1", name: "Ann", metadata: { a: 1 }, create: true, WebSocket,
    });
    t.after(() => room.leave());
    assert.equal(room.state, "joined");
    assert.deepEqual(server.handshakes, [
      { method: "join", params: { room: "lobby:demo", token: "t1", name: "Ann", metadata: { a: 1 }, create: true } },
    ]);
    assert.deepEqual([...room.participants.keys()], ["bo", "self-1"]);
    assert.equal(room.self, room.participants.get(/** @type {string} */ (room.peerId)));
    assert.equal(room.self?.name, "Ann");
    assert.deepEqual(room.counts, { present: 2, hidden: 0 });
    assert.equal(room.room?.cid, "default:demo");
    assert.equal(room.epoch, "epoch-1");
    assert.equal(room.seq, server.seq);
  });

  test("`can` knows capabilities and kinds of tracks", async (t) => {
    const server = await started(t);
    const room = clientOf(server);
    t.after(() => room.leave());
    assert.equal(room.can("audio"), false);
    await room.connect();
    assert.deepEqual(["audio", "video", "send-audio", "update-call-permissions", "end-call"].map((what) => room.can(what)), [true, false, true, true, false]);
  });

  test("an http address, a path and a missing one all lead to the endpoint", () => {
    /** @type {string[]} */
    const urls = [];
    class Recorder {
      onopen = null;
      onmessage = null;
      onclose = null;
      onerror = null;
      /** @param {string} url @param {string | string[]} [protocol] */
      constructor(url, protocol) {
        urls.push(url);
        assert.equal(protocol, "rolecall.v1");
      }
      send() {}
      close() {}
    }
    const addresses = ["http://a.example", "https://a.example/", "ws://a.example:7400", "wss://a.example/rooms/connect?x=1"];
    return Promise.all(addresses.map(async (url) => {
      const room = new Rolecall({ url, room: "demo", WebSocket: Recorder });
      const failed = assert.rejects(room.connect(), { reason: "closed" });
      await pause(1);
      await room.leave();
      await failed;
    })).then(() => {
      assert.deepEqual(urls, [
        "ws://a.example/v1/connect", "wss://a.example/v1/connect", "ws://a.example:7400/v1/connect", "wss://a.example/rooms/connect?x=1",
      ]);
      assert.throws(() => new Rolecall({ url: "ftp://a.example", room: "demo", WebSocket: Recorder }), TypeError);
      assert.throws(() => new Rolecall({ room: "demo", WebSocket: Recorder }), TypeError);
    });
  });

  test("a refused join rejects with the refusal, and the client may try again", async (t) => {
    const server = await started(t);
    const room = clientOf(server);
    t.after(() => room.leave());
    server.refuseNext = { code: 403, message: "you are blocked", data: { reason: "blocked" } };
    await assert.rejects(room.connect(), (/** @type {any} */ error) =>
      error instanceof RolecallError && error.code === 403 && error.reason === "blocked" && error.method === "join");
    assert.equal(room.state, "closed");
    await room.connect();
    assert.equal(room.state, "joined");
  });

  test("a bad token closes with 4500", async (t) => {
    const server = await started(t);
    const room = clientOf(server, { token: "bad" });
    server.refuseNext = { code: 401, message: "the token is bad", data: { reason: "bad-token" }, close: 4500 };
    const closed = next(room, "closed");
    await assert.rejects(room.connect(), { code: 401, reason: "bad-token" });
    const { code, reason, willReconnect } = await closed;
    assert.deepEqual({ code, reason, willReconnect }, { code: 4500, reason: "bad-token", willReconnect: false });
  });

  test("a first attempt that fails is not repeated", async (t) => {
    const server = await started(t);
    server.open = false;
    await assert.rejects(clientOf(server).connect(), { code: 0, reason: "connection-failed" });
    server.open = true;
    await pause(50);
    assert.deepEqual(server.handshakes, []);
  });

  test("a socket class that tells no more than an error is enough to fail", async () => {
    class Mute {
      /** @type {any} */
      onerror = null;
      onopen = null;
      onmessage = null;
      onclose = null;
      constructor() {
        setImmediate(() => this.onerror({ type: "error" }));
      }
      send() {}
      close() {}
    }
    const room = new Rolecall({ url: "ws://a.example", room: "demo", WebSocket: Mute });
    await assert.rejects(room.connect(), { reason: "connection-failed", data: { code: 1006, reason: "connection-lost" } });
  });

  test("what the server tells before the reply is in the reply, and not told", async (t) => {
    const server = await started(t);
    const room = clientOf(server);
    t.after(() => room.leave());
    /** @type {string[]} */
    const heard = [];
    room.on("notice", ({ method }) => heard.push(method));
    server.prelude = [{ jsonrpc: "2.0", method: "participant-joined", params: { participant: participant("zed"), seq: 1, at: "now" } }];
    await room.connect();
    assert.deepEqual(heard, []);
    assert.deepEqual([...room.participants.keys()], ["self-1"]);
  });

  test("a server that says nothing is given up in time", async (t) => {
    const server = await started(t);
    server.refuseNext = { silent: true };
    await assert.rejects(clientOf(server, { callTimeout: 50 }).connect(), { reason: "connection-failed" });
  });

  test("a token function that fails rejects with its error as the cause", async (t) => {
    const server = await started(t);
    const token = () => Promise.reject(new Error("no token today"));
    await assert.rejects(clientOf(server, { token }).connect(), (/** @type {any} */ error) => error.cause.message === "no token today");
  });

  test("a second connect is refused", async (t) => {
    const { room } = await joined(t);
    await assert.rejects(room.connect(), { reason: "already-connected" });
  });
});

describe("calls", () => {
  test("every method sends the wire's shape", async (t) => {
    const { server, room } = await joined(t);
    /** @type {[string, any[], string, any][]} */
    const table = [
      ["changeRoleOfPeer", ["bo", "host", { force: true }], "changeRoleOfPeer", { peerId: "bo", role: "host", force: true }],
      ["changeRoleOfPeer", ["bo", "host"], "changeRoleOfPeer", { peerId: "bo", role: "host", force: false }],
      ["changeRoleOfPeersWithRoles", [["a"], "b"], "changeRoleOfPeersWithRoles", { ofRoles: ["a"], toRole: "b" }],
      ["acceptChangeRole", ["r1"], "acceptChangeRole", { requestId: "r1" }],
      ["acceptChangeRole", [{ request: { requestId: "r1" } }], "acceptChangeRole", { requestId: "r1" }],
      ["rejectChangeRole", [{ requestId: "r1" }, "busy"], "rejectChangeRole", { requestId: "r1", reason: "busy" }],
      ["rejectChangeRole", ["r1"], "rejectChangeRole", { requestId: "r1" }],
      ["cancelChangeRole", ["r1"], "cancelChangeRole", { requestId: "r1" }],
      ["updateParticipant", ["bo", { canSend: ["audio"] }], "updateParticipant", { peerId: "bo", updatePermissions: { canSend: ["audio"] } }],
      ["updateParticipants", [{ "*": { updatePermissions: { canSend: false } } }], "updateParticipants", { updates: { "*": { updatePermissions: { canSend: false } } } }],
      ["requestPermissions", [["send-audio"]], "requestPermissions", { permissions: ["send-audio"] }],
      ["answerPermissionRequest", ["p1", false, "later"], "answerPermissionRequest", { requestId: "p1", grant: false, reason: "later" }],
      ["setTracks", [{ audio: true }], "setTracks", { audio: true }],
      ["mute", [{ peerId: "bo", tracks: ["audio"] }], "mute", { peerId: "bo", tracks: ["audio"] }],
      ["requestUnmute", [{ roles: ["speaker"], tracks: ["audio"] }], "requestUnmute", { roles: ["speaker"], tracks: ["audio"] }],
      ["removePeer", ["bo", { reason: "noise", block: true }], "removePeer", { peerId: "bo", reason: "noise", block: true }],
      ["removePeer", ["bo"], "removePeer", { peerId: "bo" }],
      ["blockUser", ["u"], "blockUser", { userId: "u" }],
      ["unblockUser", ["u"], "unblockUser", { userId: "u" }],
      ["endRoom", [], "endRoom", {}],
      ["endRoom", ["late"], "endRoom", { reason: "late" }],
      ["endRoom", [{ reason: "a pause", lock: false }], "endRoom", { reason: "a pause", lock: false }],
      ["setName", ["Ann"], "setName", { name: "Ann" }],
      ["setMetadata", [null], "setMetadata", { metadata: null }],
      ["raiseHand", [], "raiseHand", { raised: true }],
      ["sendMessage", [{ a: 1 }], "sendMessage", { data: { a: 1 }, to: "*" }],
      ["sendMessage", ["hi", { roles: ["host"] }], "sendMessage", { data: "hi", to: { roles: ["host"] } }],
      ["signal", ["bo", 1], "signal", { to: "bo", data: 1 }],
      ["subscribe", ["bo", ["audio"]], "subscribe", { peerId: "bo", tracks: ["audio"] }],
      ["unsubscribe", ["sub-1"], "unsubscribe", { subscriptionId: "sub-1" }],
      ["signalSubscription", ["sub-1", [1]], "signalSubscription", { subscriptionId: "sub-1", data: [1] }],
      ["media", [], "media", {}],
      ["explain", [{ capability: "end-call" }], "explain", { capability: "end-call" }],
      ["refreshToken", ["t2"], "refreshToken", { token: "t2" }],
      ["refreshState", [], "state", {}],
      ["ping", [], "ping", {}],
      ["goLive", [], "goLive", {}],
      ["stopLive", [], "stopLive", {}],
      ["call", ["anything", { x: 1 }], "anything", { x: 1 }],
    ];
    for (const [name, args] of table) await /** @type {any} */ (room)[name](...args);
    assert.deepEqual(server.calls.map(({ method, params }) => [method, params]), table.map(([, , method, params]) => [method, params]));
    assert.equal(new Set(server.calls.map(({ id }) => id)).size, table.length);
  });

  test("a refusal becomes a RolecallError", async (t) => {
    const { server, room } = await joined(t);
    server.handlers.mute = () => {
      throw refusal(403, "not-allowed", { needs: "mute-users" });
    };
    await assert.rejects(room.mute({ tracks: ["audio"] }), (/** @type {any} */ error) => {
      assert.ok(error instanceof RolecallError);
      assert.deepEqual([error.code, error.reason, error.data.needs, error.method], [403, "not-allowed", "mute-users", "mute"]);
      return true;
    });
  });

  test("replies are matched by id, whatever their order", async (t) => {
    const { server, room } = await joined(t);
    server.handlers.slow = () => SILENT;
    const slow = room.call("slow");
    await room.ping();
    const id = server.calls.find(({ method }) => method === "slow")?.id;
    server.send(server.seat, { jsonrpc: "2.0", id, result: "at last" });
    assert.equal(await slow, "at last");
  });

  test("a call without reply times out, and its late reply is ignored", async (t) => {
    const { server, room } = await joined(t, { callTimeout: 500 });
    server.handlers.slow = () => SILENT;
    await assert.rejects(room.call("slow"), { code: 0, reason: "timeout", method: "slow" });
    server.send(server.seat, { jsonrpc: "2.0", id: server.calls[0]?.id, result: "too late" });
    await room.ping();
    assert.equal(room.state, "joined");
  });

  test("what would break the socket is refused here", async (t) => {
    const { server, room } = await joined(t);
    await assert.rejects(room.sendMessage("x".repeat(70_000)), { reason: "too-large" });
    await assert.rejects(room.sendMessage("é".repeat(33_000)), { reason: "too-large" });
    await room.sendMessage("x".repeat(60_000));
    await assert.rejects(room.sendMessage(1n), TypeError);
    assert.equal(server.calls.length, 1);
  });

  test("before connecting and after leaving, calls are refused", async (t) => {
    const server = await started(t);
    const room = clientOf(server);
    await assert.rejects(room.ping(), { reason: "not-connected" });
    await room.connect();
    await room.leave();
    await assert.rejects(room.ping(), { reason: "not-connected" });
  });

  test("requests are kept by replies, at once", async (t) => {
    const { server, room } = await joined(t);
    server.handlers.changeRoleOfPeer = () => ({ requestId: "r1", expiresAt: "soon" });
    await room.changeRoleOfPeer("bo", "host");
    assert.deepEqual(room.requests.role.map(({ requestId, peerId, role }) => [requestId, peerId, role]), [["r1", "bo", "host"]]);
    const answered = next(room, "role-change-answered");
    server.tell(server.seat, "role-change-answered", { requestId: "r1", peerId: "bo", role: "host", outcome: "accepted" });
    assert.equal((await answered).outcome, "accepted");
    assert.deepEqual(room.requests.role, []);
  });
});

describe("notices", () => {
  test("handlers find the maps up to date", async (t) => {
    const { server, room } = await joined(t);
    /** @type {any[]} */
    const heard = [];
    room.on("participant-joined", ({ participant }) => heard.push(["joined", room.participants.has(participant.peerId)]));
    room.on("participant-updated", ({ participant, changed }) => heard.push(["updated", room.participants.get("bo") === participant, changed]));
    room.on("participant-left", ({ peerId, reason, participant }) => heard.push(["left", reason, room.participants.has(peerId), participant?.name]));
    room.on("counts-updated", () => heard.push(["counts", room.counts.present]));
    server.put(participant("bo"));
    server.put(participant("bo", { name: "Bo" }), ["name"]);
    server.remove("bo", "left");
    await room.ping();
    assert.deepEqual(heard, [
      ["joined", true], ["counts", 2], ["updated", true, ["name"]], ["counts", 2], ["left", "left", false, "Bo"], ["counts", 1],
    ]);
  });

  test("what was told is not told again", async (t) => {
    const { server, room } = await joined(t);
    server.put(participant("bo"));
    await room.ping();
    /** @type {any[]} */
    const heard = [];
    room.on("notice", ({ method }) => heard.push(method));
    for (const notice of server.seat.journal) server.send(server.seat, notice);
    server.send(server.seat, { jsonrpc: "2.0", method: "app-message", params: { from: null, data: 1, to: "*" } });
    server.send(server.seat, { jsonrpc: "2.0", method: "app-message", params: { from: null, data: 1, to: "*" } });
    await room.ping();
    assert.deepEqual(heard, ["app-message", "app-message"]);
  });

  test("an unknown notice reaches `notice` alone, even under the name of a local event", async (t) => {
    const { server, room } = await joined(t);
    /** @type {any[]} */
    const heard = [];
    room.on("closed", () => heard.push("closed"));
    room.on("notice", ({ method }) => heard.push(`notice ${method}`));
    server.tell(server.seat, "closed", {});
    await room.ping();
    assert.deepEqual(heard, ["notice closed"]);
  });

  test("garbage is told to `error` and harms nothing", async (t) => {
    const { server, room } = await joined(t);
    /** @type {string[]} */
    const events = [];
    room.on("error", ({ event }) => events.push(event));
    server.send(server.seat, "{ not json");
    server.send(server.seat, "[1]");
    server.send(server.seat, { jsonrpc: "2.0", id: null, error: { code: -32700, message: "invalid json" } });
    server.tell(server.seat, "participant-joined", {});
    server.put(participant("bo"));
    await room.ping();
    assert.deepEqual(events, ["frame", "frame", "frame", "participant-joined"]);
    assert.ok(room.participants.has("bo"));
  });

  test("a handler that throws stops neither others nor the state", async (t) => {
    const { server, room } = await joined(t);
    const failed = next(room, "error");
    room.on("participant-joined", () => {
      throw new Error("boom");
    });
    server.put(participant("bo"));
    assert.equal((await failed).event, "participant-joined");
    await room.ping();
    assert.ok(room.participants.has("bo"));
  });

  test("refreshState tells what differs", async (t) => {
    const { server, room } = await joined(t);
    server.peers.set("bo", participant("bo"));
    const came = next(room, "participant-joined");
    await room.refreshState();
    assert.equal((await came).synthesized, true);
    assert.ok(room.participants.has("bo"));
  });

  test("token-expiring asks the token function and refreshes", async (t) => {
    let asked = 0;
    const { server, room } = await joined(t, { token: async () => `t${(asked += 1)}` });
    server.send(server.seat, { jsonrpc: "2.0", method: "token-expiring", params: { in: 30 } });
    await until(() => server.calls.length, "the refresh");
    assert.deepEqual(server.calls.map(({ method, params }) => [method, params]), [["refreshToken", { token: "t2" }]]);
    server.handlers.refreshToken = () => {
      throw refusal(401, "bad-token");
    };
    const failed = next(room, "error");
    server.send(server.seat, { jsonrpc: "2.0", method: "token-expiring", params: { in: 30 } });
    assert.equal((await failed).event, "token-expiring");
    assert.equal(room.state, "joined");
  });

  test("token-expiring is left to the page where the token is a string", async (t) => {
    const { server, room } = await joined(t, { token: "t1" });
    const expiring = next(room, "token-expiring");
    server.send(server.seat, { jsonrpc: "2.0", method: "token-expiring", params: { in: 30 } });
    assert.equal((await expiring).in, 30);
    await room.ping();
    assert.deepEqual(server.calls.map(({ method }) => method), ["ping"]);
  });
});

describe("leaving", () => {
  test("leaves at the server, settles every call and stays away", async (t) => {
    const { server, room } = await joined(t);
    server.handlers.slow = () => SILENT;
    const pending = [room.call("slow"), room.call("slow")];
    const settled = Promise.allSettled(pending);
    const closed = next(room, "closed");
    await Promise.all([room.leave(), room.leave()]);
    assert.deepEqual(await closed, { code: 1000, reason: "left", willReconnect: false });
    for (const outcome of await settled) assert.equal(/** @type {any} */ (outcome).reason.reason, "closed");
    assert.equal(room.state, "closed");
    await until(() => server.seats.size === 0, "the seat to be given up");
    await pause(30);
    assert.equal(server.handshakes.length, 1);
  });

  test("a server that does not answer cannot keep it", async (t) => {
    const { server, room } = await joined(t, { callTimeout: 500 });
    server.deaf = true;
    await room.leave();
    assert.equal(room.state, "closed");
  });

  test("a socket lost meanwhile ends it too, and a new connection is left alone", async (t) => {
    const { server, room } = await joined(t);
    server.deaf = true;
    /** @type {Promise<any> | undefined} */
    let again;
    room.once("closed", () => void (again = room.connect()));
    const leaving = room.leave();
    await until(() => server.calls.length, "the leave");
    server.deaf = false;
    for (const client of server.sockets) client.terminate();
    await leaving;
    await again;
    assert.equal(room.state, "joined");
    await room.ping();
  });

  test("works while the socket is away", async (t) => {
    const { server, room } = await joined(t);
    server.open = false;
    server.seat.socket?.terminate();
    await next(room, "reconnecting");
    const pending = assert.rejects(room.ping(), { reason: "closed" });
    await room.leave();
    await pending;
    server.open = true;
    await pause(50);
    assert.equal(server.handshakes.length, 1);
  });

  test("while joining rejects the join", async (t) => {
    const server = await started(t);
    const room = clientOf(server);
    const refused = assert.rejects(room.connect(), { reason: "closed" });
    await room.leave();
    await refused;
    assert.equal(room.state, "closed");
  });

  test("a handler of `closed` may connect again at once", async (t) => {
    const { room } = await joined(t);
    /** @type {Promise<any> | undefined} */
    let again;
    room.once("closed", () => void (again = room.connect()));
    await room.leave();
    await again;
    assert.equal(room.state, "joined");
    await room.ping();
    await room.leave();
  });
});
