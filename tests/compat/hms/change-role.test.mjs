/** @file 100ms's page "Change Role", sentence by sentence, through its SDK where no media is needed; `media.test.mjs` has the rest. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { select, Types } from "./client.mjs";
import { fresh, openHouse, refused, settled } from "./house.mjs";

const CLASS = { ann: "moderator", bo: "listener", cy: "listener", di: "guest" };
/** Well below the pauses after which the SDK would try again: a refusal is final. */
const AT_ONCE_MS = 1_500;

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

/** Asserts that each of these was told once of each change of role, and of none else. */
async function toldOnce(clients, ...changed) {
  const names = changed.map(({ name }) => name).sort();
  for (const client of clients) await client.until(() => client.told(Types.ROLE_UPDATED).length >= names.length, `hears of ${names}`);
  await settled(...clients);
  for (const client of clients) assert.deepEqual(client.told(Types.ROLE_UPDATED).map(({ data }) => data.name).sort(), names, `as ${client.name} was told`);
}

describe("know thy permissions", () => {
  test("the selectors say what the local peer may do", async () => {
    const { ann, bo } = await house.gathers(CLASS);
    const permissions = ann.get(select.selectPermissions);
    assert.deepEqual([permissions.endRoom, permissions.changeRole, permissions.removeOthers, permissions.mute], [true, true, true, true]);
    assert.equal(permissions.canSeeNotes, true, "flags of one's own come along");
    const mine = ann.get(select.selectLocalPeerRole);
    assert.deepEqual([mine.name, mine.priority, mine.subscribeParams.subscribeToRoles, mine.publishParams.allowed], ["moderator", 1, [], []]);
    assert.deepEqual(ann.get(select.selectIsAllowedToPublish), { audio: false, video: false, screen: false });
    assert.equal(ann.get(select.selectIsAllowedToSubscribe), false);
    const { endRoom, changeRole, removeOthers, mute } = bo.get(select.selectPermissions);
    assert.deepEqual([endRoom, changeRole, removeOthers, mute], [false, false, false, false]);
  });

  test("the selectors know all roles, and who is in them", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    const names = ann.get(select.selectAvailableRoleNames);
    for (const role of ["moderator", "speaker", "listener", "guest", "caster"]) assert.ok(names.includes(role), role);
    assert.deepEqual(Object.keys(ann.get(select.selectRolesMap)), names);
    assert.deepEqual(ann.get(select.selectRoleByRoleName("caster")).maxPeerCount, 1);
    assert.equal(ann.get(select.selectRoleByRoleName("speaker")).permissions.mute, true);
    const ids = (peers) => peers.map(({ id }) => id).sort();
    assert.deepEqual(ids(ann.get(select.selectPeersByRole("listener"))), [bo.id, cy.id].sort());
    assert.deepEqual(ids(di.get(select.selectPeersByRoles(["listener", "guest"]))), [bo.id, cy.id, di.id].sort());
    assert.deepEqual(ids(bo.get(select.selectPeersByCondition(({ roleName }) => roleName === "moderator"))), [ann.id]);
  });
});

describe("a single peer", () => {
  test("is asked, and has the role once he accepts", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    const request = await bo.asked("speaker");
    assert.deepEqual([request.requestedBy.name, request.role.name, request.role.permissions.mute], ["ann", "speaker", true]);
    await settled(ann, bo, cy, di);
    assert.deepEqual([bo.role, ann.peer(bo).roleName, cy.request, di.request], ["listener", "listener", null, null], "a request is but a request");
    await bo.actions.acceptChangeRole(request);
    for (const client of [ann, bo, cy, di]) await client.seesRole(bo, "speaker");
    assert.equal(bo.request, null);
    assert.equal(bo.permissions.mute, true);
    await toldOnce([ann, bo, cy, di], bo);
    assert.equal(ann.told(Types.ROLE_UPDATED)[0].data.roleName, "speaker");
  });

  test("may ignore it: what he rejects changes nothing", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "guest" });
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    const request = await bo.asked("speaker");
    bo.actions.rejectChangeRole(request);
    assert.equal(bo.request, null);
    await settled(bo, ann, cy);
    for (const client of [ann, bo, cy]) assert.equal(client.peer(bo).roleName, "listener");
    await toldOnce([ann, bo, cy]);
  });

  test("has the role straight away where it is forced", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    await ann.actions.changeRoleOfPeer(bo.id, "speaker", true);
    for (const client of [ann, bo, cy, di]) await client.seesRole(bo, "speaker");
    await ann.actions.changeRoleOfPeer(cy.id, "guest", true);
    for (const client of [ann, bo, cy, di]) await client.seesRole(cy, "guest");
    await toldOnce([ann, bo, cy, di], bo, cy);
    for (const client of [bo, cy]) assert.equal(client.request, null, "no dialog");
    assert.deepEqual([bo.permissions.mute, cy.permissions.mute], [true, false]);
  });

  test("may be oneself, and then nobody is asked", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await ann.actions.changeRoleOfPeer(ann.id, "speaker");
    for (const client of [ann, bo]) await client.seesRole(ann, "speaker");
    assert.equal(ann.request, null);
    assert.equal(ann.permissions.changeRole, false);
    await refused(ann.actions.changeRoleOfPeer(ann.id, "moderator", true), 403);
    await toldOnce([ann, bo], ann);
  });

  test("goes by the old name of the call, too", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await ann.actions.changeRole(bo.id, "speaker", true);
    await bo.seesRole(bo, "speaker");
  });

  test("who has the role already hears nothing", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    for (const force of [false, true]) await ann.actions.changeRoleOfPeer(bo.id, "listener", force);
    await toldOnce([ann, bo]);
    assert.equal(bo.request, null);
  });

  test("a change brings and takes the right to make changes", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "listener" });
    await refused(bo.actions.changeRoleOfPeer(cy.id, "speaker", true), 403);
    await ann.actions.changeRoleOfPeer(bo.id, "moderator", true);
    await bo.until(() => bo.permissions.changeRole, "may change roles");
    await bo.actions.changeRoleOfPeer(cy.id, "speaker", true);
    await bo.actions.changeRoleOfPeer(ann.id, "listener", true);
    await ann.until(() => !ann.permissions.changeRole, "may no longer");
    await refused(ann.actions.changeRoleOfPeer(cy.id, "listener", true), 403);
    await cy.seesRole(cy, "speaker");
  });
});

describe("what is refused", () => {
  test("is so for good, with a sentence, and changes nothing", async () => {
    const { room, ann, bo, cy, di } = await house.gathers(CLASS);
    const eve = await house.joins("eve", room, "usher");
    const since = Date.now();
    await refused(bo.actions.changeRoleOfPeer(cy.id, "speaker", true), 403, /update-call-permissions|allowed/);
    await refused(bo.actions.changeRoleOfPeer(bo.id, "moderator"), 403);
    await refused(ann.actions.changeRoleOfPeer(bo.id, "nobody-knows", true), 404, /role/);
    await refused(ann.actions.changeRoleOfPeer("nobody-knows", "speaker", true), 404, /peer|nobody/);
    await ann.actions.changeRoleOfPeer(cy.id, "caster", true);
    await refused(ann.actions.changeRoleOfPeer(di.id, "caster", true), 403, /full/);
    await refused(eve.actions.changeRoleOfPeer(bo.id, "moderator", true), 403);
    assert.ok(Date.now() - since < AT_ONCE_MS, "nothing was tried again");
    await cy.seesRole(cy, "caster");
    await settled(ann, bo, di);
    assert.deepEqual([bo, cy, di].map((of) => ann.peer(of).roleName), ["listener", "caster", "guest"]);
  });

  test("an answer that comes too late is refused, and the question stays until it is rejected", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    const request = await bo.asked("speaker");
    await refused(ann.actions.acceptChangeRole(request), 404);
    await ann.actions.changeRoleOfPeer(bo.id, "guest", true);
    await bo.seesRole(bo, "guest");
    await refused(bo.actions.acceptChangeRole(request), 410);
    assert.deepEqual([bo.role, bo.request.token], ["guest", request.token]);
    bo.actions.rejectChangeRole(request);
    assert.equal(bo.request, null);
    await refused(bo.actions.acceptChangeRole({ ...request, token: "never-was" }), 404);
  });
});

describe("a request", () => {
  test("outlives who made it", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "moderator" });
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    const request = await bo.asked("speaker");
    await ann.leave();
    await bo.sees(bo, cy);
    await bo.actions.acceptChangeRole(request);
    for (const client of [bo, cy]) await client.seesRole(bo, "speaker");
  });

  test("of the server's has nobody who asks", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await house.backEnd(room, "changeRoleOfPeer", { peerId: bo.id, role: "speaker" });
    const request = await bo.asked("speaker");
    assert.equal(request.requestedBy, undefined);
    await bo.actions.acceptChangeRole(request);
    await ann.seesRole(bo, "speaker");
    await house.backEnd(room, "changeRoleOfPeer", { peerId: bo.id, role: "guest", force: true });
    await ann.seesRole(bo, "guest");
    await toldOnce([ann, bo], bo, bo);
  });

  test("that is rejected is told to a listening asker once it has expired", async (t) => {
    const brief = await openHouse('[limits]\nrole_request_ttl = "1s"\n');
    t.after(() => brief.close());
    const { ann, bo } = await brief.gathers({ ann: "moderator", bo: "listener" });
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    const request = await bo.asked("speaker");
    bo.actions.rejectChangeRole(request);
    const { data } = await ann.hears(Types.NEW_MESSAGE, ({ type }) => type === "role-request-expired");
    assert.deepEqual([data.message.peerId, data.message.role, data.sender], [bo.id, "speaker", undefined]);
    await refused(bo.actions.acceptChangeRole(request), 410);
    assert.equal(bo.told(Types.NEW_MESSAGE).length, 0);
  });

  test("that a native client rejects is told to the asker, with the reason", async () => {
    const { room, ann } = await house.gathers({ ann: "moderator" });
    const bo = await house.native(room, { user_id: "bo", role: "listener" });
    await ann.until(() => ann.names.includes("bo"), "sees bo");
    const asked = new Promise((resolve) => bo.once("role-change-request", resolve));
    await ann.actions.changeRoleOfPeer(bo.peerId, "speaker");
    const { request } = await asked;
    await bo.rejectChangeRole(request, "I am shy");
    const { data } = await ann.hears(Types.NEW_MESSAGE, ({ type }) => type === "role-request-rejected");
    assert.deepEqual([data.message.peerId, data.message.role, data.message.reason], [bo.peerId, "speaker", "I am shy"]);
  });

  test("that is the second for somebody waits its turn", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "moderator" });
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    const first = await bo.asked("speaker");
    await cy.actions.changeRoleOfPeer(bo.id, "guest");
    await settled(cy, ann, bo);
    assert.equal(bo.request.role.name, "speaker", "the first is still the one shown");
    await bo.actions.acceptChangeRole(first);
    await bo.seesRole(bo, "speaker");
    const second = await bo.asked("guest");
    assert.equal(second.requestedBy.name, "cy");
    await bo.actions.acceptChangeRole(second);
    for (const client of [ann, bo, cy]) await client.seesRole(bo, "guest");
  });
});

describe("all peers of some roles", () => {
  test("are changed at once, unasked", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    await ann.actions.changeRoleOfPeersWithRoles(["listener", "guest"], "speaker");
    for (const client of [ann, bo, cy, di]) {
      for (const of of [bo, cy, di]) await client.seesRole(of, "speaker");
      assert.equal(client.request, null, "no dialog");
    }
    assert.equal(ann.role, "moderator");
    await toldOnce([ann, bo, cy, di], bo, cy, di);
    assert.equal(di.permissions.mute, true);
  });

  test("includes who makes the change, where his role is one of them", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await ann.actions.changeRoleOfPeersWithRoles(["moderator", "listener"], "guest");
    for (const client of [ann, bo]) for (const of of [ann, bo]) await client.seesRole(of, "guest");
    await toldOnce([ann, bo], ann, bo);
  });

  test("an empty list changes nobody, nor does one of unknown roles", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    await ann.actions.changeRoleOfPeersWithRoles([], "speaker");
    await ann.actions.changeRoleOfPeersWithRoles(["nobody-knows"], "speaker");
    await ann.actions.changeRoleOfPeersWithRoles(["caster"], "speaker");
    await toldOnce([ann, bo, cy, di]);
  });

  test("unknown roles beside known ones are passed over", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    await ann.actions.changeRoleOfPeersWithRoles(["nobody-knows", "guest"], "speaker");
    await toldOnce([ann, bo, cy, di], di);
  });

  test("it throws where the target is in the list, and where the change is not allowed", async () => {
    const { ann, bo, cy, di } = await house.gathers(CLASS);
    const since = Date.now();
    await refused(ann.actions.changeRoleOfPeersWithRoles(["listener", "speaker"], "speaker"), 400);
    await refused(ann.actions.changeRoleOfPeersWithRoles(["listener"], "nobody-knows"), 404, /role/);
    await refused(bo.actions.changeRoleOfPeersWithRoles(["listener"], "speaker"), 403);
    await refused(ann.actions.changeRoleOfPeersWithRoles(["listener"], "caster"), 403, /full/);
    assert.ok(Date.now() - since < AT_ONCE_MS, "nothing was tried again");
    await toldOnce([ann, bo, cy, di]);
  });
});

describe("ideas, without media", () => {
  test("a waiting room: hosts are told who came, and let him in by a change of role", async () => {
    const room = fresh();
    const ann = await house.joins("ann", room, "moderator");
    const bo = await house.joins("bo", room, "guest");
    const { data } = await ann.hears(Types.PEER_JOINED, ({ name }) => name === "bo");
    assert.equal(data.roleName, "guest");
    await ann.actions.changeRoleOfPeer(data.id, "listener", true);
    await bo.seesRole(bo, "listener");
    await toldOnce([ann, bo], bo);
  });

  test("the page's handler of requests, as it stands there", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    const [hmsStore, hmsActions, said] = [bo.store, bo.actions, []];
    const shouldAccept = (request) => request.role.name === "speaker";
    function handleRoleChangeRequest(request) {
      if (!request) {
        return;
      }
      said.push(`${request.requestedBy.name} requested role change to - ${request.role.name}`);
      const accept = shouldAccept(request);
      if (accept) {
        hmsActions.acceptChangeRole(request);
      } else {
        hmsActions.rejectChangeRole(request);
      }
    }
    hmsStore.subscribe(handleRoleChangeRequest, select.selectRoleChangeRequest);
    await ann.actions.changeRoleOfPeer(bo.id, "speaker");
    await ann.seesRole(bo, "speaker");
    await ann.actions.changeRoleOfPeer(bo.id, "guest");
    await bo.until(() => said.length === 2, "is asked twice");
    assert.deepEqual(said, ["ann requested role change to - speaker", "ann requested role change to - guest"]);
    assert.deepEqual([bo.role, bo.request], ["speaker", null]);
  });
});
