/** @file Runs each example against a real server and reads what it prints. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startServer } from "../tests/browser/server.mjs";

/** Node 20 has a WebSocket only when told to. */
const FLAGS = globalThis.WebSocket ? [] : ["--experimental-websocket", "--no-warnings"];

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

/** What a script prints, line by line. */
async function prints(script, ...words) {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, script, server.origin, ...words], { cwd: import.meta.dirname, timeout: 60_000 });
  return stdout.trim().split("\n");
}

test("hms.mjs", async () => {
  const owner = await server.token("--user", "ann", "--room", "stage:hms", "--owner");
  const bo = await server.token("--user", "bo", "--room", "stage:hms");
  assert.deepEqual(await prints("hms.mjs", owner, bo), [
    "bo was listener, is speaker",
    "speaker: accepted",
    "moderator: rejected",
    "bo was speaker, is listener, unasked",
    "{ changed: 1, skipped: 0 }",
  ]);
});

test("daily.mjs", async () => {
  const token = await server.token("--user", "ann", "--room", "daily:example", "--owner");
  assert.deepEqual(await prints("daily.mjs", token), [
    "cy: Bo left, hidden",
    "cy: Bo joined, may send audio",
    `bo may receive {"base":false,"byUserId":{"ann":true}}`,
  ]);
});

test("stream.mjs", async () => {
  assert.deepEqual(await prints("stream.mjs", "devkey", "devsecret-devsecret-devsecret-devsecret"), [
    "own_capabilities: join-call read-call send-audio send-video",
    "own_capabilities: join-call read-call send-audio",
    "own_capabilities: join-call read-call",
  ]);
});

test("each script is on the page, with the command that runs it", async () => {
  const page = await readFile(join(import.meta.dirname, "README.md"), "utf8");
  const scripts = (await readdir(import.meta.dirname)).filter((name) => name.endsWith(".mjs") && !name.includes(".test."));
  assert.ok(scripts.length >= 3);
  for (const script of scripts) for (const mention of [`| \`${script}\` |`, `node ${script} http`]) assert.ok(page.includes(mention), `no ${mention}`);
});
