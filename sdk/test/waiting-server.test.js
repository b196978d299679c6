/** @file Who is let in by a real server: knocking and answering with the native client, the lobby and the doors of Daily's. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import Daily from "../daily.js";
import { connect, Rolecall } from "../rolecall.js";
import { next, pause, until } from "./harness.js";
import { asBackEnd, NO_SERVER, realServer, sign } from "./real-server.js";

const KNOCKING = { private: true, knocking: true };

describe("who is let in by a real server", { skip: NO_SERVER }, () => {
  /** @type {Awaited<ReturnType<typeof realServer>>} */
  let server;
  before(async () => { server = await realServer(); });
  after(() => server?.stop());

  /**
   * A room of its own with an owner in it, and rules on who is let in.
   * @param {import("node:test").TestContext} t
   * @param {object} admission
   */
  async function house(t, admission) {
    const room = `daily:door-${randomUUID()}`;
    const token = sign({ user_id: "ann", name: "Ann", room, is_owner: true });
    const owner = await connect({ url: server.url, room, token, WebSocket });
    t.after(() => owner.leave());
    const rule = (/** @type {object} */ more) => asBackEnd(server.url, room, "setAdmission", more);
    await rule(admission);
    return { room, owner, rule };
  }

  describe("the native client", () => {
    /** @param {import("node:test").TestContext} t @param {string} room @param {Partial<import("../rolecall.js").Options>} [options] */
    async function stranger(t, room, options = {}) {
      const guest = new Rolecall({ url: server.url, room, name: "Bo", knock: true, WebSocket, reconnect: { baseDelay: 5, maxDelay: 50 }, ...options });
      t.after(() => guest.leave());
      const waits = next(guest, "waiting");
      const connected = guest.connect();
      connected.catch(() => {});
      return { guest, connected, ...(await waits) };
    }

    test("knocks, is seen by who may answer and nobody else, and comes in as who he was at the door", async (t) => {
      const { room, owner } = await house(t, KNOCKING);
      const cy = await connect({ url: server.url, room, token: sign({ user_id: "cy", room }), WebSocket });
      t.after(() => cy.leave());
      await assert.rejects(connect({ url: server.url, room, WebSocket }), { code: 403, reason: "private", data: { reason: "private", knocking: true } });
      const seen = next(owner, "waiting-updated");
      const { guest, connected, waitingId } = await stranger(t, room, { metadata: { seat: 3 } });
      const { waiting } = await seen;
      assert.deepEqual([waiting.waitingId, waiting.name], [waitingId, "Bo"]);
      assert.ok(!Number.isNaN(Date.parse(waiting.since)));
      assert.deepEqual(owner.requests.waiting, [waiting]);
      assert.deepEqual((await owner.refreshState()).requests.waiting, [waiting]);
      assert.deepEqual([cy.requests.waiting, (await cy.refreshState()).requests.waiting], [[], []]);
      await assert.rejects(cy.answerWaiting(waiting, true), { code: 403, reason: "not-allowed" });
      await assert.rejects(owner.answerWaiting("nobody", true), { code: 404, reason: "unknown-waiting" });
      const left = next(owner, "waiting-left");
      await owner.answerWaiting(waiting, true);
      const { outcome, by } = await left;
      assert.deepEqual([outcome, by], ["admitted", owner.peerId]);
      await connected;
      assert.deepEqual([guest.peerId, guest.self?.name, guest.self?.metadata, guest.state], [waitingId, "Bo", { seat: 3 }, "joined"]);
      for (const one of [owner, cy]) await until(() => one.participants.get(waitingId)?.name === "Bo", "him in the room");
      assert.deepEqual(owner.requests.waiting, []);
      assert.deepEqual((await guest.refreshState()).requests.waiting, []);
    });

    test("is refused, may knock again, and comes in with all the others when the door is opened", async (t) => {
      const { room, owner, rule } = await house(t, KNOCKING);
      const { guest, connected, waitingId } = await stranger(t, room);
      await owner.answerWaiting(waitingId, false);
      await assert.rejects(connected, { code: 403, reason: "refused" });
      assert.equal(guest.state, "closed");
      await until(() => owner.requests.waiting.length === 0, "the empty list");
      const again = next(guest, "waiting");
      const connecting = guest.connect();
      await again;
      const other = await stranger(t, room, { name: "Cy" });
      await until(() => owner.requests.waiting.length === 2, "both");
      await rule({ private: false });
      await Promise.all([connecting, other.connected]);
      await until(() => owner.participants.size === 3, "both in the room");
      assert.deepEqual(owner.requests.waiting, []);
    });

    test("gives up, is lost, and knocks again", async (t) => {
      const { room, owner } = await house(t, KNOCKING);
      const first = await stranger(t, room);
      await until(() => owner.requests.waiting.length === 1, "the knock");
      const left = next(owner, "waiting-left");
      await first.guest.leave();
      assert.equal((await left).outcome, "left");
      await assert.rejects(first.connected, { reason: "closed" });
      /** @type {WebSocket[]} */
      const sockets = [];
      class Kept extends WebSocket {
        /** @param {any} url @param {any} [protocols] */
        constructor(url, protocols) {
          super(url, protocols);
          sockets.push(this);
        }
      }
      const second = await stranger(t, room, { WebSocket: /** @type {any} */ (Kept) });
      const again = next(second.guest, "waiting");
      sockets[0]?.terminate();
      const { waitingId } = await again;
      assert.notEqual(waitingId, second.waitingId);
      await until(() => owner.requests.waiting.map((waiting) => waiting.waitingId).join() === waitingId, "the new knock alone");
      await owner.answerWaiting(waitingId, true);
      await second.connected;
      assert.equal(sockets.length, 2);
    });

    test("waits through the time that joining may take, and its heartbeats are heard", async (t) => {
      const short = await realServer('[limits]\njoin_timeout = "1s"\n');
      t.after(() => short.stop());
      const room = `daily:slow-${randomUUID()}`;
      const owner = await connect({ url: short.url, room, token: sign({ user_id: "ann", room, is_owner: true }), WebSocket });
      t.after(() => owner.leave());
      await asBackEnd(short.url, room, "setAdmission", KNOCKING);
      const guest = new Rolecall({ url: short.url, room, name: "Bo", knock: true, WebSocket, heartbeat: 100 });
      t.after(() => guest.leave());
      /** @type {string[]} */
      const states = [];
      guest.on("state", ({ state }) => void states.push(state));
      const waits = next(guest, "waiting");
      const connected = guest.connect();
      const { waitingId } = await waits;
      await pause(1_600);
      await owner.answerWaiting(waitingId, true);
      await connected;
      assert.deepEqual(states, ["connecting", "waiting", "joined"]);
    });

    test("defaults of the room are what a patch of null goes back to", async (t) => {
      const { room, owner } = await house(t, { permissions: { canSend: ["audio"], canAdmin: [] } });
      const bo = await connect({ url: server.url, room, name: "Bo", WebSocket });
      t.after(() => bo.leave());
      const sends = () => bo.self?.permissions.canSend.join();
      assert.equal(sends(), "audio");
      await owner.updateParticipant(String(bo.peerId), { canSend: ["video"] });
      await until(() => sends() === "video", "the change");
      await owner.updateParticipant(String(bo.peerId), { canSend: null });
      await until(() => sends() === "audio", "the room's default");
    });
  });

  describe("Daily's call object", () => {
    const OFF = { startVideoOff: true, startAudioOff: true };

    /** @param {import("node:test").TestContext} t @param {string} room @param {object} [options] */
    function callTo(t, room, options = {}) {
      const call = Daily.createCallObject({
        allowMultipleCallInstances: true, url: `${server.url}/${room.slice("daily:".length)}`, rolecall: { WebSocket, media: false }, ...OFF, ...options,
      });
      t.after(() => call.destroy());
      /** @type {any[]} */
      const log = [];
      for (const name of /** @type {const} */ (["error", "left-meeting", "access-state-updated", "participant-joined", "waiting-participant-added", "waiting-participant-removed"])) {
        call.on(name, (event) => void log.push(event));
      }
      return { call, log };
    }

    /** An owner in Daily's words. @param {import("node:test").TestContext} t @param {string} room */
    async function admin(t, room) {
      const owner = callTo(t, room, { token: sign({ r: room.slice("daily:".length), ud: "di", u: "Di", o: true }) });
      await owner.call.join();
      return owner;
    }

    test("the lobby, the question, and both answers", async (t) => {
      const { room } = await house(t, KNOCKING);
      const owner = await admin(t, room);
      const bo = callTo(t, room);
      await bo.call.join();
      assert.deepEqual([bo.call.accessState(), Object.keys(bo.call.participants()), bo.call.participantCounts()], [{ access: { level: "lobby" } }, ["local"], { present: 0, hidden: 0 }]);
      assert.deepEqual(owner.call.waitingParticipants(), {});
      const asked = bo.call.requestAccess({ name: "Bo" });
      await until(() => Object.keys(owner.call.waitingParticipants()).length === 1, "the question");
      const [waiting] = Object.values(owner.call.waitingParticipants());
      assert.deepEqual({ ...waiting, id: "" }, { id: "", name: "Bo", awaitingAccess: { level: "full" } });
      const late = await admin(t, room);
      assert.deepEqual(late.call.waitingParticipants(), owner.call.waitingParticipants());
      await owner.call.updateWaitingParticipant(String(waiting?.id), { grantRequestedAccess: true });
      assert.deepEqual(await asked, { access: { level: "full" }, granted: true });
      assert.deepEqual(bo.call.accessState(), { access: { level: "full" } });
      assert.equal(Object.keys(bo.call.participants()).length, 4, "himself, Ann, and Di twice");
      assert.equal(bo.log.filter(({ action }) => action === "participant-joined").length, 3);
      await until(() => owner.call.participants()[String(waiting?.id)]?.user_name === "Bo", "him in the room");
      const cy = callTo(t, room, { userName: "Cy" });
      await cy.call.join();
      const refused = cy.call.requestAccess({ name: "" });
      await until(() => Object.keys(late.call.waitingParticipants()).length === 1, "the other question");
      await late.call.updateWaitingParticipants({ "*": { grantRequestedAccess: false } });
      assert.equal((await refused).granted, false);
      assert.deepEqual(cy.log.slice(-2).map(({ action, error }) => error?.type ?? action), ["not-allowed", "left-meeting"]);
      for (const { log, call } of [owner, late]) {
        await until(() => log.filter(({ action }) => action === "waiting-participant-removed").length === 2, "both gone");
        assert.deepEqual(call.waitingParticipants(), {});
      }
    });

    test("whoever has a token of the room is never in the lobby, and `preAuth` says so before", async (t) => {
      const { room } = await house(t, KNOCKING);
      const name = room.slice("daily:".length);
      const look = async (/** @type {object} */ options) => (await callTo(t, room).call.preAuth({ url: `${server.url}/${name}`, ...options })).access;
      assert.deepEqual(await look({}), { level: "lobby" });
      const token = sign({ r: name, ud: "bo" });
      assert.deepEqual(await look({ token }), { level: "full" });
      await assert.rejects(look({ token: "not.a.token" }), { reason: "bad-token" });
      const { call } = callTo(t, room, { token });
      await call.join();
      assert.deepEqual(call.accessState(), { access: { level: "full" } });
    });

    test("doors that are closed, in Daily's words", async (t) => {
      const { room, rule, owner } = await house(t, {});
      const refused = async (/** @type {object} */ admission) => {
        await rule(admission);
        const { call } = callTo(t, room);
        /** @type {any} */
        const event = await call.join().then(() => null, (error) => error);
        return event?.error.type;
      };
      const [past, future] = [-3_600_000, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
      assert.equal(await refused({ opensAt: future }), "nbf-room");
      assert.equal(await refused({ opensAt: null, closesAt: past }), "exp-room");
      assert.equal(await refused({ closesAt: null, maxPeers: 1 }), "meeting-full");
      assert.equal(await refused({ maxPeers: null, private: true }), "not-allowed");
      assert.deepEqual(await callTo(t, room).call.preAuth({ url: `${server.url}/${room.slice("daily:".length)}` }), { access: { level: "none" } });
      assert.equal(owner.state, "joined", "who is in stays");
      assert.equal(await refused({ private: false }), undefined);
    });

    test("a room that puts everybody out when it closes, and one that has each user once", async (t) => {
      const { room, rule } = await house(t, {});
      const name = room.slice("daily:".length);
      const token = sign({ r: name, ud: "bo" });
      const first = callTo(t, room, { token });
      await first.call.join();
      await rule({ onePerUser: true });
      const second = callTo(t, room, { token });
      await second.call.join();
      await until(() => first.log.some(({ action }) => action === "left-meeting"), "the first one's end");
      assert.equal(first.log.find(({ action }) => action === "error").error.type, "ejected");
      await rule({ closesAt: new Date(Date.now() + 700).toISOString(), ejectAtClose: true });
      await until(() => second.log.some(({ action }) => action === "left-meeting"), "the end");
      const { error } = second.log.find(({ action }) => action === "error");
      assert.deepEqual(error, { type: "exp-room", msg: "The meeting has ended" });
    });

    test("permissions go back to the defaults of the room, and hidden people are listed for who may change them", async (t) => {
      const { room } = await house(t, { permissions: { hasPresence: false, canSend: ["audio"] } });
      const owner = await admin(t, room);
      const bo = callTo(t, room, { userName: "Bo" });
      await bo.call.join();
      const rights = () => bo.call.participants().local.permissions;
      assert.deepEqual([rights().hasPresence, rights().canSend], [false, new Set(["audio"])]);
      assert.deepEqual(owner.call.participants().local.permissions.canSend, true, "of an owner they say nothing");
      const id = bo.call.participants().local.session_id;
      await until(() => owner.call.hiddenParticipants()[id], "him among the hidden");
      assert.deepEqual([owner.call.participants()[id], bo.call.hiddenParticipants()], [undefined, {}]);
      owner.call.updateParticipant(id, { updatePermissions: { hasPresence: true, canSend: true } });
      await until(() => rights().hasPresence && rights().canSend === true, "the change");
      await owner.call.resetPermissions(id);
      await until(() => !rights().hasPresence, "the way back");
      assert.deepEqual(rights().canSend, new Set(["audio"]));
    });
  });
});
