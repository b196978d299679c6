/**
 * @file Three clients walk over a real server while a proxy cuts their sockets at any byte, 200 times; two more, whose
 * sockets hold, hear what was told. Set ROLECALL_BIN or ROLECALL_URL; ROLECALL_CHAOS names the seeds, for example `7,8,9`.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { connect, Rolecall, RolecallError } from "../rolecall.js";
import { cuttingProxy } from "./cutting-proxy.js";
import { Ear } from "./ear.js";
import { pause, seeded, until } from "./harness.js";
import { NO_SERVER, realServer, sign } from "./real-server.js";
import { answer, ASKING, walk } from "./walk.js";

const SEEDS = (process.env.ROLECALL_CHAOS ?? "1").split(",").map(Number);
const CUTS = 200;
/** A walk that comes this far has stopped losing sockets. */
const STEPS_MAX = 20_000;
/** Calls waiting for a socket at most: sent at once on the next one, they leave it bytes to live on. */
const OPEN_MAX = 20;
/** Notices that a client may be behind; beyond it nothing new happens, or he would lose more with each socket than he is told on it. */
const BEHIND_MAX = 100;
/** A walk goes on until the server took more marks than this. */
const TAKEN_MIN = 20;
/** Every so many steps a visitor comes and goes through the proxy. */
const VISIT_EVERY = 40;
/** Notices which peers with the same rights are told alike. */
const TOLD_ALIKE = new Set(["participant-joined", "participant-updated", "participant-left", "ROLE_UPDATED", "counts-updated", "room-updated"]);
/** Notices which every holder of `update-call-permissions` is told besides. */
const HOLDERS_TOLD = new Set([...TOLD_ALIKE, "permission-request", "permission-request-answered"]);

/** @typedef {{ client: Rolecall, ear: Ear, name: string }} Actor */
/** @typedef {{ result?: any, error?: any, method: string, mark: string }} Outcome */

/**
 * The walk: an owner and an attendee who are cut, each beside one with the same rights whose socket holds, and bo, who is cut and whose rights change.
 * @param {import("node:test").TestContext} t
 * @param {string} url
 * @param {number} seed
 * @param {{ cuts: number, rebuilds?: boolean }} options
 */
async function survive(t, url, seed, { cuts, rebuilds = false }) {
  const random = seeded(seed);
  const proxy = await cuttingProxy(url, random);
  t.after(proxy.stop);
  const room = `lobby:chaos-${randomUUID()}`;
  /** @returns {Actor} */
  const actor = (/** @type {string} */ name, /** @type {string} */ at, /** @type {object} */ claims) => {
    const ear = new Ear({ rebuilds });
    const token = sign({ user_id: name, name, ...claims });
    const client = new Rolecall({ url: at, room, token, WebSocket: ear.WebSocket, callTimeout: 30_000, reconnect: { baseDelay: 1, maxDelay: 20 } });
    return { client, ear: ear.of(client), name };
  };
  const ownership = { room, is_owner: true };
  const attending = { room, role: "attendee" };
  const cast = {
    witness: actor("witness", url, ownership),
    twin: actor("twin", url, attending),
    owner: actor("owner", proxy.url, ownership),
    bo: actor("bo", proxy.url, {}),
    cy: actor("cy", proxy.url, attending),
  };
  const all = Object.values(cast);
  const cut = [cast.owner, cast.bo, cast.cy];
  const [owner, bo, cy] = /** @type {[Rolecall, Rolecall, Rolecall]} */ (cut.map(({ client }) => client));
  t.after(() => Promise.all(all.map(({ client }) => client.leave())));
  for (const { client } of all) await client.connect();
  proxy.rage();

  /** @type {Promise<Outcome>[]} */
  const calls = [];
  let open = 0;
  let taken = 0;
  const say = (/** @type {Rolecall} */ client, /** @type {string} */ method, /** @type {object} */ params, mark = "") => {
    if (open >= OPEN_MAX) return;
    const asks = ASKING.has(method) ? 1 : 0;
    const { ear } = /** @type {Actor} */ (all.find((actor) => actor.client === client));
    open += 1;
    ear.asking += asks;
    // The count goes down with the reply, before the next frame is heard.
    calls.push(settled(client.call(method, params), method, mark).then((outcome) => {
      open -= 1;
      ear.asking -= asks;
      if (mark && !outcome.error) taken += 1;
      return outcome;
    }));
  };
  answer({ owner, bo, say, random });
  for (const { client, ear } of cut) client.on("resumed", () => calls.push(settled(ear.look(), "state")));
  /** @type {Promise<Outcome>[]} */
  const visits = [];
  const visit = async (/** @type {string} */ name) => {
    const guest = await connect({ url: proxy.url, room, token: sign({ user_id: name, name, ...attending }), WebSocket, callTimeout: 30_000, reconnect: { baseDelay: 1, maxDelay: 20 } });
    await guest.raiseHand().finally(() => guest.leave());
  };

  const resumes = () => cut.reduce((sum, { ear }) => sum + ear.resumed.length, 0);
  let steps = 0;
  for (; proxy.cuts < cuts || resumes() < cuts || taken <= TAKEN_MIN; steps += 1) {
    assert.ok(steps < STEPS_MAX, "all lose their sockets again and again");
    await pause(random() * 14);
    if (cut.some(({ client }) => cast.witness.client.seq - client.seq > BEHIND_MAX)) continue;
    walk(steps, { owner, bo, cy, say, random });
    if (steps % VISIT_EVERY === 0) visits.push(settled(visit(`visitor-${steps}`), "visit"));
  }
  const { places } = proxy;
  proxy.relent();
  await until(() => cut.every(({ client }) => client.state === "joined"), "the way back");
  const outcomes = await Promise.all(calls);
  await Promise.all(visits);
  // Everybody is compared once more, with nothing under way.
  for (const { client } of all) await client.refreshState();
  t.diagnostic(`seed ${seed}: ${proxy.cuts} cuts in ${steps} steps (${Object.entries(places).map((place) => place.join(" ")).join(", ")}), ${resumes()} resumes, ${cut.map(({ ear }) => `${ear.looks}/${ear.requestLooks}`)} looks, ${outcomes.length} calls, ${visits.length} visits`);
  return { ...cast, all, cut, outcomes, visits: await Promise.all(visits), places, proxy };
}

/** @param {Promise<any>} promise @param {string} method @param {string} [mark] @returns {Promise<Outcome>} */
function settled(promise, method, mark = "") {
  return promise.then((result) => ({ result, method, mark }), (error) => ({ error, method, mark }));
}

/** @param {Actor} actor @param {Set<string>} told @param {number} [since] */
function heard({ ear }, told, since = 0) {
  return ear.notices.filter(({ method, params }) => told.has(method) && params.seq > since).map(({ method, params }) => ({ method, ...params }));
}

/** Marks that arrived at somebody who hears them all. @param {Actor} actor */
function marksOf({ ear }) {
  return ear.notices.flatMap(({ method, params }) => {
    if (method === "app-message") return [params.data.mark];
    return method === "participant-updated" && params.changed.includes("metadata") ? [params.participant.metadata.mark] : [];
  });
}

/** @param {Awaited<ReturnType<typeof survive>>} walked */
function assertWhole({ all, cut, outcomes, visits, witness }) {
  for (const { ear, name } of all) assert.deepEqual(ear.verdict(), [], `${name} hears nothing strange`);
  // A resume whose socket is cut again before the server's `state` is here is compared behind the next one.
  for (const { ear, name } of cut) assert.ok(ear.looks > ear.resumed.length / 4, `${name}'s view was compared after the resumes`);
  for (const { error, method } of outcomes) {
    if (error) assert.ok(error instanceof RolecallError && error.code >= 400, `\`${method}\` settles by the server's word, not by ${error}`);
  }
  for (const { error } of visits) if (error) assert.ok(error instanceof RolecallError, `a visit ends by a RolecallError, not by ${error}`);
  // Done once: each mark that the server took was heard by the witness exactly once, and those refused never.
  const taken = outcomes.filter(({ mark, error }) => mark && !error).map(({ mark }) => mark);
  assert.ok(taken.length > TAKEN_MIN, "there was much to hear");
  assert.deepEqual(marksOf(witness).sort(), taken.sort());
}

describe("a socket cut at any byte, over a real server", { skip: NO_SERVER }, () => {
  /** @type {Awaited<ReturnType<typeof realServer>>} */
  let server;
  before(async () => { server = await realServer(); });
  after(() => server?.stop());

  for (const seed of SEEDS) {
    test(`nothing is lost, doubled or left open (seed ${seed})`, { timeout: 120_000 }, async (t) => {
      const walked = await survive(t, server.url, seed, { cuts: CUTS });
      const { owner, witness, cy, twin, bo, cut, outcomes, places, proxy } = walked;
      assertWhole(walked);
      for (const [place, count] of Object.entries(places)) assert.ok(count > 0, `some cuts are in place \`${place}\``);

      // Who was cut heard what somebody with the same rights heard, once and in order.
      assert.deepEqual(heard(owner, HOLDERS_TOLD), heard(witness, HOLDERS_TOLD, owner.ear.joinedAt));
      assert.deepEqual(heard(cy, TOLD_ALIKE), heard(twin, TOLD_ALIKE, cy.ear.joinedAt));
      assert.ok(heard(cy, TOLD_ALIKE).length > CUTS, "there was much to hear");

      // Every offer that was made is answered to its asker once.
      const made = new Set(outcomes.flatMap(({ result }) => (result?.requestId && result.expiresAt ? [result.requestId] : [])));
      const answered = owner.ear.notices.filter(({ method }) => method === "role-change-answered").map(({ params }) => params.requestId);
      const waiting = new Set(owner.client.requests.role.map(({ requestId }) => requestId));
      assert.deepEqual(answered.sort(), [...made].filter((requestId) => !waiting.has(requestId)).sort());

      // Leaving in the midst of it settles everything, too.
      proxy.rage();
      const last = [owner, bo, cy].flatMap(({ client }) => Array.from({ length: 20 }, (_, n) => settled(client.setMetadata({ mark: `last-${n}` }), "setMetadata")));
      await Promise.all(cut.map(({ client }) => client.leave()));
      for (const { error } of await Promise.all(last)) if (error) assert.ok(error instanceof RolecallError, `a call at the end settles by a RolecallError, not by ${error}`);
      for (const { client } of cut) assert.equal(client.state, "closed");
    });
  }
});

describe("a socket cut at any byte, over a server that forgets", { skip: process.env.ROLECALL_BIN ? false : "set ROLECALL_BIN: it needs a server with settings of its own" }, () => {
  test("the view is rebuilt, and its differences told", { timeout: 120_000 }, async (t) => {
    const server = await realServer("[limits]\nnotices_kept = 4\n");
    t.after(() => server.stop());
    const walked = await survive(t, server.url, Number(SEEDS[0]), { cuts: 40, rebuilds: true });
    assertWhole(walked);
    const resumes = walked.cut.flatMap(({ ear }) => ear.resumed);
    for (const kind of [true, false]) assert.ok(resumes.includes(kind), `some resumes are \`${kind}\``);
  });
});
