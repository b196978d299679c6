/** @file Being removed, the end of a room, sockets that break, and who is not let in: through 100ms's SDK. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { sign } from "../../../sdk/test/real-server.js";
import { select, Types } from "./client.mjs";
import { fresh, openHouse, refused, settled, token } from "./house.mjs";
import { pause, until } from "./wait.mjs";

const THREE = { ann: "moderator", bo: "listener", cy: "guest" };
/** The SDK gives up on a join that no longer has a chance; one that hangs would take a minute. */
const AT_ONCE_MS = 3_000;

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

const isOut = (client) => client.until(() => client.get(select.selectRoomState) === "Disconnected" && client.names.length === 0, "is out");

describe("removal", () => {
  test("puts one out, who is told by whom and why", async () => {
    const { ann, bo, cy } = await house.gathers(THREE);
    await ann.actions.removePeer(bo.id, "off you go");
    const { data } = await bo.hears(Types.REMOVED_FROM_ROOM);
    assert.deepEqual([data.requestedBy.name, data.reason, data.roomEnded], ["ann", "off you go", false]);
    await isOut(bo);
    assert.equal(bo.told(Types.PEER_LEFT, Types.ROOM_ENDED, Types.ERROR).length, 0);
    for (const client of [ann, cy]) {
      await client.hears(Types.PEER_LEFT, ({ name }) => name === "bo");
      await client.sees(ann, cy);
    }
  });

  test("is for those who may", async () => {
    const { ann, bo, cy } = await house.gathers(THREE);
    await refused(bo.actions.removePeer(cy.id, ""), 403);
    await refused(ann.actions.removePeer("nobody-knows", ""), 404);
    await ann.actions.removePeer(ann.id, "oneself is passed over");
    await settled(ann, bo, cy);
    for (const client of [ann, bo, cy]) assert.deepEqual(client.names, ["ann", "bo", "cy"]);
  });

  test("by the server, too", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await house.backEnd(room, "removePeer", { peerId: bo.id, reason: "off you go" });
    // Who is removed by nobody in the room, the SDK takes for one whose room has ended: it is told that he did it himself.
    const { data } = await bo.hears(Types.REMOVED_FROM_ROOM);
    assert.deepEqual([data.requestedBy.name, data.reason, data.roomEnded], ["bo", "off you go", false]);
    assert.equal(bo.told(Types.PEER_LEFT, Types.ROOM_ENDED, Types.ERROR).length, 0);
    await isOut(bo);
    await ann.sees(ann);
  });
});

describe("the end of a room", () => {
  test("comes to all, and nobody gets in again", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    await ann.actions.endRoom(true, "that is all");
    for (const client of [bo, cy]) {
      const { data } = await client.hears(Types.ROOM_ENDED);
      assert.deepEqual([data.requestedBy.name, data.reason, data.roomEnded], ["ann", "that is all", true]);
    }
    for (const client of [ann, bo, cy]) await isOut(client);
    assert.equal(ann.told(Types.ROOM_ENDED, Types.REMOVED_FROM_ROOM, Types.RECONNECTING, Types.ERROR).length, 0, "who ended it just leaves");
    const since = Date.now();
    for (const role of ["guest", "moderator"]) await refused(house.joins("di", room, role), 410, /ended/);
    assert.ok(Date.now() - since < AT_ONCE_MS);
  });

  test("without a lock is the end of what goes on in it: everybody may come again", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    await ann.actions.sessionStore.set("topic", "roses");
    await ann.actions.endRoom(false, "a pause");
    for (const client of [bo, cy]) {
      const { data } = await client.hears(Types.ROOM_ENDED);
      assert.deepEqual([data.requestedBy.name, data.reason, data.roomEnded], ["ann", "a pause", true]);
    }
    for (const client of [ann, bo, cy]) await isOut(client);
    const again = await house.joins("cy", room, "guest");
    const di = await house.joins("di", room, "listener");
    for (const client of [again, di]) await client.sees(again, di);
    await di.actions.sessionStore.observe(["topic"]);
    await settled(again, di);
    assert.equal(di.get(select.selectSessionStore("topic")), undefined, "another session");
  });

  test("is not for everybody", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await bo.actions.endRoom(false, "I say so");
    await settled(bo, ann);
    for (const client of [ann, bo]) assert.deepEqual(client.names, ["ann", "bo"]);
  });

  test("by the server", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await house.backEnd(room, "endRoom", { reason: "closing time" });
    for (const client of [ann, bo]) {
      const { data } = await client.hears(Types.ROOM_ENDED);
      assert.deepEqual([data.reason, data.roomEnded, data.requestedBy], ["closing time", true, undefined]);
      await isOut(client);
    }
    await refused(house.joins("ann", room, "moderator"), 410);
  });
});

describe("a socket that breaks", () => {
  /** Breaks his connection, lets the others do something, and waits until he is back. */
  async function away(client, meanwhile = () => {}) {
    client.cut();
    await client.hears(Types.RECONNECTING);
    await meanwhile();
    await client.hears(Types.RECONNECTED);
    assert.equal(client.get(select.selectRoomState), "Connected");
  }

  test("is looked for anew, as the same peer, and nobody else notices", async () => {
    const { ann, bo, cy } = await house.gathers(THREE);
    const { id } = bo;
    await away(bo);
    assert.deepEqual([bo.id, bo.sockets], [id, 2]);
    await ann.actions.sendBroadcastMessage("still there?");
    await bo.hears(Types.NEW_MESSAGE, ({ message }) => message === "still there?");
    await bo.actions.sendBroadcastMessage("yes");
    for (const client of [ann, cy]) {
      await client.hears(Types.NEW_MESSAGE, ({ message }) => message === "yes");
      assert.equal(client.told(Types.PEER_LEFT, Types.PEER_JOINED).length, 0);
      assert.deepEqual(client.names, ["ann", "bo", "cy"]);
    }
    assert.deepEqual([bo.names, bo.told(Types.PEER_LEFT, Types.PEER_JOINED, Types.ROLE_UPDATED).length], [["ann", "bo", "cy"], 0]);
  });

  test("hides no role that was given meanwhile", async () => {
    const { ann, bo, cy } = await house.gathers(THREE);
    await away(bo, () => ann.actions.changeRoleOfPeer(bo.id, "speaker", true));
    for (const client of [ann, bo, cy]) await client.seesRole(bo, "speaker");
    assert.equal(bo.permissions.mute, true);
    await settled(ann, bo, cy);
    for (const client of [ann, bo, cy]) assert.equal(client.told(Types.ROLE_UPDATED).length, 1);
  });

  test("hides nothing else that is so now", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    await bo.actions.sessionStore.observe(["topic", "left alone"]);
    await ann.actions.sessionStore.set("left alone", 1);
    await bo.until(() => bo.get(select.selectSessionStore("left alone")) === 1, "sees the store");
    let di;
    await away(bo, async () => {
      await ann.actions.changeName("Ann the Great");
      await ann.actions.raiseLocalPeerHand();
      await ann.actions.sessionStore.set("topic", "roses");
      await ann.actions.raiseRemotePeerHand(bo.id);
      await cy.leave();
      di = await house.joins("di", room, "listener");
    });
    await bo.until(() => bo.peer(ann)?.name === "Ann the Great" && bo.peer(ann).isHandRaised, "sees the name and the hand");
    await bo.until(() => bo.get(select.selectSessionStore("topic")) === "roses", "sees the topic");
    await bo.until(() => bo.peer(di)?.roleName === "listener" && !bo.peer(cy), "sees who came and went");
    await bo.until(() => bo.get(select.selectHasPeerHandRaised(bo.id)), "sees his own hand");
    await ann.actions.sessionStore.set("topic", "tulips");
    await bo.until(() => bo.get(select.selectSessionStore("topic")) === "tulips", "goes on observing");
    assert.equal(bo.get(select.selectSessionStore("left alone")), 1);
  });

  test("hides no question", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await away(bo, () => ann.actions.changeRoleOfPeer(bo.id, "speaker"));
    await bo.actions.acceptChangeRole(await bo.asked("speaker"));
    for (const client of [ann, bo]) await client.seesRole(bo, "speaker");
  });

  test("is the end of it where he was removed meanwhile", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    bo.cut();
    await bo.hears(Types.RECONNECTING);
    await ann.actions.removePeer(bo.id, "off you go");
    const { data } = await bo.hears(Types.ERROR, ({ isTerminal }) => isTerminal);
    assert.ok(data.code >= 400 && data.code < 500, `${data.code} ${data.description}`);
    await isOut(bo);
    await ann.sees(ann);
  });

  test("is the end of it after the grace", async (t) => {
    const brief = await openHouse('grace = "300ms"\n');
    t.after(() => brief.close());
    const { ann, bo } = await brief.gathers({ ann: "moderator", bo: "listener" });
    bo.cut();
    await ann.hears(Types.PEER_LEFT, ({ name }) => name === "bo");
    const { data } = await bo.hears(Types.ERROR, ({ isTerminal }) => isTerminal);
    assert.ok(data.code >= 400 && data.code < 500, `${data.code} ${data.description}`);
    await isOut(bo);
  });

  test("that closes for good is a departure", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await bo.leave();
    await ann.hears(Types.PEER_LEFT);
    await ann.sees(ann);
  });
});

describe("a quiet socket", () => {
  test("is kept: every ping is answered", async (t) => {
    globalThis.window.HMS = { PING_TIMEOUT: 1_000, PING_INTERVAL: 50 };
    t.after(() => delete globalThis.window.HMS);
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await pause(2_500);
    for (const client of [ann, bo]) assert.deepEqual([client.told(Types.RECONNECTING).length, client.sockets], [0, 1]);
  });
});

describe("what is not served", () => {
  test("is refused at once", async () => {
    const { ann } = await house.gathers({ ann: "moderator" });
    const since = Date.now();
    await refused(ann.actions.startHLSStreaming(), 404, /unknown method/);
    await refused(ann.actions.startRTMPOrRecording({ meetingURL: "https://app.example.com", record: true }), 404, /unknown method/);
    await refused(ann.actions.startTranscription({ mode: "caption" }), 404, /unknown method/);
    await refused(ann.actions.interactivityCenter.createPoll({ id: "poll", title: "Tea?", type: "poll" }), 404, /unknown method/);
    assert.ok(Date.now() - since < AT_ONCE_MS, "nothing was tried again");
  });
});

describe("who is not let in", () => {
  const now = Math.floor(Date.now() / 1000);
  const good = (more = {}) => ({ room_id: fresh(), user_id: "eve", role: "moderator", ...more });
  const forged = (claims) => `${token(claims).split(".").slice(0, 2).join(".")}.${sign({}).split(".")[2]}`;
  for (const [what, code, authToken] of [
    ["whose token has expired", 401, () => token(good({ iat: now - 7_200, exp: now - 3_600 }))],
    ["whose token is not valid yet", 401, () => token(good({ nbf: now + 3_600 }))],
    ["whose token somebody else signed", 401, () => forged(good())],
    ["whose token is another app's", 401, () => token(good({ access_key: "somebody-else" }))],
    ["whose token is for the server", 401, () => token(good({ type: "management" }))],
    ["whose role there is not", 400, () => token(good({ role: "nobody-knows" }))],
    ["whose token names no role", 400, () => token(good({ role: undefined }))],
    ["whose token names no room", 400, () => token(good({ room_id: undefined }))],
    ["whose call type there is not", 400, () => token(good({ room_id: "nowhere:x" }))],
    ["whose role has no place left", 403, async () => {
      const room = fresh();
      await house.joins("ann", room, "moderator");
      await house.joins("bo", room, "caster");
      return token(good({ room_id: room, role: "caster" }));
    }],
    ["who is blocked", 403, async () => {
      const room = fresh();
      await house.joins("ann", room, "moderator");
      await house.backEnd(room, "blockUser", { userId: "eve" });
      return token(good({ room_id: room, role: "guest" }));
    }],
  ]) {
    test(`${what} is told at once`, async () => {
      const eve = house.stranger("eve");
      const config = { authToken: await authToken(), initEndpoint: house.initEndpoint };
      const since = Date.now();
      await assert.rejects(eve.join(config), (error) => {
        assert.ok(error.code === code, `${error.code} ${error.description}`);
        assert.ok(error.description.length > 5, error.description);
        return true;
      });
      assert.ok(Date.now() - since < AT_ONCE_MS, "no hanging");
      await eve.until(() => eve.get(select.selectRoomState) === "Disconnected", "is out");
      await eve.join(house.config("eve", fresh(), "moderator"));
    });
  }

  test("nobody takes another's seat by his peer id", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    const { endpoint } = await (await fetch(`${house.url}/init`, { headers: { authorization: `Bearer ${house.config("eve", room, "guest").authToken}` } })).json();
    const url = new URL(endpoint);
    url.search = String(new URLSearchParams({ peer: ann.id, token: house.config("eve", room, "guest").authToken, protocol_version: "2.5", protocol_spec: "20250115" }));
    const socket = new WebSocket(url);
    const frames = [];
    socket.on("message", (frame) => frames.push(JSON.parse(frame)));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: "1", method: "role-change-request", params: { requested_for: bo.id, role: "moderator", force: true } }));
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: "2", method: "join", params: { name: "eve", data: "" } }));
    await Promise.race([closed, until(() => frames.some(({ id }) => id === "2"), "an answer")]);
    for (const { id, error } of frames.filter((frame) => frame.id)) assert.ok(error?.code >= 400 && error.code < 500, `${id} was not refused`);
    assert.ok(!frames.some(({ method }) => method === "peer-list"), "the room is not shown");
    socket.terminate();
    await settled(ann, bo);
    assert.deepEqual([ann.names, ann.peer(ann).roleName, bo.role], [["ann", "bo"], "moderator", "listener"]);
    assert.equal(ann.told(Types.RECONNECTING, Types.ERROR).length, 0);
  });

  test("nobody asks anything before he has joined", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    const { authToken } = house.config("eve", room, "moderator");
    const { endpoint } = await (await fetch(`${house.url}/init`, { headers: { authorization: `Bearer ${authToken}` } })).json();
    const url = new URL(endpoint);
    url.search = String(new URLSearchParams({ peer: "eve-has-not-joined", token: authToken }));
    const socket = new WebSocket(url);
    const frames = [];
    socket.on("message", (frame) => frames.push(JSON.parse(frame)));
    await new Promise((resolve) => socket.once("open", resolve));
    socket.send(JSON.stringify({ id: "1", method: "peer-leave-request", params: { requested_for: bo.id, reason: "" } }));
    const { error } = await until(() => frames.find(({ id }) => id === "1"), "an answer");
    assert.ok(error.code >= 400 && error.code < 500);
    socket.terminate();
    await settled(ann, bo);
    assert.deepEqual(ann.names, ["ann", "bo"]);
  });
});

describe("GET /init", () => {
  test("answers pages of this machine, errors too", async () => {
    const origin = "http://localhost:3000";
    const preflight = await fetch(`${house.url}/init?peer_id=x`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization" } });
    assert.ok(preflight.ok, String(preflight.status));
    assert.ok(["*", origin].includes(preflight.headers.get("access-control-allow-origin")));
    assert.match(preflight.headers.get("access-control-allow-headers"), /authorization/i);
    const { authToken } = house.config("ann", fresh(), "moderator");
    const told = await fetch(`${house.url}/init?peer_id=x`, { headers: { origin, authorization: `Bearer ${authToken}` } });
    const body = await told.json();
    assert.equal(told.status, 200);
    assert.ok(["*", origin].includes(told.headers.get("access-control-allow-origin")));
    assert.match(body.endpoint, /^ws:\/\/127\.0\.0\.1:\d+\//);
    const behindTls = await fetch(`${house.url}/init`, { headers: { authorization: `Bearer ${authToken}`, "x-forwarded-proto": "https" } });
    assert.match((await behindTls.json()).endpoint, /^wss:/);
    assert.ok(["nonWebRTCDisableOffer", "onDemandTracks"].every((flag) => body.config.enabledFlags.includes(flag)));
    for (const headers of [{}, { authorization: "Bearer a.b.c" }, { authorization: "nonsense" }]) {
      const no = await fetch(`${house.url}/init`, { headers: { origin, ...headers } });
      const error = await no.json();
      assert.deepEqual([no.status, error.code], [401, 401]);
      assert.ok(error.message.length > 5);
      assert.ok(["*", origin].includes(no.headers.get("access-control-allow-origin")));
    }
  });

  test("tells pages of other origins why they may not, in words they can read", async (t) => {
    const origin = "https://app.example.com";
    const headers = { origin, authorization: `Bearer ${house.config("ann", fresh(), "moderator").authToken}` };
    const no = await fetch(`${house.url}/init`, { headers });
    assert.deepEqual([no.status, no.headers.get("access-control-allow-origin")], [403, origin]);
    assert.match((await no.json()).message, /allowed_origins/);
    const open = await openHouse(`allowed_origins = ["${origin}"]\n`);
    t.after(() => open.close());
    const yes = await fetch(`${open.url}/init`, { headers });
    assert.deepEqual([yes.status, yes.headers.get("access-control-allow-origin")], [200, origin]);
  });
});
