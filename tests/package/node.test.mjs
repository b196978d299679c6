/** @file The tarball in an empty project under Node: what is in it, and a room joined with it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startServer } from "../browser/server.mjs";
import { emptyProject, entries, manifest, pack, REPOSITORY, runs, SDK } from "./packed.mjs";

let packed;
let server;
before(async () => {
  [packed, server] = await Promise.all([pack(), startServer()]);
});
after(async () => {
  await server?.stop();
  await packed?.drop();
});

/** Node 20 has a WebSocket only when told to. */
const FLAGS = globalThis.WebSocket ? [] : ["--experimental-websocket", "--no-warnings"];

test("the tarball holds the modules, their types, a README, the licences and nothing else", () => {
  for (const { file, types } of entries) for (const path of [file, types]) assert.ok(packed.paths.includes(path), `no ${path}`);
  for (const path of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "package.json"]) assert.ok(packed.paths.includes(path), `no ${path}`);
  const modules = packed.paths.filter((path) => path.endsWith(".js"));
  for (const path of modules) assert.ok(packed.paths.includes(`types/${path.replace(/\.js$/, ".d.ts")}`), `no types of ${path}`);
  const strange = packed.paths.filter((path) => !/^(types\/)?([a-z-]+\/)?[a-z-]+(\.d\.ts|\.js)$|^(README\.md|LICENSE-(MIT|APACHE)|package\.json)$/.test(path) || path.startsWith("test/"));
  assert.deepEqual(strange, []);
});

test("the licences are the repository's, and every entry is in the README", async () => {
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.equal(await readFile(join(SDK, name), "utf8"), await readFile(join(REPOSITORY, name), "utf8"));
  }
  const readme = await readFile(join(SDK, "README.md"), "utf8");
  for (const { specifier } of entries) assert.ok(readme.includes(`from "${specifier}"`), `the README does not import ${specifier}`);
  assert.deepEqual(manifest.dependencies ?? {}, {}, "whoever installs it installs nothing else");
});

test("an empty project imports it, joins a room, is seen there, and leaves", async (t) => {
  const home = await emptyProject(t, packed.tarball, {
    "talk.mjs": `
      import { connect, RolecallError } from "rolecall";
      const [url, token] = process.argv.slice(2);
      const room = "daily:packed";
      const ann = await connect({ url, room, token, name: "Ann" });
      const came = new Promise((resolve) => ann.once("participant-joined", ({ participant }) => resolve(participant.name)));
      const bo = await connect({ url, room, name: "Bo" });
      const told = [await came, ann.counts.present, bo.can("audio")];
      const heard = new Promise((resolve) => ann.once("participant-updated", ({ participant }) => resolve(participant.tracks.audio)));
      await bo.setTracks({ audio: true });
      told.push(await heard);
      told.push(await bo.removePeer(ann.peerId).catch((error) => error instanceof RolecallError && error.reason));
      const left = new Promise((resolve) => ann.once("participant-left", ({ reason }) => resolve(reason)));
      await bo.leave();
      told.push(await left);
      await ann.leave();
      console.log(JSON.stringify([...told, ann.state]));
    `,
    "entries.mjs": entries.map(({ specifier }) => `import ${JSON.stringify(specifier)};`).join("\n"),
    "inside.mjs": `await import("rolecall/session.js").catch((error) => console.log(error.code));`,
  });
  const token = await server.token("--user", "ann", "--room", "daily:packed", "--owner");
  const told = JSON.parse(await runs(process.execPath, [...FLAGS, "talk.mjs", server.origin, token], { cwd: home, timeout: 30_000 }));
  assert.deepEqual(told, ["Bo", 2, true, "on", "not-allowed", "left", "closed"]);
  await runs(process.execPath, ["entries.mjs"], { cwd: home });
  assert.equal((await runs(process.execPath, ["inside.mjs"], { cwd: home })).trim(), "ERR_PACKAGE_PATH_NOT_EXPORTED", "what is not an entry stays inside");
});
