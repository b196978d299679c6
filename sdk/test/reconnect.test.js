/** @file Tests of sockets that die: resume, rebuild, join again, stay away. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { participant } from "./fake-server.js";
import { clientOf, joined, next, pause, seeded, started, until } from "./harness.js";

/** @typedef {import("./fake-server.js").FakeServer} FakeServer */

/** Cuts the socket as a network does, without a close frame. @param {FakeServer} server */
const cut = (server) => server.seat?.socket?.terminate();

/** What happens to participants, as handlers hear it. @param {import("../rolecall.js").Rolecall} room */
function listen(room) {
  /** @type {string[]} */
  const heard = [];
  room.on("participant-joined", ({ participant, synthesized }) => heard.push(`joined ${participant.peerId}${synthesized ? " *" : ""}`));
  room.on("participant-updated", ({ participant, synthesized }) => heard.push(`updated ${participant.peerId}${synthesized ? " *" : ""}`));
  room.on("participant-left", ({ peerId, reason, synthesized }) => heard.push(`left ${peerId} ${reason}${synthesized ? " *" : ""}`));
  room.on("joined", () => heard.push("joined"));
  room.on("resumed", ({ resumed }) => heard.push(`resumed ${resumed}`));
  return heard;
}

describe("resume", () => {
  test("tells what was missed, in order, once", async (t) => {
    const { server, room } = await joined(t);
    server.put(participant("bo"));
    await room.ping();
    const heard = listen(room);
    /** @type {string[]} */
    const states = [];
    room.on("state", ({ state }) => states.push(state));
    const { seq } = room;
    server.open = false;
    cut(server);
    const { attempt, code, reason } = await next(room, "reconnecting");
    assert.deepEqual({ attempt, code, reason }, { attempt: 1, code: 1006, reason: "connection-lost" });
    server.put(participant("cy"));
    server.put(participant("cy", { handRaised: true }), ["handRaised"]);
    server.remove("bo", "left");
    server.open = true;
    await next(room, "resumed");
    assert.deepEqual(heard, ["joined cy", "updated cy", "left bo left", "resumed true"]);
    assert.deepEqual(states, ["reconnecting", "joined"]);
    assert.deepEqual(server.handshakes[1], { method: "resume", params: { session: "secret-1", epoch: "epoch-1", seq } });
    assert.equal(room.seq, server.seq);
  });

  test("with a journal too short: the maps are rebuilt and the differences told", async (t) => {
    const { server, room } = await joined(t);
    server.put(participant("bo"));
    server.put(participant("cy"));
    await room.ping();
    const heard = listen(room);
    server.shortJournal = true;
    server.open = false;
    cut(server);
    await next(room, "reconnecting");
    server.remove("bo", "left");
    server.put(participant("cy", { handRaised: true }), ["handRaised"]);
    server.put(participant("di"));
    server.open = true;
    await next(room, "resumed");
    assert.deepEqual(heard, ["left bo unknown *", "joined di *", "updated cy *", "resumed false"]);
    assert.deepEqual([...room.participants.keys()].sort(), ["cy", "di", "self-1"]);
    assert.equal(room.peerId, "self-1");
  });

  test("in another epoch a lower seq counts anew", async (t) => {
    const { server, room } = await joined(t);
    for (let i = 0; i < 9; i += 1) server.put(participant("bo"));
    await room.ping();
    server.open = false;
    cut(server);
    await next(room, "reconnecting");
    server.epoch = "epoch-2";
    server.seq = 1;
    server.open = true;
    await next(room, "resumed");
    assert.deepEqual([room.epoch, room.seq], ["epoch-2", 1]);
    server.put(participant("cy"));
    await room.ping();
    assert.ok(room.participants.has("cy"));
  });

  test("a lost session: joins again on the same socket, under a new peer id", async (t) => {
    const { server, room } = await joined(t, { name: "Ann", token: "t1" });
    server.put(participant("bo"));
    await room.setName("Anna");
    const heard = listen(room);
    server.open = false;
    cut(server);
    await next(room, "reconnecting");
    server.unseat(server.seat, "lost");
    server.open = true;
    await next(room, "joined");
    assert.deepEqual(server.handshakes.map(({ method }) => method), ["join", "resume", "join"]);
    assert.deepEqual(server.handshakes[2]?.params, { room: "demo", name: "Anna", token: "t1" });
    assert.deepEqual(heard, ["left self-1 unknown *", "joined self-2 *", "joined"]);
    assert.equal(room.peerId, "self-2");
    cut(server);
    await next(room, "resumed");
    assert.equal(server.handshakes[3]?.params.session, "secret-2");
  });

  test("goes on through refusals that pass", async (t) => {
    const { server, room } = await joined(t);
    server.refuseNext = { code: 503, message: "not yet", data: { reason: "unavailable" } };
    cut(server);
    await next(room, "reconnecting");
    assert.deepEqual((await next(room, "reconnecting")).reason, "unavailable");
    await next(room, "resumed");
  });

  test("ends at a refusal that stays", async (t) => {
    const { server, room } = await joined(t, { token: "t1" });
    server.refuseNext = { code: 401, message: "the token has expired", data: { reason: "token-expired" } };
    cut(server);
    const { code, reason, error } = await next(room, "closed");
    assert.deepEqual([code, reason, error?.code], [4501, "token-expired", 401]);
    await pause(30);
    assert.equal(server.handshakes.length, 2);
  });

  test("a token function is asked at every resume, a string is not sent again", async (t) => {
    let asked = 0;
    const first = await joined(t, { token: () => `t${(asked += 1)}` });
    cut(first.server);
    await next(first.room, "resumed");
    assert.deepEqual(first.server.handshakes.map(({ params }) => params.token), ["t1", "t2"]);
    const second = await joined(t, { token: "t1" });
    cut(second.server);
    await next(second.room, "resumed");
    assert.deepEqual(second.server.handshakes.map(({ params }) => params.token), ["t1", undefined]);
  });

  test("a token function that fails for a while is asked again", async (t) => {
    let asked = 0;
    const token = async () => {
      asked += 1;
      if (asked === 2 || asked === 3) throw new Error("away");
      return `t${asked}`;
    };
    const { server, room } = await joined(t, { token });
    room.on("error", () => {});
    cut(server);
    await next(room, "resumed");
    assert.deepEqual(server.handshakes.map(({ params }) => params.token), ["t1", "t4"]);
  });

  test("attempts go on with growing ceilings until the server is back", async (t) => {
    const { server, room } = await joined(t, { random: () => 0.999, reconnect: { baseDelay: 4, maxDelay: 16 } });
    /** @type {number[]} */
    const delays = [];
    room.on("reconnecting", ({ delay }) => delays.push(delay));
    server.open = false;
    cut(server);
    await until(() => delays.length >= 5, "five attempts");
    server.open = true;
    await next(room, "resumed");
    assert.deepEqual(delays.slice(0, 5), [3, 7, 15, 15, 15]);
  });

  test("a connection that held makes the next loss a first one, one that did not goes on counting", async (t) => {
    const { server, room } = await joined(t);
    let now = Date.now();
    t.mock.method(Date, "now", () => now);
    /** @type {number[]} */
    const attempts = [];
    room.on("reconnecting", ({ attempt }) => attempts.push(attempt));
    for (const held of [6000, 10, 10, 6000]) {
      now += held;
      const resumed = next(room, "resumed");
      cut(server);
      await resumed;
    }
    assert.deepEqual(attempts, [1, 2, 3, 1]);
  });

  test("gives up after `maxElapsed`", async (t) => {
    const { server, room } = await joined(t, { reconnect: { baseDelay: 5, maxDelay: 10, maxElapsed: 60 } });
    server.open = false;
    const pending = assert.rejects(room.call("later"), { reason: "closed" });
    cut(server);
    assert.equal((await next(room, "closed")).reason, "gave-up");
    await pending;
  });

  test("a server gone silent is noticed and resumed", async (t) => {
    const { server, room } = await joined(t, { heartbeat: 300 });
    await pause(700);
    assert.equal(room.state, "joined");
    assert.ok(server.calls.some(({ method }) => method === "ping"));
    server.deaf = true;
    server.put(participant("bo"));
    const { code, reason } = await next(room, "reconnecting");
    assert.deepEqual({ code, reason }, { code: 4002, reason: "silent" });
    server.deaf = false;
    await until(() => room.participants.has("bo"), "the missed notice");
  });
});

describe("calls in flight", () => {
  test("are sent again under their id and done once", async (t) => {
    const { server, room } = await joined(t);
    let done = 0;
    server.handlers.once = () => ({ done: (done += 1) });
    server.deaf = true;
    const pending = room.call("once");
    await until(() => done === 1, "the call to be done");
    cut(server);
    server.deaf = false;
    assert.deepEqual(await pending, { done: 1 });
    assert.equal(done, 1);
  });

  test("that ask for the state and hear an older one keep the view", async (t) => {
    const { server, room } = await joined(t);
    server.deaf = true;
    const pending = room.refreshState();
    await until(() => server.calls.some(({ method }) => method === "state"), "the call to be done");
    server.put(participant("late"));
    cut(server);
    server.deaf = false;
    assert.ok((await pending).seq < server.seq, "its first outcome");
    await room.ping();
    assert.equal(room.seq, server.seq);
    assert.ok(room.participants.has("late"));
  });

  test("made while away are sent after the resume, in order", async (t) => {
    const { server, room } = await joined(t);
    server.open = false;
    cut(server);
    await next(room, "reconnecting");
    const calls = Promise.all(["a", "b", "c"].map((method) => room.call(method)));
    server.open = true;
    await calls;
    assert.deepEqual(server.calls.map(({ method }) => method), ["a", "b", "c"]);
  });

  test("are sent again after a rebuild in the same epoch", async (t) => {
    const { server, room } = await joined(t);
    let done = 0;
    server.handlers.once = () => ({ done: (done += 1) });
    server.shortJournal = true;
    server.deaf = true;
    const pending = room.call("once");
    await until(() => done === 1, "the call to be done");
    cut(server);
    server.deaf = false;
    assert.deepEqual(await pending, { done: 1 });
    assert.equal(done, 1);
  });

  test("after a rebuild revive no request that ended meanwhile", async (t) => {
    const { server, room } = await joined(t);
    let done = 0;
    server.handlers.changeRoleOfPeer = () => ({ requestId: `role-${(done += 1)}`, expiresAt: "soon" });
    server.shortJournal = true;
    server.deaf = true;
    const pending = room.changeRoleOfPeer("bo", "host");
    await until(() => done === 1, "the call to be done");
    server.deaf = false;
    cut(server); // and while it is away the request ends, of which a short journal tells nothing
    assert.equal((await pending).requestId, "role-1");
    await until(() => room.requests.role.length === 0, "the request to be gone");
    assert.equal(done, 1);
  });

  for (const [what, lose] of /** @type {[string, (server: FakeServer) => void][]} */ ([
    ["a lost session", (server) => server.unseat(server.seat, "lost")],
    ["another epoch", (server) => void (server.epoch = "epoch-2")],
  ])) {
    test(`are rejected after ${what}, but what was never sent is sent`, async (t) => {
      const { server, room } = await joined(t);
      let done = 0;
      server.handlers.once = () => ({ done: (done += 1) });
      server.deaf = true;
      const pending = assert.rejects(room.call("once"), { code: 0, reason: "connection-lost", method: "once" });
      await until(() => done === 1, "the call to be done");
      server.open = false;
      cut(server);
      await next(room, "reconnecting");
      const later = room.call("later");
      lose(server);
      server.deaf = false;
      server.open = true;
      await pending;
      await later;
      assert.equal(done, 1);
    });
  }

  test("time out although the socket is away", async (t) => {
    const { server, room } = await joined(t, { callTimeout: 500 });
    server.open = false;
    cut(server);
    await next(room, "reconnecting");
    await assert.rejects(room.ping(), { reason: "timeout" });
  });
});

describe("close codes", () => {
  for (const [code, reason] of /** @type {[number, string][]} */ ([
    [4500, "bad-token"], [4501, "token-expired"], [4502, "removed"], [4503, "ended"], [4504, "seat-taken"], [4505, "malformed"], [4506, "no-join"], [4507, "abuse"], [4999, "some-day"],
  ])) {
    test(`${code} stays away`, async (t) => {
      const { server, room } = await joined(t);
      server.handlers.slow = () => void server.seat.socket?.close(code, code === 4999 ? reason : "");
      const closed = next(room, "closed");
      server.deaf = true;
      await assert.rejects(room.call("slow"), { reason: "closed" });
      assert.deepEqual(await closed, { code, reason, willReconnect: false });
      await pause(20);
      assert.equal(server.handshakes.length, 1);
    });
  }

  test("what the remover said comes along", async (t) => {
    const { server, room } = await joined(t);
    server.seat.socket?.close(4502, "off topic");
    assert.deepEqual(await next(room, "closed"), { code: 4502, reason: "removed", willReconnect: false, text: "off topic" });
  });

  test("the code's own name in the frame is not taken for words", async (t) => {
    const { server, room } = await joined(t);
    server.seat.socket?.close(4503, "ended");
    assert.deepEqual(await next(room, "closed"), { code: 4503, reason: "ended", willReconnect: false });
  });

  for (const code of [1000, 1011, 1012, 4000, 4001, 4002, 4003, 4499]) {
    test(`${code} comes back`, async (t) => {
      const { server, room } = await joined(t);
      // A close by the server is no leave: the fake one unseats at 1000, so the client joins anew there.
      server.seat.socket?.close(code);
      assert.equal((await next(room, "reconnecting")).code, code);
      await until(() => room.state === "joined", "the way back");
      await room.ping();
    });
  }

  test("4501 comes back where a function can give a fresh token", async (t) => {
    let asked = 0;
    const { server, room } = await joined(t, { token: () => `t${(asked += 1)}` });
    server.seat.socket?.close(4501);
    await next(room, "resumed");
    assert.deepEqual(server.handshakes[1]?.params.token, "t2");
  });

  test("`reconnect: false` ends at the first loss", async (t) => {
    const { server, room } = await joined(t, { reconnect: false });
    cut(server);
    assert.deepEqual(await next(room, "closed"), { code: 1006, reason: "connection-lost", willReconnect: false });
  });
});

describe("a socket cut at arbitrary moments", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    test(`keeps the view equal to the server's (seed ${seed})`, async (t) => {
      const random = seeded(seed);
      const server = await started(t);
      const room = clientOf(server, { callTimeout: 10_000, random, reconnect: { baseDelay: 1, maxDelay: 4 } });
      t.after(() => room.leave());
      await room.connect();
      // Journals too short and lost sessions in some walks only: in the others every call is done once.
      const lossy = seed % 4 === 0;
      const { mirror, wrongs } = mirrorOf(room);
      /** @type {boolean[]} */
      const resumed = [];
      room.on("resumed", (event) => resumed.push(event.resumed));
      /** @type {Map<number, number>} */
      const done = new Map();
      server.handlers.bump = ({ n }) => ({ n, times: done.set(n, (done.get(n) ?? 0) + 1).get(n) });
      /** @type {Promise<any>[]} */
      const calls = [];
      for (let step = 0; step < 300; step += 1) {
        const draw = random();
        if (draw < 0.55) stir(server, random);
        else if (draw < 0.7) calls.push(room.call("bump", { n: calls.length }).catch((error) => error));
        else if (draw < 0.78) cut(server);
        else if (draw < 0.84) server.deaf = true;
        else if (draw < 0.88) server.open = !server.open;
        else if (draw < 0.9) await settled(room, server);
        else if (draw < 0.92 && lossy) server.shortJournal = !server.shortJournal;
        else if (draw < 0.93 && lossy && server.seat && !server.seat.socket) server.unseat(server.seat, "lost");
        else if (draw < 0.95) server.cutReplay = Math.floor(random() * 4);
        else await pause(random() * 6);
        if (server.deaf && random() < 0.3) {
          // Frames lost on the way are always the last ones of their socket.
          cut(server);
          server.deaf = false;
        }
      }
      await settled(room, server);
      const outcomes = await Promise.all(calls);
      await room.ping();

      const truth = server.snapshot(server.seat);
      assert.equal(room.peerId, truth.peerId);
      assert.equal(room.seq, truth.seq);
      assert.deepEqual(room.counts, truth.counts);
      assert.deepEqual(sorted(room.participants.values()), sorted(truth.participants));
      assert.deepEqual(sorted(mirror.values()), sorted(truth.participants), "what handlers heard adds up to the same");
      for (const [n, outcome] of outcomes.entries()) {
        if (lossy && outcome.reason === "connection-lost") continue;
        assert.deepEqual(outcome, { n, times: 1 });
      }
      assert.deepEqual(wrongs, []);
      assert.ok(server.handshakes.length >= 5, "the walk lost its socket again and again");
      assert.ok([...done.values()].every((times) => times === 1), "no call was done twice");
    });
  }
});

/** Lets the client come back. @param {import("../rolecall.js").Rolecall} room @param {FakeServer} server */
async function settled(room, server) {
  if (server.deaf) cut(server);
  server.deaf = false;
  server.open = true;
  await until(() => room.state === "joined" && server.seat?.socket?.readyState === 1, "the way back");
}

/** A map kept by nothing but events. @param {import("../rolecall.js").Rolecall} room */
function mirrorOf(room) {
  const mirror = new Map(room.participants);
  /** @type {string[]} */
  const wrongs = [];
  room.on("participant-joined", ({ participant }) => {
    if (mirror.has(participant.peerId)) wrongs.push(`${participant.peerId} joined twice`);
    mirror.set(participant.peerId, participant);
  });
  room.on("participant-updated", ({ participant }) => {
    if (!mirror.has(participant.peerId)) wrongs.push(`${participant.peerId} was updated before joining`);
    mirror.set(participant.peerId, participant);
  });
  room.on("participant-left", ({ peerId }) => void (mirror.delete(peerId) || wrongs.push(`${peerId} left twice`)));
  room.on("error", ({ error }) => wrongs.push(String(error)));
  return { mirror, wrongs };
}

/** Changes something in the room. @param {FakeServer} server @param {() => number} random */
function stir(server, random) {
  const peerId = `bot-${Math.floor(random() * 6)}`;
  const peer = server.peers.get(peerId);
  const draw = random();
  if (!peer) server.put(participant(peerId));
  else if (draw < 0.25) server.remove(peerId, draw < 0.1 ? "lost" : "left");
  else if (draw < 0.55) server.put({ ...peer, permissions: { ...peer.permissions, hasPresence: !peer.permissions.hasPresence } }, ["permissions"]);
  else if (draw < 0.75 && server.seat) {
    const self = server.peers.get(server.seat.peerId);
    const capabilities = random() < 0.5 ? ["send-audio"] : ["send-audio", "update-call-permissions"];
    server.put({ ...self, capabilities, handRaised: random() < 0.5 }, ["capabilities"]);
  } else server.put({ ...peer, handRaised: !peer.handRaised }, ["handRaised"]);
}

/** @param {Iterable<any>} peers */
function sorted(peers) {
  return [...peers].sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
}
