/** @file Stream's SDK for browsers, unmodified, in pages of another origin: one page's doings show in the other's call, over the SDK's own connection. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { openStreamHouse } from "./stream-house.mjs";

let house;
before(async () => { house = await openStreamHouse(); });
after(() => house?.close());

test("what one page does shows in the other, also after its connection was cut", async (t) => {
  const { server, pages } = house;
  assert.notEqual(pages.origin, server.origin);
  const id = randomUUID().slice(0, 8);
  const [ann, bo] = [await house.enter(t, "ann", id), await house.enter(t, "bo", id)];
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
