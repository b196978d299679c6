/** @file Users through Stream's SDK: made, changed, found, deactivated, deleted, guests. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, ids, openHouse, recent, refused, sorted } from "./house.mjs";

describe("users", () => {
  let house;
  before(async () => { house = await openHouse(); });
  after(() => house?.close());
  const find = async (id, more = {}) => (await house.client.queryUsers({ payload: { filter_conditions: { id }, ...more } })).users[0];

  test("are made, whole", async () => {
    const id = fresh("ann");
    const { users, membership_deletion_task_id } = await house.people({ id, name: "Ann", image: "https://example.com/a.png", custom: { seat: 7, tags: ["a"] }, language: "de" });
    assert.equal(membership_deletion_task_id, "");
    const { created_at, updated_at, ...ann } = users[id];
    recent(created_at);
    recent(updated_at);
    const { name, image, role, teams, custom, language, banned, online, invisible, shadow_banned, blocked_user_ids, devices, mutes, channel_mutes } = ann;
    assert.deepEqual({ name, image, role, teams, custom, language }, { name: "Ann", image: "https://example.com/a.png", role: "user", teams: [], custom: { seat: 7, tags: ["a"] }, language: "de" });
    assert.deepEqual({ banned, online, invisible, shadow_banned }, { banned: false, online: false, invisible: false, shadow_banned: false });
    assert.deepEqual([blocked_user_ids, devices, mutes, channel_mutes], [[], [], [], []]);
    assert.deepEqual([ann.total_unread_count, ann.unread_channels, ann.unread_count, ann.unread_threads], [0, 0, 0, 0]);
    const found = await find(id);
    assert.deepEqual([found.name, found.custom, found.created_at], ["Ann", custom, created_at]);
  });

  test("are updated whole, many at once", async () => {
    const [ann, bo] = [fresh("ann"), fresh("bo")];
    await house.people({ id: ann, name: "Ann", custom: { seat: 1 } }, bo);
    const before = await find(ann);
    const { users } = await house.people({ id: ann, name: "Anna", role: "admin" }, { id: bo, name: "Bo" });
    assert.deepEqual(sorted(Object.keys(users)), sorted([ann, bo]));
    assert.deepEqual([users[ann].name, users[ann].role, users[bo].name], ["Anna", "admin", "Bo"]);
    assert.deepEqual(users[ann].created_at, before.created_at);
    assert.ok(users[ann].updated_at >= before.updated_at);
  });

  test("are updated in part", async () => {
    const id = fresh("ann");
    await house.people({ id, name: "Ann", custom: { seat: 1, deep: { a: 1, b: 2 } } });
    const { users } = await house.client.updateUsersPartial({ users: [{ id, set: { name: "Anna", seat: 2, "deep.a": 9, role: "moderator" }, unset: ["deep.b"] }] });
    assert.deepEqual([users[id].name, users[id].role, users[id].custom], ["Anna", "moderator", { seat: 2, deep: { a: 9 } }]);
    const again = await house.client.updateUsersPartial({ users: [{ id, unset: ["seat", "name"] }] });
    assert.deepEqual([again.users[id].name ?? null, again.users[id].custom], [null, { deep: { a: 9 } }]);
    await refused(house.client.updateUsersPartial({ users: [{ id: "nobody-there", set: { name: "x" } }] }), 4, "UpdateUsersPartial", "the provided users [nobody-there] don't exist");
    await refused(house.client.updateUsersPartial({ users: [{ id, set: { role: "no-such-role" } }] }), 4, "UpdateUsersPartial", "no-such-role");
  });

  test("a bad one is refused, and none of those beside it is made", async () => {
    const [good, bad] = [fresh("good"), fresh("bad")];
    await refused(house.people(good, { id: bad, role: "no-such-role" }), 4, "UpdateUsers", "no-such-role");
    await refused(house.people(good, { id: "a\nb" }), 4, "UpdateUsers");
    await refused(house.people(good, { id: "x".repeat(256) }), 4, "UpdateUsers");
    await refused(house.client.updateUsers({ users: {} }), 4, "UpdateUsers");
    await refused(house.client.updateUsers({ users: { [good]: { id: bad } } }), 4, "UpdateUsers");
    assert.equal(await find(good), undefined);
    assert.equal(await find(bad), undefined);
  });

  test("change themselves, and neither their role nor anybody else", async () => {
    const [ann, bo] = [fresh("ann"), fresh("bo")];
    await house.people(ann, { id: bo, name: "Bo" });
    const user = house.user(ann);
    assert.equal((await user.upsertUsers([{ id: ann, name: "Ann", custom: { mood: "good" } }])).users[ann].name, "Ann");
    assert.equal((await user.updateUsersPartial({ users: [{ id: ann, set: { mood: "fine" } }] })).users[ann].custom.mood, "fine");
    await refused(user.upsertUsers([{ id: ann, role: "admin" }]), 17, "UpdateUsers");
    await refused(user.upsertUsers([{ id: ann, teams: ["red"] }]), 17, "UpdateUsers");
    await refused(user.upsertUsers([{ id: bo, name: "Bob" }]), 17, "UpdateUsers");
    await refused(user.updateUsersPartial({ users: [{ id: bo, set: { name: "Bob" } }] }), 17, "UpdateUsersPartial");
    await refused(user.deleteUsers({ user_ids: [bo] }), 17, "DeleteUsers");
    await refused(user.deactivateUsers({ user_ids: [bo] }), 17, "DeactivateUsers");
    assert.deepEqual([(await find(bo)).name, (await find(ann)).role, (await find(ann)).teams], ["Bo", "user", []]);
  });

  test("guests come with a token and a name of their own", async () => {
    const id = fresh("guest");
    const { user, access_token } = await house.client.createGuest({ user: { id, name: "Gus", custom: { from: "here" } } });
    assert.ok(user.id.endsWith(id) && user.id !== id, user.id);
    assert.deepEqual([user.role, user.name, user.custom], ["guest", "Gus", { from: "here" }]);
    recent(user.created_at);
    const call = house.client.video.call("default", fresh("call"));
    await house.people("ann");
    await call.getOrCreate({ data: { created_by_id: "ann" } });
    const { own_capabilities } = await house.as(access_token).video.call(call.type, call.id).get();
    assert.deepEqual(own_capabilities, ["join-call", "read-call", "send-audio", "send-video"]);
    await refused(house.as(access_token).video.call("default", fresh("call")).getOrCreate(), 17, "GetOrCreateCall", user.id, "CreateCall");
  });

  test("are deactivated and reactivated", async () => {
    const [ann, bo] = [fresh("ann"), fresh("bo")];
    await house.people(ann, bo);
    const { task_id } = await house.client.deactivateUsers({ user_ids: [ann] });
    const task = await house.client.getTask({ id: task_id });
    assert.deepEqual([task.task_id, task.status], [task_id, "completed"]);
    recent(task.created_at);
    assert.equal(await find(ann), undefined);
    recent((await find(ann, { include_deactivated_users: true })).deactivated_at);
    await refused(house.user(ann).video.queryCalls(), 17, "QueryCalls", ann);
    await house.client.reactivateUsers({ user_ids: [ann] });
    assert.equal((await find(ann)).deactivated_at ?? null, null);
    assert.ok((await house.user(ann).video.queryCalls()).calls);
    recent((await house.client.deactivateUser({ user_id: bo })).user.deactivated_at);
    assert.equal((await house.client.reactivateUser({ user_id: bo })).user.id, bo);
    await refused(house.client.deactivateUsers({ user_ids: ["nobody-there"] }), 4, "DeactivateUsers", "nobody-there");
  });

  test("are deleted and restored", async () => {
    const [ann, bo] = [fresh("ann"), fresh("bo")];
    await house.people({ id: ann, name: "Ann" }, bo);
    const { task_id } = await house.client.deleteUsers({ user_ids: [ann], user: "soft" });
    assert.equal((await house.client.getTask({ id: task_id })).status, "completed");
    assert.equal(await find(ann), undefined);
    await refused(house.user(ann).video.queryCalls(), 17, "QueryCalls", ann);
    await house.client.restoreUsers({ user_ids: [ann] });
    assert.equal((await find(ann)).name, "Ann");
    await refused(house.client.restoreUsers({ user_ids: [bo] }), 4, "RestoreUsers", `user "${bo}" is not deleted, it can't be restored`);
    await house.client.deleteUsers({ user_ids: [bo], user: "hard" });
    assert.equal(await find(bo), undefined);
    await refused(house.client.getTask({ id: "no-such-task" }), 16, "GetTask");
  });
});

describe("users are found", () => {
  let house;
  before(async () => {
    house = await openHouse();
    await house.client.createRole({ name: "teacher" });
    const names = ["Ann", "Anna", "Bo", "Cy", "Di"];
    await house.people(...names.map((name, n) => ({ id: name.toLowerCase(), name, role: n % 2 ? "teacher" : "user", custom: { grade: n, place: n < 2 ? "Rome" : "Oslo" } })));
  });
  after(() => house?.close());
  const found = async (filter_conditions, more = {}) => ids((await house.client.queryUsers({ payload: { filter_conditions, sort: [{ field: "id", direction: 1 }], ...more } })).users);

  test("by every field that is documented", async () => {
    assert.deepEqual(await found({}), ["ann", "anna", "bo", "cy", "di"]);
    assert.deepEqual(await found({ id: "bo" }), ["bo"]);
    assert.deepEqual(await found({ id: { $in: ["di", "ann", "nobody"] } }), ["ann", "di"]);
    assert.deepEqual(await found({ id: { $gt: "anna", $lte: "cy" } }), ["bo", "cy"]);
    assert.deepEqual(await found({ name: "Bo" }), ["bo"]);
    assert.deepEqual(await found({ name: { $autocomplete: "an" } }), ["ann", "anna"]);
    assert.deepEqual(await found({ role: "teacher" }), ["anna", "cy"]);
    assert.deepEqual(await found({ role: { $in: ["teacher", "admin"] } }), ["anna", "cy"]);
    assert.deepEqual(await found({ banned: true }), []);
    assert.deepEqual(await found({ "custom.place": "Rome" }), ["ann", "anna"]);
    assert.deepEqual(await found({ "custom.grade": { $gte: 3 } }), ["cy", "di"]);
    assert.deepEqual(await found({ created_at: { $gt: new Date(Date.now() - 60_000).toISOString() } }), ["ann", "anna", "bo", "cy", "di"]);
    assert.deepEqual(await found({ created_at: { $lt: "2020-01-01T00:00:00Z" } }), []);
    assert.deepEqual(await found({ last_active: { $exists: false } }), ["ann", "anna", "bo", "cy", "di"]);
    assert.deepEqual(await found({ teams: null }), ["ann", "anna", "bo", "cy", "di"]);
  });

  test("by several conditions", async () => {
    assert.deepEqual(await found({ "custom.place": "Oslo", role: "teacher" }), ["cy"]);
    assert.deepEqual(await found({ $and: [{ "custom.place": "Oslo" }, { "custom.grade": { $lt: 4 } }] }), ["bo", "cy"]);
    assert.deepEqual(await found({ $or: [{ name: "Di" }, { role: "teacher" }] }), ["anna", "cy", "di"]);
    assert.deepEqual(await found({ $or: [{ $and: [{ "custom.place": "Rome" }, { "custom.grade": 0 }] }, { id: "di" }] }), ["ann", "di"]);
  });

  test("in an order, a page at a time", async () => {
    assert.deepEqual(await found({}, { sort: [{ field: "name", direction: -1 }] }), ["di", "cy", "bo", "anna", "ann"]);
    assert.deepEqual(await found({}, { sort: [{ field: "role", direction: 1 }, { field: "id", direction: -1 }] }), ["cy", "anna", "di", "bo", "ann"]);
    assert.deepEqual(await found({}, { limit: 2 }), ["ann", "anna"]);
    assert.deepEqual(await found({}, { limit: 2, offset: 2 }), ["bo", "cy"]);
    assert.deepEqual(await found({}, { limit: 2, offset: 4 }), ["di"]);
  });

  test("and what is not understood is named", async () => {
    const ask = (payload) => house.client.queryUsers({ payload });
    await refused(ask({ filter_conditions: { name: { $sounds: "x" } } }), 4, "QueryUsers", "$sounds");
    await refused(ask({ filter_conditions: { shoe_size: 42 } }), 4, "QueryUsers", "shoe_size");
    await refused(ask({ filter_conditions: { $maybe: [] } }), 4, "QueryUsers", "$maybe");
    await refused(ask({ filter_conditions: { created_at: "yesterday" } }), 4, "QueryUsers", "created_at");
    await refused(ask({ filter_conditions: { banned: { $gt: true } } }), 4, "QueryUsers", "banned");
    await refused(ask({ filter_conditions: {}, limit: 101 }), 4, "QueryUsers", "limit");
    await refused(ask({ filter_conditions: {}, offset: 1001 }), 4, "QueryUsers", "offset");
  });
});
