/**
 * @file Two clients walk over a real server while a proxy cuts their sockets at random bytes; a third, whose socket holds,
 * hears what was told. Set ROLECALL_BIN or ROLECALL_URL; ROLECALL_CHAOS names the seeds of the walks, for example `7,8,9`.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { Rolecall } from "../rolecall.js";
import { cuttingProxy } from "./cutting-proxy.js";
import { pause, seeded, until } from "./harness.js";
import { NO_SERVER, realServer, sign } from "./real-server.js";

const SEEDS = (process.env.ROLECALL_CHAOS ?? "1,2,3").split(",").map(Number);
const STEPS = 160;
/** Calls waiting for a socket at most: sent at once on the next one, they stay within the server's rate. */
const OPEN_MAX = 100;
const ROLES = ["attendee", "waiting", "host"];
/** Notices which every holder of `update-call-permissions` is told alike. */
const TOLD_ALIKE = new Set([
  "participant-joined", "participant-updated", "participant-left", "ROLE_UPDATED", "counts-updated", "room-updated",
  "permission-request", "permission-request-answered",
]);

/** @typedef {{ method: string, params: any }} Notice */

describe("a socket cut at random bytes, over a real server", { skip: NO_SERVER }, () => {
  /** @type {Awaited<ReturnType<typeof realServer>>} */
  let server;
  before(async () => { server = await realServer(); });
  after(() => server?.stop());

  for (const seed of SEEDS) {
    test(`nothing is lost, doubled or left open (seed ${seed})`, { timeout: 120_000 }, async (t) => {
      const random = seeded(seed);
      const proxy = await cuttingProxy(server.url, random);
      t.after(proxy.stop);
      const room = `lobby:chaos-${randomUUID()}`;
      /** @type {string[]} */
      const doubled = [];
      const at = (/** @type {string} */ url, /** @type {string} */ user, /** @type {object} */ claims) => new Rolecall({
        url, room, token: sign({ user_id: user, name: user, ...claims }), WebSocket: socketsOf(user, doubled), callTimeout: 30_000, reconnect: { baseDelay: 1, maxDelay: 20 },
      });
      const witness = at(server.url, "witness", { room, is_owner: true });
      const owner = at(proxy.url, "owner", { room, is_owner: true });
      const bo = at(proxy.url, "bo", {});
      const all = [witness, owner, bo];
      t.after(() => Promise.all(all.map((client) => client.leave())));
      const heard = new Map(all.map((client) => [client, earOf(client)]));
      for (const client of all) await client.connect();
      proxy.rage();

      /** @type {{ call: Promise<any>, method: string, mark: string }[]} */
      const calls = [];
      let open = 0;
      /** @type {Promise<any>[]} */
      const looks = [];
      for (const client of [owner, bo]) {
        client.on("resumed", () => void looks.push(client.refreshState()));
      }
      const say = (/** @type {Rolecall} */ client, /** @type {string} */ method, /** @type {object} */ params, mark = "") => {
        if (open >= OPEN_MAX) return;
        open += 1;
        const call = client.call(method, params).then((result) => ({ result }), (error) => ({ error })).finally(() => (open -= 1));
        calls.push({ call, method, mark });
      };
      answerBy(bo, owner, say, random);

      const resumes = (/** @type {Rolecall} */ client) => /** @type {Ear} */ (heard.get(client)).resumed.length;
      for (let step = 0; step < STEPS || proxy.cuts < 50 || Math.min(resumes(owner), resumes(bo)) < 10; step += 1) {
        assert.ok(step < 20 * STEPS, "both lose their sockets again and again");
        await pause(random() * 14);
        walk(step, { owner, bo, say, random });
      }
      proxy.relent();
      await until(() => [owner, bo].every((client) => client.state === "joined"), "the way back");
      const outcomes = await Promise.all(calls.map(async ({ call, method, mark }) => ({ ...(await call), method, mark })));
      await Promise.all(looks);
      for (let round = 0; round < 3; round += 1) await Promise.all(all.map((client) => client.ping()));

      assert.deepEqual(doubled, [], "the server itself repeats nothing");
      for (const { error, method } of outcomes) {
        assert.ok(!error || error.code >= 400, `\`${method}\` settles by the server's word, not by ${error?.reason}`);
      }
      for (const client of all) {
        const ear = /** @type {Ear} */ (heard.get(client));
        const name = client.self?.userId;
        assert.deepEqual(ear.wrongs, [], `${name} hears nothing strange`);
        assert.deepEqual(ear.resumed.filter((resumed) => !resumed), [], `${name} is told every notice missed, not the state anew`);
        const seen = sorted(client.participants.values());
        const requests = JSON.stringify(idsOf(client.requests));
        const truth = await client.refreshState();
        assert.deepEqual(seen, sorted(truth.participants), `${name} sees what the server shows`);
        assert.equal(requests, JSON.stringify(idsOf(truth.requests)), `${name} knows the requests that wait`);
        assert.deepEqual(sorted(ear.mirror.values()), seen, `${name}'s events add up to the same`);
      }

      // Told alike: the owner, through all the cuts, heard what the witness heard, once and in order.
      const since = /** @type {Ear} */ (heard.get(owner)).joinedAt;
      const alike = (/** @type {Rolecall} */ client) => /** @type {Ear} */ (heard.get(client)).notices
        .filter(({ method, params }) => TOLD_ALIKE.has(method) && params.seq > since)
        .map(({ method, params }) => ({ method, ...params }));
      assert.deepEqual(alike(owner), alike(witness));
      assert.ok(alike(owner).length > STEPS / 4, "there was much to hear");

      // Done once: each mark that the server took was heard by the witness exactly once, and those refused never.
      const { notices } = /** @type {Ear} */ (heard.get(witness));
      const marks = notices.flatMap(({ method, params }) => {
        if (method === "app-message") return [params.data.mark];
        return method === "participant-updated" && params.changed.includes("metadata") ? [params.participant.metadata.mark] : [];
      });
      assert.deepEqual(marks.sort(), outcomes.filter(({ mark, error }) => mark && !error).map(({ mark }) => mark).sort());

      // Every offer that was made is answered to its asker once.
      const made = new Set(outcomes.flatMap(({ result }) => (result?.requestId && result.expiresAt ? [result.requestId] : [])));
      const answered = /** @type {Ear} */ (heard.get(owner)).notices.filter(({ method }) => method === "role-change-answered").map(({ params }) => params.requestId);
      const waiting = new Set(owner.requests.role.map(({ requestId }) => requestId));
      assert.deepEqual(answered.sort(), [...made].filter((requestId) => !waiting.has(requestId)).sort());
    });
  }
});

/**
 * A class of sockets that look at each frame before the client can drop a repeated one.
 * @param {string} user
 * @param {string[]} doubled
 */
function socketsOf(user, doubled) {
  let seq = 0;
  return class extends WebSocket {
    /** @param {string} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      this.on("message", (data) => {
        const { method, params } = JSON.parse(String(data));
        if (typeof params?.seq !== "number") return;
        if (params.seq <= seq) doubled.push(`${user}: ${method} of ${params.seq} after ${seq}`);
        seq = params.seq;
      });
    }
  };
}

/** @typedef {{ notices: Notice[], resumed: boolean[], wrongs: string[], joinedAt: number, mirror: Map<string, any> }} Ear */

/** All that a client hears, and a map kept by nothing but its events. @param {Rolecall} client @returns {Ear} */
function earOf(client) {
  /** @type {Ear} */
  const ear = { notices: [], resumed: [], wrongs: [], joinedAt: 0, mirror: new Map() };
  let seq = 0;
  client.on("notice", (notice) => {
    ear.notices.push(notice);
    if (typeof notice.params.seq !== "number") return;
    if (notice.params.seq <= seq) ear.wrongs.push(`${notice.method} of ${notice.params.seq} after ${seq}`);
    seq = notice.params.seq;
  });
  client.on("joined", (reply) => {
    if (ear.joinedAt) ear.wrongs.push("joined anew");
    ear.joinedAt = seq = reply.seq;
    for (const participant of reply.participants) ear.mirror.set(participant.peerId, participant);
  });
  client.on("resumed", ({ resumed }) => ear.resumed.push(resumed));
  client.on("error", ({ error, event }) => ear.wrongs.push(`${event}: ${error}`));
  const known = (/** @type {string} */ name, /** @type {any} */ { synthesized, peerId, seq: at }, should = true, id = peerId) => {
    if (synthesized) ear.wrongs.push(`${name} found by \`state\` only`);
    if (ear.mirror.has(id) !== should) ear.wrongs.push(`${name} of ${id}, at ${at}, who was ${should ? "not " : ""}there`);
  };
  client.on("participant-joined", (params) => {
    known("participant-joined", params, false, params.participant.peerId);
    ear.mirror.set(params.participant.peerId, params.participant);
  });
  client.on("participant-updated", (params) => {
    known("participant-updated", params, true, params.participant.peerId);
    ear.mirror.set(params.participant.peerId, params.participant);
  });
  client.on("participant-left", (params) => {
    known("participant-left", params);
    ear.mirror.delete(params.peerId);
  });
  client.on("counts-updated", ({ synthesized }) => void (synthesized && ear.wrongs.push("counts found by `state` only")));
  return ear;
}

/**
 * Bo answers offers, the owner answers requests, each in his own time.
 * @param {Rolecall} bo
 * @param {Rolecall} owner
 * @param {(client: Rolecall, method: string, params: object) => void} say
 * @param {() => number} random
 */
function answerBy(bo, owner, say, random) {
  bo.on("role-change-request", ({ request: { requestId } }) => {
    const draw = random();
    if (draw < 0.4) say(bo, "acceptChangeRole", { requestId });
    else if (draw < 0.7) say(bo, "rejectChangeRole", { requestId, reason: "not now" });
  });
  owner.on("permission-request", ({ requestId }) => {
    if (random() < 0.8) say(owner, "answerPermissionRequest", { requestId, grant: random() < 0.5 });
  });
}

/**
 * One step of the walk.
 * @param {number} step
 * @param {{ owner: Rolecall, bo: Rolecall, say: (client: Rolecall, method: string, params: object, mark?: string) => void, random: () => number }} cast
 */
function walk(step, { owner, bo, say, random }) {
  const draw = random();
  const peerId = bo.peerId;
  const mark = `m${String(step).padStart(5, "0")}`;
  const client = random() < 0.5 ? owner : bo;
  if (draw < 0.14) say(client, "setMetadata", { metadata: { mark } }, mark);
  else if (draw < 0.26) say(client, "sendMessage", { data: { mark } }, mark);
  else if (draw < 0.4) say(owner, "changeRoleOfPeer", { peerId, role: ROLES[Math.floor(random() * ROLES.length)], force: random() < 0.5 });
  else if (draw < 0.5) say(owner, "updateParticipant", { peerId, updatePermissions: { hasPresence: random() < 0.6 } });
  else if (draw < 0.58) say(owner, "updateParticipant", { peerId, updatePermissions: { canSend: random() < 0.7 ? ["audio", "video"] : [] } });
  else if (draw < 0.72) say(bo, "setTracks", { audio: random() < 0.7, video: random() < 0.3 });
  else if (draw < 0.8) say(bo, "requestPermissions", { permissions: [random() < 0.5 ? "send-audio" : "presence"] });
  else if (draw < 0.86) say(owner, "mute", { peerId, tracks: ["audio"] });
  else if (draw < 0.93) say(client, "raiseHand", { raised: random() < 0.5 });
  else say(client, "explain", { capability: "send-audio" });
}

/** @param {Iterable<any>} participants */
function sorted(participants) {
  return [...participants].sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
}

/** @param {import("../wire.js").Requests} requests */
function idsOf({ role, permission }) {
  return [role, permission].map((list) => list.map(({ requestId }) => requestId).sort());
}
