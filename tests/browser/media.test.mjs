/** @file Live media between real pages over a real server: pixels prove that a right that is lost stops the picture, and that it comes back. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { sign } from "../../sdk/test/real-server.js";
import { startProxy } from "./proxy.mjs";
import { startServer } from "./server.mjs";

const PATIENCE_MS = 20_000;
/** Within this a picture stops. */
const STOP_MS = 1_000;
const MESH_MAX = 3;
const PAGE = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Media</title><body><link rel=\"icon\" href=\"data:,\"><script type=\"module\" src=\"/media-page.js\"></script></body></html>";

let server;
let browser;
let site;
before(async () => {
  [site, server, browser] = await Promise.all([
    openSite(),
    startServer({ ROLECALL_MEDIA_MESH_MAX: String(MESH_MAX) }),
    chromium.launch({
      executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
        "--autoplay-policy=no-user-gesture-required", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    }),
  ]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  site?.close();
});

/** Serves the page, on an origin of its own. */
async function openSite() {
  const script = await readFile(join(import.meta.dirname, "media-page.js"), "utf8");
  const http = createServer((request, response) => {
    const isScript = request.url === "/media-page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html").end(isScript ? script : PAGE);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return http;
}

/** A room where everybody may send and receive everything, pages in it, and the server's word over them. */
function setRoom(t) {
  const cid = `daily:${randomUUID().slice(0, 8)}`;
  const bearer = sign({});
  const people = [];
  t.after(() => Promise.all(people.map(({ page }) => page.close())));

  async function comes(name, { url, token, tampered } = {}) {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(`${name}: ${error.stack}`));
    await page.goto(`http://127.0.0.1:${site.address().port}/?server=${encodeURIComponent(server.origin)}`);
    await page.waitForFunction(() => window.stage);
    const ask = (method, ...words) => page.evaluate(([method, words]) => window.stage[method](...words), [method, words]);
    const peerId = await ask("join", { url, cid, name, token, tampered });
    const person = {
      name, page, peerId, ask, complaints,
      /** Waits until there is a moving picture of somebody. */
      sees: (whom) => until(async () => (await ask("seen", whom.peerId, Date.now() - 400)).some(({ moved }) => moved), `${name} sees ${whom.name}`),
      /** Asserts that the picture of somebody stopped in time and stays away: on the tile, and even for who keeps looking at the track. */
      async seesNoMore(whom, since, places = ["tiles", "witnesses"]) {
        await pause(since + STOP_MS + 700 - Date.now());
        for (const where of places) {
          const late = await ask("seen", whom.peerId, since + STOP_MS, where);
          assert.ok(late.length >= 5, `${name} looked only ${late.length} times`);
          const what = where === "tiles" ? "lit" : "moved";
          assert.deepEqual(late.filter((look) => look[what]), [], `${name} still sees ${whom.name} (${where}) ${STOP_MS} ms after`);
        }
      },
    };
    people.push(person);
    return person;
  }

  /** A call as the server; gives the moment it was made. */
  async function call(method, params) {
    const at = Date.now();
    const answer = await fetch(`${server.origin}/v1/rooms/${cid}/calls`, {
      method: "POST", headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" }, body: JSON.stringify({ method, params }),
    });
    assert.equal(answer.status, 200, await answer.text());
    return at;
  }

  return {
    cid, comes, call,
    allow: (whom, updatePermissions) => call("updateParticipant", { peerId: whom.peerId, updatePermissions }),
    /** Asserts that nobody complained. */
    async calm() {
      for (const { ask, complaints } of people) assert.deepEqual([...complaints, ...(await ask("errors"))], []);
    },
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(ms, 0)));

async function until(holds, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `still waiting: ${what}`);
    await pause(50);
  }
}

test("a picture stops within a second of losing `canSend`, and comes back when the right and the track do", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const bo = await room.comes("Bo");
  await ann.ask("send", ["audio", "video"]);
  await bo.sees(ann);
  assert.equal(await bo.ask("state", ann.peerId), "connected");
  const revoked = await room.allow(ann, { canSend: ["audio"] });
  await bo.seesNoMore(ann, revoked);
  assert.equal(await bo.ask("state", ann.peerId), "connected", "the sound goes on");
  assert.deepEqual((await bo.ask("told")).sort(), ["+audio", "+video", "-video"]);

  await room.allow(ann, { canSend: null });
  await pause(500);
  assert.deepEqual(await bo.ask("told"), [], "a right given back turns nothing on");
  await ann.ask("send", ["video"]);
  await bo.sees(ann);
  const all = await room.allow(ann, { canSend: false });
  await bo.seesNoMore(ann, all);
  await until(async () => (await bo.ask("open")) + (await ann.ask("open")) === 0, "both ends closed");
  await room.calm();
});

test("`canReceive` stops the picture of one receiver and nobody else's, and gives it back", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const bo = await room.comes("Bo");
  const cy = await room.comes("Cy");
  await ann.ask("send");
  await Promise.all([bo.sees(ann), cy.sees(ann)]);
  const revoked = await room.allow(bo, { canReceive: { byParticipantId: { [ann.peerId]: { video: false } } } });
  await bo.seesNoMore(ann, revoked);
  await cy.sees(ann);
  assert.equal(await ann.ask("open"), 1);
  await room.allow(bo, { canReceive: null });
  await bo.sees(ann);
  await room.calm();
});

test("a hidden peer gets the picture, and the sender hears nothing of him", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const shade = await room.comes("Shade", { token: sign({ user_id: "shade-user", room: room.cid, permissions: { hasPresence: false } }) });
  await ann.ask("send");
  await shade.sees(ann);
  const heard = await ann.ask("heard");
  assert.match(heard, /"subscriber-updated"/);
  assert.match(heard, /"subscription-signal"/);
  for (const word of [shade.peerId, "Shade", "shade-user"]) assert.ok(!heard.includes(word), `Ann was told of ${word}`);
  assert.match(heard, /"hidden":1/);
  const hidden = await room.allow(ann, { hasPresence: false });
  await shade.seesNoMore(ann, hidden);
  await room.calm();
});

test("a receiver who keeps his end open gets nothing: the honest sender stops", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const greedy = await room.comes("Greedy", { tampered: true });
  await ann.ask("send");
  await greedy.sees(ann);
  const revoked = await room.allow(ann, { canSend: ["audio"] });
  await greedy.seesNoMore(ann, revoked);
  assert.deepEqual([await greedy.ask("open"), await ann.ask("open")], [1, 0]);
  await room.calm();
});

test("a sender who keeps sending is not shown: the honest receiver stops", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const stubborn = await room.comes("Stubborn", { tampered: true });
  await stubborn.ask("send");
  await ann.sees(stubborn);
  const revoked = await room.allow(stubborn, { canSend: ["audio"] });
  await ann.seesNoMore(stubborn, revoked);
  assert.deepEqual([await stubborn.ask("open"), await ann.ask("open")], [1, 0]);
  await room.calm();
});

test("two ends that both keep on cannot be stopped: no server stands between them", async (t) => {
  const room = setRoom(t);
  const [ann, bo] = [await room.comes("Ann", { tampered: true }), await room.comes("Bo", { tampered: true })];
  await ann.ask("send");
  await bo.sees(ann);
  const revoked = await room.allow(ann, { canSend: false });
  await pause(2 * STOP_MS);
  const late = await bo.ask("seen", ann.peerId, revoked + STOP_MS, "witnesses");
  assert.ok(late.some(({ moved }) => moved), "the witness would have noticed");
  assert.deepEqual(await bo.ask("told"), ["+video", "-video"], "what he is told is true all the same");
});

test("a moderator's mute stops the picture, and leaving closes everything", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const bo = await room.comes("Bo");
  await Promise.all([ann, bo].map(({ ask }) => ask("send", ["audio", "video"])));
  await Promise.all([ann.sees(bo), bo.sees(ann)]);
  const muted = await room.call("mute", { peerId: bo.peerId, tracks: ["video"] });
  await ann.seesNoMore(bo, muted);
  await bo.sees(ann);
  await bo.ask("setTracks", { video: true });
  await ann.sees(bo);

  const left = Date.now();
  await ann.ask("leave");
  await bo.seesNoMore(ann, left);
  assert.deepEqual([await ann.ask("open"), await bo.ask("open")], [0, 0]);
  assert.deepEqual(await ann.ask("camera"), ["ended", "ended"]);
  assert.deepEqual(await bo.ask("camera"), ["live", "live"]);
  assert.equal(await bo.ask("state", ann.peerId), "none");
  const removed = await room.call("removePeer", { peerId: bo.peerId });
  await until(async () => (await bo.ask("camera"))[0] === "ended", "whoever is removed is no longer filmed");
  assert.ok(Date.now() - removed < PATIENCE_MS);
  await room.calm();
});

test("a room over `mesh_max` gets no media, says so once, and gets it again when it has shrunk", async (t) => {
  const room = setRoom(t);
  const ann = await room.comes("Ann");
  const bo = await room.comes("Bo");
  await ann.ask("send");
  await bo.sees(ann);
  await bo.ask("told");
  const grown = Date.now();
  await bo.ask("crowd", room.cid, MESH_MAX - 1);
  await bo.seesNoMore(ann, Math.max(grown, Date.now() - STOP_MS / 2));
  assert.deepEqual(await bo.ask("told"), ["-video", "no-mesh"]);
  assert.deepEqual(await ann.ask("told"), ["no-mesh"]);
  assert.deepEqual([await ann.ask("open"), await bo.ask("open")], [0, 0]);
  const late = await room.comes("Late");
  await pause(500);
  assert.deepEqual(await late.ask("told"), ["no-mesh"]);
  assert.equal(await late.ask("made"), 0);
  await late.ask("leave");
  await bo.ask("disperse");
  await bo.sees(ann);
  assert.deepEqual(await bo.ask("told"), ["available", "+video"]);
  await room.calm();
});

test("the picture goes on while a socket is away; a right lost meanwhile counts at once, and all is well after", async (t) => {
  const room = setRoom(t);
  const proxy = await startProxy(server.origin);
  t.after(() => proxy.stop());
  const ann = await room.comes("Ann");
  const bo = await room.comes("Bo", { url: proxy.origin });
  await ann.ask("send");
  await bo.sees(ann);
  const made = await bo.ask("made");
  proxy.cut();
  await until(async () => (await bo.ask("roomState")) === "reconnecting", "Bo's socket is lost");
  await pause(500);
  await bo.sees(ann);
  const revoked = await room.allow(ann, { canSend: false });
  // Bo cannot know; Ann's end is closed all the same.
  await bo.seesNoMore(ann, revoked, ["witnesses"]);
  await room.allow(ann, { canSend: null });
  await ann.ask("send");
  proxy.mend();
  await bo.sees(ann);
  assert.equal(await bo.ask("made"), made + 1);
  await room.calm();
});
