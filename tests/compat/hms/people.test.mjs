/** @file Who is there, under which name, with which hand up; and looking somebody up: through 100ms's SDK. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { select, Types } from "./client.mjs";
import { fresh, openHouse, refused, settled } from "./house.mjs";

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

describe("coming and going", () => {
  test("who comes finds who is there, and those hear of him once", async () => {
    const room = fresh();
    const before = Date.now();
    const ann = await house.joins("ann", room, "moderator", { metaData: "the one in charge" });
    const bo = await house.joins("bo", room, "listener", { as: "user-7", metaData: { seat: 4 } });
    await bo.hears(Types.PEER_LIST, (peers) => peers.some(({ name }) => name === "ann"));
    await bo.sees(ann, bo);
    const { data: seen } = await ann.hears(Types.PEER_JOINED);
    assert.deepEqual([seen.id, seen.name, seen.roleName, seen.customerUserId, seen.metadata, seen.isLocal, seen.isHandRaised, seen.type],
      [bo.id, "bo", "listener", "user-7", '{"seat":4}', false, false, "regular"]);
    assert.ok(seen.joinedAt.getTime() >= before - 1_000 && seen.joinedAt.getTime() <= Date.now() + 1_000);
    assert.equal(bo.peer(ann).metadata, "the one in charge");
    await settled(ann, bo);
    assert.equal(ann.told(Types.PEER_JOINED).length, 1);
    for (const client of [ann, bo]) assert.equal(client.get(select.selectPeerCount), 2);
    assert.deepEqual(bo.get(select.selectRemotePeers).map(({ name }) => name), ["ann"]);
    await bo.leave();
    const { data: gone } = await ann.hears(Types.PEER_LEFT);
    assert.equal(gone.name, "bo");
    await ann.sees(ann);
    assert.deepEqual([bo.get(select.selectRoomState), bo.names, ann.get(select.selectPeerCount)], ["Disconnected", [], 1]);
  });

  test("the room has a name, a session and a beginning", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    for (const client of [ann, bo]) {
      await client.until(() => client.get(select.selectSessionId), "knows the session");
      assert.equal(client.get(select.selectRoom).name, room);
      assert.ok(Math.abs(client.get(select.selectRoomStartTime).getTime() - Date.now()) < 60_000);
    }
    assert.equal(ann.get(select.selectSessionId), bo.get(select.selectSessionId));
  });

  test("one may come again, as another peer, and with another role", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    const first = bo.id;
    await bo.leave();
    await ann.sees(ann);
    await house.joins("bo", room, "guest");
    const { data } = await ann.hears(Types.PEER_JOINED);
    assert.notEqual(data.id, first);
    assert.equal(data.roleName, "guest");
  });

  test("one user may be two peers", async () => {
    const { room, ann } = await house.gathers({ ann: "moderator" });
    const phone = await house.joins("phone", room, "listener", { as: "ann" });
    for (const client of [ann, phone]) await client.sees(ann, phone);
    assert.equal(ann.peer(phone).customerUserId, "ann");
    await ann.actions.changeRoleOfPeer(phone.id, "guest", true);
    await phone.seesRole(phone, "guest");
    assert.equal(ann.role, "moderator");
  });

  test("a preview is no participant, and joins on the socket it has", async () => {
    const { room, ann } = await house.gathers({ ann: "moderator" });
    const bo = house.stranger("bo");
    const config = house.config("bo", room, "listener");
    await bo.actions.preview({ userName: "bo", ...config });
    assert.equal(bo.get(select.selectRoomState), "Preview");
    assert.equal(bo.role, "listener");
    const { id } = bo;
    await settled(ann);
    assert.deepEqual([ann.names, ann.told(Types.PEER_JOINED).length], [["ann"], 0]);
    await bo.join(config);
    await ann.sees(ann, bo);
    assert.deepEqual([bo.id, bo.sockets], [id, 1]);
  });

  test("whoever comes first opens the room, whatever his role", async () => {
    const room = fresh();
    const bo = await house.joins("bo", room, "guest");
    const ann = await house.joins("ann", room, "moderator");
    for (const client of [ann, bo]) await client.sees(ann, bo);
    await ann.actions.changeRoleOfPeer(bo.id, "speaker", true);
    await bo.seesRole(bo, "speaker");
  });

  test("two rooms know nothing of each other; a bare id is of the default call type", async () => {
    const name = fresh("default").split(":")[1];
    const ann = await house.joins("ann", name, "auditor");
    const bo = await house.joins("bo", `default:${name}`, "auditor");
    const cy = await house.joins("cy", fresh(), "moderator");
    for (const client of [ann, bo]) await client.sees(ann, bo);
    assert.deepEqual(cy.names, ["cy"]);
  });
});

describe("names and metadata", () => {
  test("a change is told to the others", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "guest" });
    await bo.actions.changeName("Bo the Great");
    await bo.actions.changeMetadata({ seat: 9 });
    for (const client of [ann, bo, cy]) await client.until(() => client.peer(bo).name === "Bo the Great" && client.peer(bo).metadata === '{"seat":9}', "knows the new name");
    await settled(bo, ann, cy);
    for (const client of [ann, cy]) {
      assert.deepEqual(client.told(Types.NAME_UPDATED, Types.METADATA_UPDATED, Types.ROLE_UPDATED, Types.HAND_RAISE_CHANGED).map(({ type }) => type), [Types.NAME_UPDATED, Types.METADATA_UPDATED]);
    }
    await bo.actions.changeMetadata("plain words");
    await ann.until(() => ann.peer(bo).metadata === "plain words", "reads plain words");
    const late = await house.joins("di", ann.room, "guest");
    await late.until(() => late.peer(bo)?.metadata === "plain words", "reads them, too");
    assert.equal(late.peer(bo).name, "Bo the Great");
  });

  test("what is too long is refused, and nothing changes", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await refused(bo.actions.changeName("x".repeat(5_000)), 400, /name/);
    await refused(bo.actions.changeMetadata("x".repeat(60_000)), 413, /large|most|over/);
    await settled(bo, ann);
    assert.deepEqual([bo.peer(bo).name, ann.peer(bo).name, ann.peer(bo).metadata], ["bo", "bo", ""]);
  });
});

describe("hands", () => {
  test("one's own goes up and down", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "guest" });
    await bo.actions.raiseLocalPeerHand();
    for (const client of [ann, bo, cy]) {
      const { data } = await client.hears(Types.HAND_RAISE_CHANGED);
      assert.deepEqual([data.name, data.isHandRaised], ["bo", true]);
      assert.equal(client.get(select.selectHasPeerHandRaised(bo.id)), true);
      assert.deepEqual(client.get(select.selectHandRaisedPeers).map(({ name }) => name), ["bo"]);
    }
    const late = await house.joins("di", ann.room, "guest");
    await late.until(() => late.get(select.selectHasPeerHandRaised(bo.id)), "sees the hand");
    await bo.actions.lowerLocalPeerHand();
    for (const client of [ann, bo, cy, late]) await client.until(() => !client.get(select.selectHasPeerHandRaised(bo.id)), "sees it go down");
    await settled(bo, ann);
    assert.equal(ann.told(Types.HAND_RAISE_CHANGED).length, 2);
  });

  test("those who may change roles lower and raise another's; others may not", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "guest" });
    await bo.actions.raiseLocalPeerHand();
    await ann.until(() => ann.get(select.selectHasPeerHandRaised(bo.id)), "sees the hand");
    await refused(cy.actions.lowerRemotePeerHand(bo.id), 403);
    await ann.actions.lowerRemotePeerHand(bo.id);
    for (const client of [ann, bo, cy]) await client.until(() => !client.get(select.selectHasPeerHandRaised(bo.id)), "sees it go down");
    await ann.actions.raiseRemotePeerHand(cy.id);
    for (const client of [ann, bo, cy]) await client.until(() => client.get(select.selectHasPeerHandRaised(cy.id)), "sees the other go up");
    await refused(ann.actions.raiseRemotePeerHand("nobody-knows"), 404);
  });

  test("a change of role lowers it", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await bo.actions.raiseLocalPeerHand();
    await ann.until(() => ann.get(select.selectHasPeerHandRaised(bo.id)), "sees the hand");
    await ann.actions.changeRoleOfPeer(bo.id, "speaker", true);
    for (const client of [ann, bo]) {
      await client.seesRole(bo, "speaker");
      await client.until(() => !client.get(select.selectHasPeerHandRaised(bo.id)), "sees it go down");
    }
  });
});

describe("looking somebody up", () => {
  const CROWD = { ann: "moderator", bo: "listener", bob: "listener", cy: "guest" };

  test("by id", async () => {
    const { ann, bo } = await house.gathers(CROWD);
    await bo.actions.changeMetadata("plain words");
    const found = await ann.actions.getPeer(bo.id);
    assert.deepEqual([found.id, found.name, found.roleName, found.customerUserId, found.metadata], [bo.id, "bo", "listener", "bo", "plain words"]);
    await refused(ann.actions.getPeer("nobody-knows"), 404);
  });

  test("by name, or a part of it", async () => {
    const { ann } = await house.gathers(CROWD);
    const names = ({ peers }) => peers.map(({ name }) => name).sort();
    assert.deepEqual(names(await ann.actions.findPeerByName({ query: "BO" })), ["bo", "bob"]);
    assert.deepEqual(names(await ann.actions.findPeerByName({ query: "zoe" })), []);
    const first = await ann.actions.findPeerByName({ query: "bo", limit: 1 });
    assert.deepEqual([first.peers.length, first.eof], [1, false]);
    const second = await ann.actions.findPeerByName({ query: "bo", limit: 1, offset: 1 });
    assert.deepEqual([second.peers.length, second.eof], [1, true]);
    assert.notEqual(first.peers[0].id, second.peers[0].id);
  });

  test("page by page, by role, group or ids", async () => {
    const { ann, bo, bob, cy } = await house.gathers(CROWD);
    const all = async (options) => {
      const [pages, iterator] = [[], ann.actions.getPeerListIterator(options)];
      while (iterator.hasNext()) pages.push((await iterator.next()).map(({ name }) => name));
      return { pages, total: iterator.getTotal(), names: pages.flat().sort() };
    };
    const byTwo = await all({ limit: 2 });
    assert.deepEqual([byTwo.pages.map(({ length }) => length), byTwo.total, byTwo.names], [[2, 2], 4, ["ann", "bo", "bob", "cy"]]);
    assert.deepEqual((await all({ role: "listener" })).names, ["bo", "bob"]);
    assert.deepEqual((await all({ role: "listener", limit: 1 })).pages.length, 2);
    assert.deepEqual((await all({ peerIds: [bob.id, cy.id, "nobody-knows"] })).names, ["bob", "cy"]);
    await bo.actions.raiseLocalPeerHand();
    assert.deepEqual((await all({ group: "_handraise" })).names, ["bo"]);
    assert.deepEqual((await all({ role: "nobody-knows" })).names, []);
  });
});
