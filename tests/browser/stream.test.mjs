/** @file Stream's SDK for browsers, unmodified, in pages of another origin: one page's doings show in the other's call, over the SDK's own connection. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openDailyHouse } from "./daily-house.mjs";

const FOLDER = join(import.meta.dirname, "stream");

/** The page as one script, the SDK in it as it is published. */
async function bundle() {
  const { build } = createRequire(join(FOLDER, "package.json"))("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, "page.js")],
    bundle: true, write: false, format: "esm", platform: "browser", define: { "process.env.NODE_ENV": '"production"' }, logLevel: "error",
  });
  return outputFiles[0].text;
}

let house;
before(async () => { house = await openDailyHouse(); });
after(() => house?.close());

test("what one page does shows in the other, also after its connection was cut", async (t) => {
  const { server, pages } = house;
  pages.put("/page.js", await bundle());
  pages.put("/hint", "");
  pages.put("/", '<!doctype html><meta charset="utf-8"><title>stream</title><script type="module" src="/page.js"></script>');
  assert.notEqual(pages.origin, server.origin);
  const id = randomUUID().slice(0, 8);
  const open = async (user) => {
    const { page } = await house.open(`${pages.origin}/`);
    t.after(() => page.close());
    const token = await server.token("--user", user);
    await page.evaluate((how) => window.begin(how), { address: server.origin, apiKey: "devkey", user: { id: user }, token });
    await page.evaluate((one) => window.open_call(one), id);
    return page;
  };
  const [ann, bo] = [await open("ann"), await open("bo")];
  await ann.evaluate(() => window.call.getOrCreate({ data: { custom: { topic: "tea" } } }).then(() => null));
  assert.deepEqual(await bo.evaluate(() => window.call.get().then(() => window.call.state.custom)), { topic: "tea" });

  await ann.evaluate(() => window.call.update({ custom: { topic: "roses" } }).then(() => null));
  await bo.waitForFunction(() => window.call.state.custom.topic === "roses");

  // Ann made the call, and so may say what Bo may; he alone is told.
  await ann.evaluate(() => window.call.revokePermissions("bo", ["send-audio"]).then(() => null));
  const told = (page) => page.evaluate(() => window.heard.filter(({ type }) => type === "call.permissions_updated").map((event) => [event.user.id, event.own_capabilities.includes("send-audio")]));
  await bo.waitForFunction(() => window.heard.some(({ type }) => type === "call.permissions_updated"));
  assert.deepEqual([await told(bo), await told(ann)], [[["bo", false]], []]);

  await server.call(`default:${id}`, "sendMessage", { data: { hello: "pages" } });
  await Promise.all([ann, bo].map((page) => page.waitForFunction(() => window.heard.some(({ type, custom }) => type === "custom" && custom.hello === "pages"))));

  const before = await bo.evaluate(() => window.client.streamClient.wsConnection.connectionID);
  await bo.evaluate(() => window.client.streamClient.wsConnection.ws.close(4999));
  await bo.waitForFunction((old) => {
    const connection = window.client.streamClient.wsConnection;
    return connection.isHealthy && connection.connectionID !== old;
  }, before);
  await ann.evaluate(() => window.call.update({ custom: { topic: "again" } }).then(() => null));
  await bo.waitForFunction(() => window.call.state.custom.topic === "again");

  await ann.evaluate(() => window.call.blockUser("bo").then(() => null));
  await bo.waitForFunction(() => window.heard.some(({ type, user }) => type === "call.blocked_user" && user.id === "bo"));
  assert.match(await bo.evaluate(() => window.call.get().then(() => "let in", (error) => error.message)), /blocked/);
});
