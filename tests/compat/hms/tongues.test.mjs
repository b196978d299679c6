/** @file One room, two tongues: a client of 100ms's SDK and native ones see the same people, and feel each other's changes. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { select, Types } from "./client.mjs";
import { fresh, openHouse, settled } from "./house.mjs";
import { until } from "./wait.mjs";

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

/** Ann speaks through the SDK, the others natively: Nora rules, Nils listens. */
async function both(role = "moderator") {
  const room = fresh();
  const nora = await house.native(room, { user_id: "nora", name: "nora", role: "moderator" });
  const nils = await house.native(room, { user_id: "nils", name: "nils", role: "listener" });
  const ann = await house.joins("ann", room, role);
  await ann.until(() => ann.names.length === 3, "sees all");
  await until(() => nora.participants.get(ann.id) && nils.participants.get(ann.id), "is seen by all");
  ann.heard.length = 0;
  return { room, ann, nora, nils };
}
/** The next notice of a name to a native client. */
const next = (native, name, fits = () => true) => new Promise((resolve) => {
  const off = native.on(name, (payload) => {
    if (!fits(payload)) return;
    off();
    resolve(payload);
  });
});

describe("the same room", () => {
  test("has the same people in the same roles", async () => {
    const { ann, nora, nils } = await both();
    const hers = ann.get(select.selectPeers).map(({ id, name, roleName, customerUserId }) => [id, name, roleName, customerUserId]);
    for (const native of [nora, nils]) {
      const theirs = [...native.participants.values()].map(({ peerId, name, role, userId }) => [peerId, name, role, userId]);
      assert.deepEqual(theirs.sort(), hers.toSorted());
    }
    assert.equal(nora.participants.get(ann.id).capabilities.includes("update-call-permissions"), true);
    await nils.leave();
    const { data } = await ann.hears(Types.PEER_LEFT);
    assert.equal(data.name, "nils");
    await ann.leave();
    await until(() => !nora.participants.has(ann.id), "Nora sees Ann leave");
  });

  test("a role given natively is felt by the SDK, once", async () => {
    const { ann, nora, nils } = await both("listener");
    await nora.changeRoleOfPeer(ann.id, "moderator", { force: true });
    await ann.seesRole(ann, "moderator");
    assert.equal(ann.permissions.changeRole, true);
    await nora.changeRoleOfPeer(nils.peerId, "speaker", { force: true });
    await ann.until(() => ann.peer(nils).roleName === "speaker", "sees Nils speak");
    await settled(ann);
    assert.deepEqual(ann.told(Types.ROLE_UPDATED).map(({ data }) => [data.name, data.roleName]), [["ann", "moderator"], ["nils", "speaker"]]);
  });

  test("a role given through the SDK is felt natively, once", async () => {
    const { ann, nora, nils } = await both();
    const heard = [];
    nora.on("ROLE_UPDATED", (told) => heard.push(told));
    const own = next(nils, "ROLE_UPDATED");
    await ann.actions.changeRoleOfPeer(nils.peerId, "speaker", true);
    const { peerId, from, to, by, forced } = await own;
    assert.deepEqual([peerId, from, to, by, forced], [nils.peerId, "listener", "speaker", ann.id, true]);
    assert.equal(nils.can("mute-users"), true);
    await ann.actions.changeRoleOfPeersWithRoles(["speaker", "moderator"], "guest");
    await until(() => [nora, nils].every((native) => native.self.role === "guest"), "all are guests");
    await ann.seesRole(ann, "guest");
    assert.deepEqual(heard.map(({ peerId: id, to: role }) => [id, role]).sort(), [[nils.peerId, "speaker"], [nils.peerId, "guest"], [nora.peerId, "guest"], [ann.id, "guest"]].sort());
  });

  test("questions go both ways", async () => {
    const { ann, nora, nils } = await both();
    const asked = next(nils, "role-change-request");
    await ann.actions.changeRoleOfPeer(nils.peerId, "speaker");
    const { request } = await asked;
    assert.deepEqual([request.role, request.by.peerId], ["speaker", ann.id]);
    await nils.acceptChangeRole(request);
    await ann.until(() => ann.peer(nils).roleName === "speaker", "sees Nils speak");
    const answered = next(nora, "role-change-answered");
    await nora.changeRoleOfPeer(ann.id, "guest");
    const hers = await ann.asked("guest");
    assert.equal(hers.requestedBy.name, "nora");
    await ann.actions.acceptChangeRole(hers);
    assert.deepEqual([(await answered).outcome, nora.participants.get(ann.id).role], ["accepted", "guest"]);
  });

  test("a request that is cancelled can no longer be accepted", async () => {
    const { ann, nora } = await both("listener");
    const { requestId } = await nora.changeRoleOfPeer(ann.id, "speaker");
    const request = await ann.asked("speaker");
    await nora.cancelChangeRole({ requestId });
    await assert.rejects(ann.actions.acceptChangeRole(request), { code: 410 });
    assert.equal(ann.role, "listener");
  });

  test("rights of one participant show in the permissions of the SDK, and count", async () => {
    const { room, ann, nora, nils } = await both("listener");
    // 100ms knows no blocking, which is part of that: a moderator of its shape has not got it to give.
    await assert.rejects(nora.updateParticipant(ann.id, { canAdmin: ["participants"] }), ({ reason, data }) => reason === "escalation" && String(data.lacks) === "block-users");
    await house.backEnd(room, "updateParticipant", { peerId: ann.id, updatePermissions: { canAdmin: ["participants"] } });
    await ann.until(() => ann.permissions.changeRole === true, "may change roles");
    assert.equal(ann.role, "listener");
    assert.equal(ann.get(select.selectRoleByRoleName("guest")).permissions.changeRole, false, "others of the role do not gain by it");
    await ann.actions.changeRoleOfPeer(nils.peerId, "speaker", true);
    await until(() => nils.self.role === "speaker", "Nils speaks");
    await nora.updateParticipant(ann.id, { canAdmin: false });
    await ann.until(() => ann.permissions.changeRole === false, "may no longer");
    await assert.rejects(ann.actions.changeRoleOfPeer(nils.peerId, "guest", true), { code: 403 });
    assert.equal(ann.told(Types.ROLE_UPDATED).filter(({ data }) => data.name === "ann").length, 0);
  });

  test("a hidden native is not there for the SDK, and comes when he is shown", async () => {
    const { ann, nora, nils } = await both("listener");
    await nora.updateParticipant(nils.peerId, { hasPresence: false });
    await ann.until(() => String(ann.names) === "ann,nora", "sees Nils go");
    await assert.rejects(ann.actions.getPeer(nils.peerId), { code: 404 });
    await nora.updateParticipant(nils.peerId, { hasPresence: true });
    const { data } = await ann.hears(Types.PEER_JOINED);
    assert.equal(data.name, "nils");
  });

  test("names, metadata and hands mean the same", async () => {
    const { ann, nora, nils } = await both();
    await ann.actions.changeName("Ann the Great");
    await ann.actions.changeMetadata({ seat: 4 });
    await ann.actions.raiseLocalPeerHand();
    const seen = () => nora.participants.get(ann.id);
    await until(() => seen().name === "Ann the Great" && seen().metadata?.seat === 4 && seen().handRaised, "Nora sees it");
    await nils.setName("Nils the Small");
    await nils.setMetadata({ seat: 5 });
    await nils.raiseHand(true);
    await ann.until(() => ann.peer(nils).name === "Nils the Small" && ann.peer(nils).metadata === '{"seat":5}' && ann.peer(nils).isHandRaised, "sees his");
    await ann.actions.lowerRemotePeerHand(nils.peerId);
    await until(() => !nils.self.handRaised, "his hand is down");
  });

  test("messages go both ways", async () => {
    const { ann, nora, nils } = await both();
    const heard = next(nora, "app-message");
    await ann.actions.sendBroadcastMessage("hello", "greeting");
    const { from, data } = await heard;
    assert.deepEqual([from.peerId, data], [ann.id, { type: "greeting", message: "hello" }]);
    await nils.sendMessage({ type: "greeting", message: "hello yourself" });
    await nils.sendMessage("plain words", ann.id);
    await nils.sendMessage({ any: "thing" }, { roles: ["moderator"] });
    const told = async (fits) => (await ann.hears(Types.NEW_MESSAGE, fits)).data;
    const first = await told(({ message }) => message === "hello yourself");
    assert.deepEqual([first.type, first.senderName, first.sender], ["greeting", "nils", nils.peerId]);
    const second = await told(({ message }) => message === "plain words");
    assert.deepEqual([second.type, second.recipientPeer], ["chat", ann.id]);
    const third = await told(({ message }) => message?.any === "thing");
    assert.deepEqual([third.type, third.recipientRoles], ["chat", ["moderator"]]);
  });

  test("session data is one thing", async () => {
    const { ann, nora } = await both();
    await ann.actions.sessionStore.observe("topic");
    await nora.setSessionData({ topic: "roses", other: 1 });
    await ann.until(() => ann.get(select.selectSessionStore("topic")) === "roses", "sees the topic");
    await ann.actions.sessionStore.set("topic", "tulips");
    await until(() => nora.sessionData.topic === "tulips", "Nora sees it");
    assert.equal(nora.sessionData.other, 1, "the rest stays");
  });

  test("removal and end mean the same", async () => {
    const { ann, nora, nils } = await both();
    const closed = next(nils, "closed");
    await ann.actions.removePeer(nils.peerId, "off you go");
    const { code, text } = await closed;
    assert.deepEqual([code, text], [4502, "off you go"]);
    await nora.endRoom("that is all");
    const { data } = await ann.hears(Types.ROOM_ENDED);
    assert.deepEqual([data.reason, data.requestedBy.name], ["that is all", "nora"]);
  });
});
