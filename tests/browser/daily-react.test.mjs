/** @file Daily's React hooks mount on the facade, and `usePermissions` says what somebody may do as it changes. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { openDailyHouse } from "./daily-house.mjs";

const FOLDER = join(import.meta.dirname, "daily-react");
const FACADE = resolve(import.meta.dirname, "../../sdk/daily.js");

/** The page as one script, in which `@daily-co/daily-js` is the facade. */
async function bundle() {
  const { build } = createRequire(join(FOLDER, "package.json"))("esbuild");
  const { outputFiles, metafile } = await build({
    entryPoints: [join(FOLDER, "page.jsx")],
    alias: { "@daily-co/daily-js": FACADE },
    bundle: true, write: false, metafile: true, format: "esm", jsx: "automatic", define: { "process.env.NODE_ENV": '"production"' },
  });
  const inputs = Object.keys(metafile.inputs);
  assert.ok(inputs.some((path) => path.endsWith("sdk/daily.js")), "the facade is in the bundle");
  assert.ok(inputs.every((path) => !path.includes("@daily-co/daily-js/")), "and Daily's own client is not");
  return outputFiles[0].text;
}

let house;
before(async () => { house = await openDailyHouse(); });
after(() => house?.close());

test("daily-react mounts, and its usePermissions follows every change", async (t) => {
  const { server, pages } = house;
  const room = `react-${randomUUID().slice(0, 8)}`;
  const address = `${server.origin}/${room}`;
  pages.put("/page.js", await bundle());
  pages.put("/", '<!doctype html><meta charset="utf-8"><title>hooks</title><div id="root"></div><script type="module" src="/page.js"></script>');
  const open = async (query) => {
    const opened = await house.open(`${pages.origin}/?room=${encodeURIComponent(`${address}${query}`)}`);
    t.after(() => opened.page.close());
    await opened.page.waitForFunction(() => document.getElementById("state")?.innerText === "joined-meeting" && document.getElementById("local").innerText);
    return opened;
  };
  const token = await server.token("--user", "owner", "--name", "Owner", "--room", `daily:${room}`, "--owner");
  const { page: owner, complaints } = await open(`?t=${token}`);
  const { page: bo, complaints: boComplaints } = await open("");
  const ids = await Promise.all([owner, bo].map((page) => page.locator("#local").innerText()));
  const [ownerId, boId] = ids;
  const reads = async (page, id, rights) => {
    const text = JSON.stringify(rights);
    await page.waitForFunction(([one, wanted]) => document.querySelector(`[data-id="${one}"]`)?.innerText === wanted, [id, text]);
  };
  const all = { canSendAudio: true, canSendVideo: true, canSendScreenVideo: true, canAdminParticipants: false, hasPresence: true };
  for (const page of [owner, bo]) {
    await reads(page, boId, all);
    await reads(page, ownerId, { ...all, canAdminParticipants: true });
  }

  const change = (updatePermissions) => owner.evaluate(([id, update]) => window.call.updateParticipant(id, { updatePermissions: update }) && null, [boId, updatePermissions]);
  await change({ canSend: ["audio"] });
  for (const page of [owner, bo]) await reads(page, boId, { ...all, canSendVideo: false, canSendScreenVideo: false });
  await change({ canSend: ["video", "screenVideo"], canAdmin: ["participants"] });
  for (const page of [owner, bo]) await reads(page, boId, { ...all, canSendAudio: false, canAdminParticipants: true });
  await change({ canSend: false, canAdmin: false });
  for (const page of [owner, bo]) await reads(page, boId, { canSendAudio: false, canSendVideo: false, canSendScreenVideo: false, canAdminParticipants: false, hasPresence: true });
  await owner.waitForFunction(() => document.getElementById("counts").innerText === "2 0");

  // Hidden: gone from the list of others, known to himself.
  await change({ hasPresence: false });
  await owner.locator(`[data-id="${boId}"]`).waitFor({ state: "detached" });
  await owner.waitForFunction(() => document.getElementById("counts").innerText === "1 1");
  await reads(bo, boId, { canSendAudio: false, canSendVideo: false, canSendScreenVideo: false, canAdminParticipants: false, hasPresence: false });
  await owner.evaluate((id) => window.call.resetPermissions(id), boId);
  for (const page of [owner, bo]) await reads(page, boId, all);
  assert.deepEqual([...complaints, ...boComplaints], []);
});
