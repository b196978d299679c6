/**
 * @file Walks the main calls over a real server: set ROLECALL_BIN to the program, or ROLECALL_URL to a server that runs,
 * and ROLECALL_OWNER_TOKEN for the room of your choice.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { connect } from "../rolecall.js";
import { next, until } from "./harness.js";
import { NO_SERVER, realServer, sign } from "./real-server.js";

/** @typedef {import("../rolecall.js").Rolecall} Rolecall */

/** @type {Awaited<ReturnType<typeof realServer>>} */
let server;
const ROOM_ID = `sdk-${randomUUID()}`;
const OWNER_TOKEN = process.env.ROLECALL_OWNER_TOKEN ?? sign({ user_id: "sdk-owner", name: "Owner", room: `default:${ROOM_ID}`, is_owner: true });
const ROOM = roomOf(OWNER_TOKEN) ?? `default:${ROOM_ID}`;

/** Remembers its sockets, so that a test can cut one. */
class CuttableSocket extends WebSocket {
  /** @type {CuttableSocket[]} */
  static all = [];
  /** @param {string} url @param {string | string[]} [protocols] */
  constructor(url, protocols) {
    super(url, protocols);
    CuttableSocket.all.push(this);
  }
}

/** @param {string} token @returns {string | undefined} */
function roomOf(token) {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  return claims.room ?? claims.call_cids?.[0];
}

/** @param {string} user @param {object} [options] */
function guest(user, options = {}) {
  return connect({
    url: server.url, room: ROOM, token: sign({ user_id: user, name: user }), WebSocket, reconnect: { baseDelay: 5, maxDelay: 100 }, ...options,
  });
}

/** Waits until one peer sees something of another. @param {Rolecall} room @param {Rolecall} of @param {(seen: import("../rolecall.js").Participant | undefined) => unknown} holds @param {string} what */
function sees(room, of, holds, what) {
  return until(() => holds(room.participants.get(/** @type {string} */ (of.peerId))), what);
}

describe("over a real server", { skip: NO_SERVER }, () => {
  /** @type {Rolecall} */
  let owner;
  /** @type {Rolecall} */
  let bo;
  /** @type {Rolecall} */
  let cy;
  const idOf = (/** @type {Rolecall} */ room) => /** @type {string} */ (room.peerId);

  before(async () => {
    server = await realServer();
    owner = await connect({ url: server.url, room: ROOM, token: OWNER_TOKEN, WebSocket });
    bo = await guest("sdk-bo", { WebSocket: CuttableSocket, metadata: { seat: 1 } });
    cy = await guest("sdk-cy");
  });
  after(async () => {
    await Promise.all([owner, bo, cy].map((room) => room?.leave()));
    await server?.stop();
  });

  test("the three see each other and themselves", async () => {
    for (const room of [owner, bo, cy]) {
      for (const of of [owner, bo, cy]) await sees(room, of, Boolean, "everyone");
      await until(() => room.counts.present >= 3, "the counts");
    }
    assert.equal(owner.self?.owner, true);
    assert.ok(owner.can("update-call-permissions"));
    assert.deepEqual(bo.self?.metadata, { seat: 1 });
    assert.equal(bo.room?.cid, ROOM);
    assert.ok((await bo.ping()).at);
  });

  test("a stranger and a bad token are refused", async () => {
    await assert.rejects(connect({ url: server.url, room: ROOM, token: "not.a.token", WebSocket }), { code: 401, reason: "bad-token" });
    const token = sign({ user_id: "sdk-di", room: "default:elsewhere" });
    await assert.rejects(connect({ url: server.url, room: ROOM, token, WebSocket }), { code: 403, reason: "wrong-room" });
    await assert.rejects(guest("sdk-di", { room: `default:${randomUUID()}`, create: false }), { code: 404, reason: "unknown-room" });
  });

  test("who may not is told what he needs", async () => {
    await assert.rejects(bo.updateParticipant(idOf(cy), { canSend: false }), (/** @type {any} */ error) =>
      error.code === 403 && error.reason === "not-allowed" && error.data.needs === "update-call-permissions");
    await assert.rejects(owner.changeRoleOfPeer("nobody", "host"), { code: 404, reason: "unknown-peer" });
    await assert.rejects(owner.changeRoleOfPeer(idOf(bo), "no-such-role"), { code: 404, reason: "unknown-role" });
    await assert.rejects(owner.call("noSuchCall"), { code: -32601 });
    await assert.rejects(owner.call("raiseHand", { raised: 7 }), { code: -32602 });
  });

  test("a role is asked for, rejected, asked for again, accepted", async () => {
    const former = /** @type {string} */ (bo.self?.role);
    let asked = next(bo, "role-change-request");
    const { requestId } = await owner.changeRoleOfPeer(idOf(bo), "host");
    assert.equal((await asked).request.requestId, requestId);
    for (const room of [owner, bo]) assert.deepEqual(room.requests.role.map((request) => request.requestId), [requestId]);
    assert.deepEqual(cy.requests.role, []);
    const rejected = next(owner, "role-change-answered");
    await bo.rejectChangeRole(/** @type {string} */ (requestId), "not now");
    const { outcome, reason } = await rejected;
    assert.deepEqual([outcome, reason], ["rejected", "not now"]);
    for (const room of [owner, bo]) assert.deepEqual(room.requests.role, []);

    asked = next(bo, "role-change-request");
    await owner.changeRoleOfPeer(idOf(bo), "host");
    const accepted = next(owner, "role-change-answered");
    const updated = next(cy, "ROLE_UPDATED");
    await bo.acceptChangeRole(await asked);
    assert.equal((await accepted).outcome, "accepted");
    const { peerId, from, to, by, forced } = await updated;
    assert.deepEqual({ peerId, from, to, by, forced }, { peerId: idOf(bo), from: former, to: "host", by: idOf(owner), forced: false });
    assert.equal(bo.self?.role, "host");
    assert.equal(cy.participants.get(idOf(bo))?.role, "host");
    for (const room of [owner, bo]) assert.deepEqual(room.requests.role, []);

    await owner.changeRoleOfPeer(idOf(bo), former, { force: true });
    await sees(cy, bo, (seen) => seen?.role === former, "the former role");
  });

  test("a request is cancelled", async () => {
    const asked = next(bo, "role-change-request");
    const { requestId } = await owner.changeRoleOfPeer(idOf(bo), "host");
    await asked;
    const cancelled = next(bo, "role-change-cancelled");
    await owner.cancelChangeRole(/** @type {string} */ (requestId));
    assert.equal((await cancelled).outcome, "cancelled");
    for (const room of [owner, bo]) assert.deepEqual(room.requests.role, []);
    await assert.rejects(bo.acceptChangeRole(/** @type {string} */ (requestId)), { code: 410, reason: "request-gone" });
  });

  test("a lost right blocks the track, a regained one leaves it off", async () => {
    await owner.updateParticipant(idOf(bo), { canSend: ["audio", "video"] });
    await until(() => bo.can("audio"), "the right to send");
    await bo.setTracks({ audio: true });
    await sees(cy, bo, (seen) => seen?.tracks.audio === "on", "the track on");
    await owner.updateParticipant(idOf(bo), { canSend: ["video"] });
    await sees(cy, bo, (seen) => seen?.tracks.audio === "blocked", "the track blocked");
    await assert.rejects(bo.setTracks({ audio: true }), { code: 403, reason: "not-allowed" });
    await owner.updateParticipant(idOf(bo), { canSend: ["audio", "video"] });
    await sees(cy, bo, (seen) => seen?.tracks.audio === "off", "the track off");
    await bo.setTracks({ audio: true });
    assert.equal((await owner.mute({ peerId: idOf(bo), tracks: ["audio"] })).muted, 1);
    await sees(cy, bo, (seen) => seen?.tracks.audio === "off", "the track muted");
  });

  test("whoever is hidden leaves those who may not see him, and no one else", async () => {
    const left = next(cy, "participant-left");
    await owner.updateParticipant(idOf(bo), { hasPresence: false });
    const { peerId, reason } = await left;
    assert.deepEqual({ peerId, reason }, { peerId: idOf(bo), reason: "hidden" });
    assert.ok(!cy.participants.has(idOf(bo)));
    assert.equal(owner.participants.get(idOf(bo))?.permissions.hasPresence, false);
    await until(() => bo.self?.permissions.hasPresence === false, "his own knowing");
    const joined = next(cy, "participant-joined");
    await owner.updateParticipant(idOf(bo), { hasPresence: true });
    assert.equal((await joined).participant.peerId, idOf(bo));
  });

  test("permissions are asked for and granted", async () => {
    await owner.updateParticipant(idOf(bo), { canSend: [] });
    await until(() => !bo.can("send-audio"), "the loss");
    const asked = next(owner, "permission-request");
    const { requestId } = await bo.requestPermissions(["send-audio"]);
    assert.equal((await asked).requestId, requestId);
    for (const room of [owner, bo]) assert.deepEqual(room.requests.permission.map((request) => request.requestId), [requestId]);
    assert.deepEqual(cy.requests.permission, []);
    const answered = next(bo, "permission-request-answered");
    await owner.answerPermissionRequest(await asked, true);
    assert.equal((await answered).granted, true);
    await until(() => bo.can("send-audio"), "the right");
    for (const room of [owner, bo]) assert.deepEqual(room.requests.permission, []);
    const { allowed, because } = await bo.explain({ capability: "send-audio" });
    assert.equal(allowed, true);
    assert.ok(because.length > 0);
  });

  test("names, metadata, hands, messages and signals arrive", async () => {
    await bo.setName("Bodil");
    await bo.setMetadata({ seat: 2 });
    await bo.raiseHand();
    await sees(cy, bo, (seen) => seen?.name === "Bodil" && seen.metadata.seat === 2 && seen.handRaised, "the changes");
    const message = next(cy, "app-message");
    await bo.sendMessage({ hello: "all" });
    const { from, data } = await message;
    assert.deepEqual([from.peerId, data], [idOf(bo), { hello: "all" }]);
    const signal = next(bo, "signal");
    await owner.signal(idOf(bo), { sdp: "…" });
    assert.deepEqual((await signal).data, { sdp: "…" });
  });

  test("who is asked to unmute decides himself", async () => {
    const request = next(bo, "unmute-request");
    assert.deepEqual(await owner.requestUnmute({ peerId: idOf(bo), tracks: ["audio", "screenVideo"] }), { asked: 1 });
    const { from, tracks } = await request;
    assert.deepEqual([from.peerId, tracks, bo.self?.tracks.audio], [idOf(owner), ["audio"], "off"]);
    await bo.setTracks({ audio: true });
    assert.deepEqual(await owner.requestUnmute({ peerId: idOf(bo), tracks: ["audio"] }), { asked: 0 });
    await bo.setTracks({ audio: false });
    await assert.rejects(bo.requestUnmute({ tracks: ["audio"] }), { reason: "not-allowed" });
  });

  test("what one receives is kept, narrowed with the rights of either end, and ended by both", async () => {
    await owner.updateParticipant(idOf(owner), { canSend: true });
    const begun = next(owner, "subscriber-updated");
    const { subscriptionId, tracks } = await bo.call("subscribe", { peerId: idOf(owner), tracks: ["video", "audio"] });
    assert.deepEqual(tracks, ["audio", "video"]);
    assert.deepEqual(bo.subscriptions.receiving, [{ subscriptionId, peerId: idOf(owner), tracks }]);
    assert.equal((await begun).subscriptionId, subscriptionId);
    assert.deepEqual(owner.subscriptions.sending, [{ subscriptionId, tracks }]);
    const signal = next(owner, "subscription-signal");
    await bo.call("signalSubscription", { subscriptionId, data: { sdp: "…" } });
    assert.deepEqual(await signal, { subscriptionId, data: { sdp: "…" } });
    const less = next(bo, "subscription-updated");
    await owner.updateParticipant(idOf(owner), { canSend: ["audio"] });
    assert.deepEqual((await less).tracks, ["audio"]);
    for (const room of [owner, bo, cy]) {
      const { subscriptions } = room;
      assert.deepEqual((await room.refreshState()).subscriptions, subscriptions);
    }
    const over = next(bo, "subscription-updated");
    await owner.call("unsubscribe", { subscriptionId });
    assert.deepEqual((await over).tracks, []);
    assert.deepEqual([bo.subscriptions.receiving, owner.subscriptions.sending], [[], []]);
    assert.ok((await bo.call("media")).meshMax > 0);
    await owner.updateParticipant(idOf(owner), { canSend: null });
  });

  test("session data is changed by whoever is seen, and told to everybody", async () => {
    const told = next(cy, "session-data-updated");
    await bo.setSessionData({ page: 1, topic: "tea" });
    assert.deepEqual(bo.sessionData, { page: 1, topic: "tea" });
    assert.deepEqual((await told).data, { page: 1, topic: "tea" });
    await cy.setSessionData({ page: 2 }, { merge: true, remove: ["topic"] });
    await until(() => owner.sessionData.page === 2 && !("topic" in owner.sessionData), "the change");
    await assert.rejects(() => bo.setSessionData(/** @type {any} */ ([])), { reason: "bad-params" });
    assert.deepEqual(bo.sessionData, { page: 2 });
  });

  test("a cut socket resumes; the state fetched anew holds no surprise", async () => {
    await bo.ping();
    const resumed = next(bo, "resumed");
    CuttableSocket.all.at(-1)?.terminate();
    await next(bo, "reconnecting");
    await Promise.all([cy.raiseHand(true), cy.setName("Cyd"), bo.raiseHand(false)]);
    assert.equal((await resumed).resumed, true);
    await sees(bo, cy, (seen) => seen?.handRaised && seen.name === "Cyd", "what happened meanwhile");
    await sees(cy, bo, (seen) => seen?.connected && !seen.handRaised, "the way back");
    /** @type {string[]} */
    const surprises = [];
    bo.on("notice", ({ method }) => surprises.push(method));
    for (const name of /** @type {const} */ (["participant-joined", "participant-updated", "participant-left"])) {
      bo.on(name, ({ synthesized }) => void (synthesized && surprises.push(name)));
    }
    await bo.refreshState();
    assert.deepEqual(surprises, []);
  });

  test("whoever is removed stays away", async () => {
    const closed = next(cy, "closed");
    const left = next(bo, "participant-left");
    await owner.removePeer(idOf(cy), { reason: "the test says so" });
    const { code, reason, text } = await closed;
    assert.deepEqual([code, reason, text], [4502, "removed", "the test says so"]);
    assert.equal((await left).reason, "removed");
    assert.equal(cy.state, "closed");
  });

  test("the end of the room ends it for everyone", async () => {
    const told = next(bo, "room-ended");
    const closed = [next(bo, "closed"), next(owner, "closed")];
    await owner.endRoom("done").catch((error) => assert.equal(error.reason, "closed"));
    assert.equal((await told).reason, "done");
    for (const { code, text } of await Promise.all(closed)) assert.deepEqual([code, text], [4503, "done"]);
    assert.ok(bo.room?.endedAt);
  });
});
