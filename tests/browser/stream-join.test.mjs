/** @file Stream's SDK for browsers, unmodified, joins: `call.join()` makes it a participant like all others, though no media server is there. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { openStreamHouse } from "./stream-house.mjs";

let house;
before(async () => { house = await openStreamHouse(); });
after(() => house?.close());

const fresh = () => randomUUID().slice(0, 8);
const known = (page) => page.evaluate(() => window.known());
/** Does something in the page; nothing, or why it was not done. */
const does = (page, what, ...words) => page.evaluate(([source, given]) => new Function("call", "words", `return (async () => (${source}))()`)(window.call, given).then(() => null, (error) => String(error.message)), [what, words]);
/** Waits until what the SDK knows is so. */
async function sees(page, fits, what) {
  await page.waitForFunction((source) => new Function("known", `return (${source})(known)`)(window.known()), String(fits), { polling: 50 })
    .catch(async (error) => { throw new Error(`never: ${what}: ${JSON.stringify(await known(page))}`, { cause: error }); });
}
/** Joins without devices, so that nothing is published that the test does not say. */
async function joins(page, how = {}) {
  await does(page, "Promise.all([call.camera.disable(), call.microphone.disable()])");
  assert.equal(await does(page, "call.join(words[0])", how), null);
  assert.equal((await known(page)).calling, "joined");
}
/** Ann made the call, and so rules it; Bo is in, too. */
async function both(t, type = "default") {
  const id = fresh();
  const [ann, bo] = [await house.enter(t, "ann", id, { type }), await house.enter(t, "bo", id, { type })];
  await joins(ann, { create: true });
  await joins(bo);
  await sees(ann, ({ people }) => "bo" in people, "Ann sees Bo");
  return { id, cid: `${type}:${id}`, ann, bo };
}

test("who joins is a participant: for the SDK, for others, and for the back end", async (t) => {
  const { cid, ann, bo } = await both(t);
  const [hers, his] = [await known(ann), await known(bo)];
  assert.deepEqual([hers.count, his.count], [2, 2]);
  assert.deepEqual(Object.entries(hers.people).map(([id, { name, roles, own }]) => [id, name, roles, own]).sort(), [["ann", "ANN", ["user"], true], ["bo", "BO", ["user"], false]]);
  assert.equal(hers.own, hers.people.ann.session);
  assert.equal(his.people.ann.session, hers.own, "all know her by the same id");
  const room = await house.server.room(cid);
  assert.deepEqual(room.participants.map(({ peerId, userId }) => [userId, peerId]).sort(), [["ann", hers.own], ["bo", his.own]]);
  // Two joins of one page are one; and its own leave is told.
  assert.match(await does(ann, "call.join()"), /only once/);
  assert.equal(await does(bo, "call.leave()"), null);
  await sees(ann, ({ people, count }) => !("bo" in people) && count === 1, "Bo is gone");
});

test("what somebody may follows by itself, and what was revoked is off", async (t) => {
  const { ann, bo } = await both(t);
  assert.equal(await does(bo, "Promise.all([call.camera.enable(), call.microphone.enable()])"), null);
  await sees(ann, ({ people }) => people.bo.tracks.join() === "audio,video", "Bo sends");
  assert.deepEqual((await known(bo)).people.bo.tracks, ["audio", "video"]);

  // Muted by somebody else: his own device goes off, and he may turn it on again.
  assert.equal(await does(ann, `call.muteUser("bo", "audio")`), null);
  await bo.waitForFunction(() => window.call.microphone.state.status === "disabled");
  await sees(ann, ({ people }) => people.bo.tracks.join() === "video", "his microphone is off");
  assert.equal(await does(bo, "call.microphone.enable()"), null);
  await sees(ann, ({ people }) => people.bo.tracks.join() === "audio,video", "and on again");

  assert.equal(await does(ann, `call.revokePermissions("bo", ["send-video"])`), null);
  await sees(bo, ({ capabilities, people }) => !capabilities.includes("send-video") && people.bo.tracks.join() === "audio", "he may not send video");
  await bo.waitForFunction(() => window.call.camera.state.status === "disabled");
  await sees(ann, ({ people, capabilities }) => people.bo.tracks.join() === "audio" && capabilities.includes("send-video"), "hers are as before");
  assert.notEqual(await does(bo, "call.camera.enable()"), null);
  assert.equal(await does(ann, `call.grantPermissions("bo", ["send-video"])`), null);
  await sees(bo, ({ capabilities }) => capabilities.includes("send-video"), "he may again");
  assert.deepEqual((await known(ann)).people.bo.tracks, ["audio"], "what is gained is off");
  assert.equal(await does(bo, "call.camera.enable()"), null);
  await sees(ann, ({ people }) => people.bo.tracks.join() === "audio,video", "until he turns it on");
});

test("a member's role, a native role change, pins and who is hidden are felt", async (t) => {
  const { cid, ann, bo } = await both(t, "development");
  const bos = (await known(bo)).own;
  assert.equal(await does(ann, `call.updateCallMembers({ update_members: [{ user_id: "bo", role: "admin" }] })`), null);
  await sees(bo, ({ people, capabilities }) => people.bo.roles.join() === "admin" && capabilities.includes("update-call-permissions"), "Bo is an admin");
  await sees(ann, ({ people }) => people.bo.roles.join() === "admin", "Ann sees so");
  await house.server.call(cid, "changeRoleOfPeer", { peerId: bos, role: "guest", force: true });
  await sees(bo, ({ people, capabilities }) => people.bo.roles.join() === "guest" && !capabilities.includes("update-call-permissions"), "Bo is a guest");
  assert.equal(await does(ann, "call.pinForEveryone(words[0])", { user_id: "bo", session_id: bos }), null);
  await Promise.all([ann, bo].map((page) => sees(page, ({ people }) => people.bo.pinned && !people.ann.pinned, "Bo is pinned")));
  assert.equal(await does(ann, "call.unpinForEveryone(words[0])", { user_id: "bo", session_id: bos }), null);
  await Promise.all([ann, bo].map((page) => sees(page, ({ people }) => !people.bo.pinned, "Bo is pinned no more")));

  const anns = (await known(ann)).own;
  await house.server.call(cid, "updateParticipant", { peerId: anns, updatePermissions: { hasPresence: false } });
  await sees(bo, ({ people, count }) => !("ann" in people) && count === 1, "Ann is hidden");
  await sees(ann, ({ people }) => "ann" in people && "bo" in people, "from Bo, not from herself");
  await house.server.call(cid, "updateParticipant", { peerId: anns, updatePermissions: { hasPresence: true } });
  await sees(bo, ({ people, count }) => "ann" in people && count === 2, "Ann is shown");
});

test("a lost socket is taken up again, with the role that was given there; so is a session that the SDK gave up", async (t) => {
  const { cid, ann, bo } = await both(t);
  const bos = (await known(bo)).own;
  await house.server.call(cid, "changeRoleOfPeer", { peerId: bos, role: "host", force: true });
  await sees(bo, ({ people }) => people.bo.roles.join() === "host", "Bo is a host");
  assert.equal(await does(bo, "call.microphone.enable()"), null);
  await sees(ann, ({ people }) => people.bo.tracks.join() === "audio", "Bo speaks");

  await bo.evaluate(() => { window.states.length = 0; window.call.sfuClient.signalWs.close(4999); });
  await bo.waitForFunction(() => window.states.includes("reconnecting") && window.states.at(-1) === "joined");
  assert.deepEqual([(await known(bo)).own, (await known(bo)).people.bo.roles], [bos, ["host"]]);
  assert.deepEqual((await known(ann)).people.bo, { name: "BO", roles: ["host"], tracks: ["audio"], own: false, pinned: false, session: bos });

  // As it does after longer: with a new session. Others know him as before.
  // The SDK drops a wish to reconnect while it still tidies up behind the last one.
  for (let tries = 0; (await known(bo)).own === bos; tries += 1) {
    assert.ok(tries < 100, "the SDK begins no new session");
    await bo.evaluate(() => window.call.reconnect(3, "test").then(() => new Promise((done) => setTimeout(done, 100))));
  }
  await sees(bo, ({ calling }) => calling === "joined", "Bo is back");
  await sees(bo, ({ people, capabilities }) => people.bo.roles.join() === "host" && capabilities.includes("end-call"), "Bo is a host still");
  assert.notEqual((await known(bo)).own, bos);
  await sees(ann, ({ people }) => people.bo.tracks.join() === "audio", "Bo speaks still");
  assert.deepEqual([(await known(ann)).people.bo.session, (await house.server.room(cid)).participants.length], [bos, 2]);

  // Longer than the SDK waits for a word.
  await new Promise((done) => setTimeout(done, 14_000));
  assert.deepEqual([(await known(ann)).calling, (await known(bo)).calling], ["joined", "joined"]);
});

test("who is kicked or blocked is out, and so are all when the call ends", async (t) => {
  const { id, ann, bo } = await both(t);
  assert.equal(await does(ann, `call.kickUser({ user_id: "bo" })`), null);
  await bo.waitForFunction(() => window.call.state.callingState === "left");
  await sees(ann, ({ people }) => !("bo" in people), "Bo is out");

  const again = await house.enter(t, "bo", id);
  await joins(again);
  assert.equal(await does(ann, `call.blockUser("bo")`), null);
  await again.waitForFunction(() => window.call.state.callingState === "left");
  const blocked = await house.enter(t, "bo", id);
  assert.match(await does(blocked, "call.join()"), /blocked/);
  assert.equal((await known(blocked)).calling, "idle");

  const cy = await house.enter(t, "cy", id);
  await joins(cy);
  assert.equal(await does(ann, "call.endCall()"), null);
  await Promise.all([ann, cy].map((page) => page.waitForFunction(() => window.call.state.callingState === "left")));
  assert.equal((await known(cy)).ended, true);
});

test("a stage: who may not go behind it waits, is in while it is live, and out again", async (t) => {
  const id = fresh();
  const [ann, bo] = [await house.enter(t, "ann", id, { type: "livestream" }), await house.enter(t, "bo", id, { type: "livestream" })];
  await joins(ann, { create: true });
  assert.match(await does(bo, "call.join()"), /JoinBackstage/);
  assert.equal(await does(ann, "call.goLive()"), null);
  await joins(bo);
  const nobody = await house.enter(t, null, id, { type: "livestream" });
  await joins(nobody);
  await sees(ann, ({ people, count, anonymous }) => Object.keys(people).sort().join() === "ann,bo" && count === 3 && anonymous === 1, "who is anonymous is counted");
  await sees(nobody, ({ people }) => "ann" in people && "bo" in people && Object.values(people).some(({ own }) => own), "and sees the others");
  assert.equal(await does(ann, "call.stopLive()"), null);
  await Promise.all([bo, nobody].map((page) => page.waitForFunction(() => window.call.state.callingState === "left")));
  assert.equal((await known(ann)).calling, "joined");
  await sees(ann, ({ people, count }) => Object.keys(people).join() === "ann" && count === 1, "Ann is alone");
});
