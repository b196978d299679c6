/** @file Teams (multi-tenant), end to end: who is in which team reads, finds, makes and joins what is his team's, and nothing else. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, ids, next, openHouse, refused, sorted } from "./house.mjs";

const NO_TEAM = /cannot access resource in scope 'video:default' because requested resource does not belong to any team|not in any of the teams|team/;

describe("teams", () => {
  let house;
  let video;
  const cid = { red: "default:red-call", blue: "default:blue-call", none: "default:open-call" };
  /** A call as a user has it. */
  const as = (user, name) => house.user(user).video.call(...cid[name].split(":"));
  const called = ({ calls }) => sorted(calls.map(({ call }) => call.cid));

  before(async () => {
    house = await openHouse();
    video = house.client.video;
    assert.equal((await house.client.getApp()).app.multi_tenant_enabled, false);
    await house.client.updateApp({ multi_tenant_enabled: true });
    assert.equal((await house.client.getApp()).app.multi_tenant_enabled, true);
    await house.people(
      { id: "sara", name: "Sara", teams: ["red", "blue"] },
      { id: "rob", name: "Nick", teams: ["red"] },
      { id: "bea", name: "Nick", teams: ["blue"] },
      { id: "tom", name: "Tom" },
    );
    await video.call("default", "red-call").getOrCreate({ data: { team: "red", created_by_id: "rob" } });
    await video.call("default", "blue-call").getOrCreate({ data: { team: "blue", created_by_id: "bea" } });
    await video.call("default", "open-call").getOrCreate({ data: { created_by_id: "tom" } });
  });
  after(() => house?.close());

  test("users have them, within bounds", async () => {
    const { users } = await house.people({ id: "many", teams: Array.from({ length: 250 }, (_, n) => `team-${n}`), teams_role: { "team-0": "admin" } });
    assert.equal(users.many.teams.length, 250);
    assert.deepEqual(users.many.teams_role, { "team-0": "admin" });
    assert.deepEqual((await house.people({ id: "long", teams: ["x".repeat(100)] })).users.long.teams, ["x".repeat(100)]);
    await refused(house.people({ id: "many", teams: Array.from({ length: 251 }, (_, n) => `team-${n}`) }), 4, "UpdateUsers", "250");
    await refused(house.people({ id: "long", teams: ["x".repeat(101)] }), 4, "UpdateUsers", "100");
    await refused(house.people({ id: "odd", teams: [""] }), 4, "UpdateUsers", "team");
    await refused(house.people({ id: "odd", teams_role: { red: "no-such-role" } }), 4, "UpdateUsers", "no-such-role");
    await house.client.deleteUsers({ user_ids: ["many", "long"], user: "hard" });
  });

  test("users are made by the backend alone", async () => {
    await refused(house.user("new").upsertUsers([{ id: "new", teams: ["red"] }]), 17, "UpdateUsers");
    await refused(house.user("new").upsertUsers([{ id: "new", name: "New" }]), 17, "UpdateUsers");
    const anonymous = { headers: { "stream-auth-type": "anonymous" }, body: { user: { id: "gus" } } };
    assert.equal((await house.ask("POST", "/video/guest", anonymous)).status, 403);
    await refused(house.user("rob").upsertUsers([{ id: "rob", teams: ["red", "blue"] }]), 17, "UpdateUsers");
    await refused(house.user("rob").updateUsersPartial({ users: [{ id: "rob", set: { teams: ["blue"] } }] }), 17, "UpdateUsersPartial");
    const { users } = await house.client.queryUsers({ payload: { filter_conditions: { id: { $in: ["rob", "new"] } } } });
    assert.deepEqual(users.map(({ id, teams }) => [id, teams]), [["rob", ["red"]]]);
    assert.equal((await house.user("rob").upsertUsers([{ id: "rob", custom: { mood: "good" } }])).users.rob.custom.mood, "good");
  });

  test("a call of one's team is read, another's and one without is not", async () => {
    assert.equal((await as("rob", "red").get()).call.team, "red");
    assert.equal((await as("sara", "blue").get()).call.team, "blue");
    assert.equal((await as("tom", "none").get()).call.team ?? null, null);
    for (const [user, name] of [["rob", "blue"], ["rob", "none"], ["sara", "none"], ["tom", "red"], ["bea", "red"]]) {
      await refused(as(user, name).get(), 17, "GetCall", user, NO_TEAM);
      await refused(as(user, name).getOrCreate(), 17, "GetOrCreateCall", user);
    }
  });

  test("whatever is asked of another team's call is refused, and changes nothing", async () => {
    // Blue's people go on living: when they were last seen is theirs.
    const blues = async () => ({ ...(await video.call("default", "blue-call").get()).call, created_by: "bea" });
    const before = await blues();
    const call = as("rob", "blue");
    const asked = [
      [() => call.update({ custom: { by: "rob" } }), "UpdateCall"],
      [() => call.updateCallMembers({ update_members: [{ user_id: "rob" }] }), "UpdateCallMembers"],
      [() => call.queryMembers(), "QueryCallMembers"],
      [() => call.updateUserPermissions({ user_id: "bea", revoke_permissions: ["send-audio"] }), "UpdateUserPermissions"],
      [() => call.muteUsers({ mute_all_users: true, audio: true }), "MuteUsers"],
      [() => call.blockUser({ user_id: "bea" }), "BlockUser"],
      [() => call.unblockUser({ user_id: "bea" }), "UnblockUser"],
      [() => call.kickUser({ user_id: "bea" }), "KickUser"],
      [() => call.goLive(), "GoLive"],
      [() => call.stopLive(), "StopLive"],
      [() => call.sendCallEvent({ custom: { hello: 1 } }), "SendCallEvent"],
      [() => call.queryCallParticipants(), "QueryCallParticipants"],
      [() => call.videoPin({ user_id: "bea", session_id: "x" }), "VideoPin"],
      [() => call.videoUnpin({ user_id: "bea", session_id: "x" }), "VideoUnpin"],
      [() => call.end(), "EndCall"],
      [() => call.delete(), "DeleteCall"],
    ];
    for (const [ask, operation] of asked) await refused(ask(), 17, operation);
    await assert.rejects(house.native(cid.blue, "rob"), { code: 403, reason: "wrong-team" });
    assert.deepEqual(await blues(), before);
  });

  test("a call is made in one's own team, which must be named", async () => {
    const made = async (user, team) => house.user(user).video.call("default", fresh("call")).getOrCreate(team === undefined ? undefined : { data: { team } });
    assert.equal((await made("rob", "red")).call.team, "red");
    assert.equal((await made("sara", "blue")).call.team, "blue");
    assert.equal((await made("tom")).call.team ?? null, null);
    await refused(made("sara"), 17, "GetOrCreateCall", "team");
    await refused(made("rob", "blue"), 17, "GetOrCreateCall", "team");
    await refused(made("tom", "red"), 17, "GetOrCreateCall", "team");
    const call = video.call("default", fresh("call"));
    await refused(call.getOrCreate({ data: { created_by_id: "rob", team: "x".repeat(101) } }), 4, "GetOrCreateCall", "100");
    await refused(call.get(), 16, "GetCall");
  });

  test("calls are found in one's own teams, whatever the filter", async () => {
    const of = async (user, filter_conditions) => called(await house.user(user).video.queryCalls({ filter_conditions: { id: { $in: ["red-call", "blue-call", "open-call"] }, ...filter_conditions } }));
    assert.deepEqual([await of("rob"), await of("sara"), await of("tom")], [[cid.red], [cid.blue, cid.red], [cid.none]]);
    assert.deepEqual([await of("sara", { team: "red" }), await of("sara", { team: { $in: ["blue"] } })], [[cid.red], [cid.blue]]);
    // What opts out of the filter opts out of no law.
    for (const filter of [{ team: {} }, { team: null }, { team: "blue" }, { team: { $exists: true } }, { team: { $exists: false } }, { team: { $in: ["red", "blue"] } }, { $or: [{ team: "blue" }, { team: "red" }] }, { $and: [{ team: {} }] }]) {
      const seen = await of("rob", filter);
      assert.ok(seen.every((one) => one === cid.red), `${JSON.stringify(filter)} shows ${seen}`);
    }
    assert.deepEqual([await of("rob", { team: {} }), await of("tom", { team: {} })], [[cid.red], [cid.none]]);
  });

  test("the backend finds everything", async () => {
    const of = async (filter_conditions) => called(await video.queryCalls({ filter_conditions: { id: { $in: ["red-call", "blue-call", "open-call"] }, ...filter_conditions } }));
    assert.deepEqual([await of({}), await of({ team: {} })], [sorted(Object.values(cid)), sorted(Object.values(cid))]);
    assert.deepEqual([await of({ team: null }), await of({ team: "blue" }), await of({ team: { $in: ["red", "blue"] } })], [[cid.none], [cid.blue], [cid.blue, cid.red]]);
    assert.deepEqual(await of({ team: { $exists: false } }), [cid.none]);
  });

  test("users are found in one's own teams, whatever the filter", async () => {
    const of = async (client, filter_conditions) => sorted(ids((await client.queryUsers({ payload: { filter_conditions: { id: { $in: ["sara", "rob", "bea", "tom"] }, ...filter_conditions } } })).users));
    const { client } = house;
    assert.deepEqual(await of(client, {}), ["bea", "rob", "sara", "tom"]);
    assert.deepEqual(await of(client, { name: "Nick", teams: { $in: ["red", "blue"] } }), ["bea", "rob"]);
    assert.deepEqual([await of(client, { teams: null }), await of(client, { teams: { $contains: "blue" } })], [["tom"], ["bea", "sara"]]);
    assert.deepEqual([await of(house.user("rob"), {}), await of(house.user("sara"), {}), await of(house.user("tom"), {})], [["rob", "sara"], ["bea", "rob", "sara"], ["tom"]]);
    for (const filter of [{ teams: {} }, { teams: null }, { teams: { $in: ["red", "blue"] } }, { $or: [{ teams: { $contains: "blue" } }, { teams: null }] }, { name: "Nick", teams: {} }]) {
      const seen = await of(house.user("rob"), filter);
      assert.ok(seen.every((id) => ["rob", "sara"].includes(id)), `${JSON.stringify(filter)} shows ${seen}`);
    }
    assert.deepEqual(await of(house.user("rob"), { teams: {} }), ["rob", "sara"]);
  });

  test("a role of his own in a team", async () => {
    await house.people({ id: "lea", teams: ["red", "blue"], teams_role: { red: "admin" } });
    const [red, blue] = [(await as("lea", "red").get()).own_capabilities, (await as("lea", "blue").get()).own_capabilities];
    assert.deepEqual([red.includes("block-users"), blue.includes("block-users"), blue.includes("send-audio")], [true, false, true]);
    await as("lea", "red").updateUserPermissions({ user_id: "rob", revoke_permissions: ["send-video"] });
    await refused(as("lea", "blue").updateUserPermissions({ user_id: "bea", revoke_permissions: ["send-video"] }), 17, "UpdateUserPermissions");
  });

  test("a grant for any team reaches over the walls, and only as far as it says", async () => {
    await house.client.createRole({ name: "auditor" });
    await house.people({ id: "ada", teams: ["red"], role: "auditor" });
    const { grants } = await video.getCallType({ name: "default" });
    await refused(as("ada", "blue").get(), 17, "GetCall");
    await video.updateCallType({ name: "default", grants: { auditor: ["read-call-any-team", "send-audio"] } });
    assert.deepEqual((await as("ada", "blue").get()).own_capabilities, ["read-call"]);
    await refused(as("ada", "blue").update({ custom: {} }), 17, "UpdateCall");
    await assert.rejects(house.native(cid.blue, "ada"), (error) => error.code === 403);
    await video.updateCallType({ name: "default", grants: { auditor: ["read-call-any-team", "join-call-any-team"] } });
    const room = await house.native(cid.blue, "ada");
    assert.deepEqual(room.self.capabilities, ["join-call", "read-call"]);
    await room.leave();
    await video.updateCallType({ name: "default", grants: { auditor: [] } });
    assert.deepEqual((await video.getCallType({ name: "default" })).grants.user, grants.user);
  });

  test("native peers are held to it too, also when it changes under them", async () => {
    const rob = await house.native(cid.red, "rob");
    assert.equal(rob.room.team, "red");
    for (const [user, name] of [["rob", "none"], ["tom", "red"], ["nobody-known", "red"]]) await assert.rejects(house.native(cid[name], user), { code: 403, reason: "wrong-team" });
    const closed = next(rob, "closed");
    await house.people({ id: "rob", teams: ["blue"] });
    assert.equal((await closed).code, 4502);
    await refused(as("rob", "red").get(), 17, "GetCall");
    await house.people({ id: "rob", teams: ["red"] });
    assert.equal((await as("rob", "red").get()).call.team, "red");
  });

  test("switched off, nobody is kept apart", async () => {
    await house.client.updateApp({ multi_tenant_enabled: false });
    assert.equal((await as("rob", "blue").get()).call.team, "blue");
    assert.equal(called(await house.user("tom").video.queryCalls({ filter_conditions: { id: { $in: ["red-call", "blue-call", "open-call"] } } })).length, 3);
    await house.client.updateApp({ multi_tenant_enabled: true });
    await refused(as("rob", "blue").get(), 17, "GetCall");
  });
});
