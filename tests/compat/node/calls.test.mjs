/** @file Calls through Stream's SDK: made, read, changed, their members, who may what, ended, deleted. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, ids, openHouse, recent, refused, same, sorted } from "./house.mjs";

/** What `user` has in a call of type `default`, and what whoever made it has besides. */
const USER = ["create-call", "create-reaction", "end-call", "join-call", "join-ended-call", "read-call", "remove-call-member", "screenshare", "send-audio", "send-video",
  "start-broadcast-call", "start-record-call", "start-transcription-call", "stop-broadcast-call", "stop-record-call", "stop-transcription-call", "update-call-member"];
const CREATOR = ["block-users", "kick-user", "mute-users", "pin-for-everyone", "update-call", "update-call-permissions", "update-call-settings"];

describe("calls", () => {
  let house;
  before(async () => {
    house = await openHouse();
    await house.people({ id: "ann", name: "Ann", custom: { seat: 1 } }, "bo", "cy", "di");
    await house.client.createRole({ name: "presenter" });
    // A role that a call type gives nothing to is none of its roles.
    await house.client.video.updateCallType({ name: "default", grants: { presenter: ["send-audio"] } });
  });
  after(() => house?.close());
  const call = (type = "default", id = fresh("call")) => house.client.video.call(type, id);
  const made = async (type, data = {}) => {
    const one = call(type);
    await one.getOrCreate({ data: { created_by_id: "ann", ...data } });
    return one;
  };
  /** A call as a user has it. */
  const as = (user, one, claims) => house.user(user, claims).video.call(one.type, one.id);

  describe("are made", () => {
    test("once, and got from then on", async () => {
      const one = call();
      const first = await one.getOrCreate({ data: { created_by_id: "ann", custom: { topic: "roses" } } });
      assert.deepEqual([first.created, first.members, first.own_capabilities], [true, [], []]);
      const { type, id, cid, custom, created_by, backstage, recording, transcribing, captioning, translating, current_session_id, blocked_user_ids, egress, ingress, settings } = first.call;
      assert.deepEqual([type, id, cid, custom], ["default", one.id, one.cid, { topic: "roses" }]);
      assert.deepEqual([created_by.id, created_by.name, created_by.role, created_by.custom], ["ann", "Ann", "user", { seat: 1 }]);
      assert.deepEqual([backstage, recording, transcribing, captioning, translating, current_session_id, blocked_user_ids], [false, false, false, false, false, "", []]);
      assert.equal(egress.broadcasting, false);
      assert.ok([ingress.rtmp, ingress.srt, ingress.whip].every(({ address }) => typeof address === "string"));
      assert.equal(settings.audio.default_device, "earpiece");
      for (const time of [first.call.created_at, first.call.updated_at, created_by.created_at]) recent(time);
      for (const absent of ["ended_at", "starts_at", "team", "session"]) assert.equal(first.call[absent] ?? null, null, absent);
      const again = await one.create({ data: { created_by_id: "bo", custom: { topic: "thorns" } } });
      assert.deepEqual([again.created, again.call.custom, again.call.created_by.id], [false, custom, "ann"]);
      assert.deepEqual((await one.get()).call, again.call);
    });

    test("with members, the last first", async () => {
      const one = call();
      const { members } = await one.getOrCreate({ data: { created_by_id: "ann", members: [{ user_id: "bo", role: "admin", custom: { desk: 1 } }, { user_id: "cy" }] } });
      assert.deepEqual(ids(members), ["cy", "bo"]);
      assert.deepEqual([members[1].role, members[1].custom, members[1].user.id], ["admin", { desk: 1 }, "bo"]);
      assert.ok([undefined, null, "call_member"].includes(members[0].role));
      members.forEach(({ created_at, updated_at }) => [created_at, updated_at].forEach(recent));
      assert.equal((await house.client.video.getCall({ type: one.type, id: one.id, members_limit: 1 })).members.length, 1);
    });

    test("with settings of their own and a time", async () => {
      const starts_at = new Date(Date.now() + 3_600_000);
      const one = call();
      const { call: got } = await one.getOrCreate({ data: { created_by_id: "ann", starts_at, settings_override: { audio: { mic_default_on: false, default_device: "speaker" }, screensharing: { enabled: false } } } });
      same(got.starts_at, starts_at);
      assert.deepEqual([got.settings.audio.mic_default_on, got.settings.screensharing.enabled, got.settings.video.enabled], [false, false, true]);
      const capabilities = (await as("bo", one).get()).own_capabilities;
      assert.deepEqual([capabilities.includes("screenshare"), capabilities.includes("send-video")], [false, true]);
      await refused(call().getOrCreate({ data: { created_by_id: "ann", settings_override: { smell: {} } } }), 4, "GetOrCreateCall", "smell");
    });

    test("by a user who is then its creator", async () => {
      const one = call();
      const { created, call: got, own_capabilities } = await as("bo", one).getOrCreate({ data: { members: [{ user_id: "bo" }] } });
      assert.deepEqual([created, got.created_by.id], [true, "bo"]);
      for (const capability of [...CREATOR, ...USER]) assert.ok(own_capabilities.includes(capability), capability);
      assert.ok(!own_capabilities.includes("join-backstage"));
      assert.deepEqual(own_capabilities, sorted(own_capabilities));
      const { membership } = await as("bo", one).getOrCreate();
      assert.equal(membership.user_id, "bo");
      const other = await as("cy", one).get();
      assert.deepEqual(other.own_capabilities, sorted(USER));
      assert.equal(other.membership ?? null, null);
    });

    test("and refused with what is missing", async () => {
      await refused(call().getOrCreate(), 4, "GetOrCreateCall", "either data.created_by or data.created_by_id must be provided when using server side auth");
      await refused(call().getOrCreate({ data: { created_by_id: "nobody-there" } }), 4, "GetOrCreateCall",
        "The following users are involved in call create operation, but don't exist: [nobody-there]. Please create the user objects before setting up the call.");
      await refused(call().getOrCreate({ data: { created_by_id: "ann", members: [{ user_id: "nobody-there" }] } }), 4, "GetOrCreateCall", "don't exist: [nobody-there]");
      await refused(call().getOrCreate({ data: { created_by_id: "ann", members: [{ user_id: "" }] } }), 4, "GetOrCreateCall", "user_id");
      await refused(call().getOrCreate({ data: { created_by_id: "ann", members: [{ user_id: "bo", role: "singer" }] } }), 4, "GetOrCreateCall", "singer");
      const { created_by } = (await call().getOrCreate({ data: { created_by: { id: "eve", name: "Eve" } } })).call;
      assert.deepEqual([created_by.id, created_by.name], ["eve", "Eve"]);
      await refused(call("no-such-type").getOrCreate({ data: { created_by_id: "ann" } }), 16, "GetOrCreateCall", "no-such-type: call type does not exist");
      await refused(call("default", "x".repeat(65)).getOrCreate({ data: { created_by_id: "ann" } }), 4, "GetOrCreateCall");
      const none = call();
      await refused(none.get(), 16, "GetCall", `Can't find call with id ${none.cid}`);
      await refused(none.update({ custom: {} }), 16, "UpdateCall", `Can't find call with id ${none.cid}`);
    });
  });

  describe("are changed", () => {
    test("custom data, settings, time", async () => {
      const one = await made("default", { custom: { a: 1, b: 2 } });
      const starts_at = new Date(Date.now() + 7_200_000);
      const { call: got } = await one.update({ custom: { a: 3 }, starts_at, settings_override: { audio: { mic_default_on: false, default_device: "earpiece" } } });
      same(got.starts_at, starts_at);
      assert.deepEqual([got.custom, got.settings.audio.mic_default_on], [{ a: 3 }, false]);
      assert.ok(got.updated_at >= got.created_at);
      const { call: read } = await one.get();
      assert.deepEqual([read.custom, read.starts_at, read.settings], [got.custom, got.starts_at, got.settings]);
      await refused(one.update({ settings_override: { audio: { loudness: 11 } } }), 4, "UpdateCall", "loudness");
      await refused(as("bo", one).update({ custom: {} }), 17, "UpdateCall", "User 'bo' with role 'user' is not allowed to perform action UpdateCall in scope 'video:default'");
      assert.deepEqual((await as("ann", one).update({ custom: { by: "ann" } })).call.custom, { by: "ann" });
    });

    test("members come, change and go, in the order asked", async () => {
      const one = await made();
      const { members } = await one.updateCallMembers({ update_members: [{ user_id: "cy", role: "presenter" }, { user_id: "bo", custom: { desk: 2 } }] });
      assert.deepEqual(ids(members), ["cy", "bo"]);
      assert.equal(members[0].role, "presenter");
      await one.updateCallMembers({ update_members: [{ user_id: "cy", role: "admin" }] });
      const of = async () => Object.fromEntries((await one.queryMembers()).members.map((member) => [member.user_id, [member.role ?? "call_member", member.custom]]));
      assert.deepEqual(await of(), { cy: ["admin", {}], bo: ["call_member", { desk: 2 }] });
      assert.ok((await as("cy", one).get()).own_capabilities.includes("block-users"));
      await one.updateCallMembers({ update_members: [{ user_id: "di" }], remove_members: ["cy"] });
      assert.deepEqual(sorted(Object.keys(await of())), ["bo", "di"]);
      assert.ok(!(await as("cy", one).get()).own_capabilities.includes("block-users"));
      await refused(one.updateCallMembers({ update_members: [{ user_id: "u2" }] }), 4, "UpdateCallMembers", "the provided users [u2] don't exist");
      await refused(one.updateCallMembers({ update_members: [{ user_id: "bo", role: "singer" }] }), 4, "UpdateCallMembers", "singer");
      assert.deepEqual(sorted(Object.keys(await of())), ["bo", "di"]);
    });

    test("whoever may not give a role cannot take it either", async () => {
      const one = await made();
      await refused(as("bo", one).updateCallMembers({ update_members: [{ user_id: "bo", role: "admin" }] }), 17, "UpdateCallMembers");
      await refused(as("ann", one).updateCallMembers({ update_members: [{ user_id: "ann", role: "admin" }] }), 17, "UpdateCallMembers");
      assert.deepEqual((await one.queryMembers()).members, []);
    });

    test("their members are found, sorted, paged", async () => {
      const one = await made("default", { members: [{ user_id: "ann", role: "admin" }, { user_id: "bo", custom: { table: 1 } }, { user_id: "cy", custom: { table: 2 } }] });
      const found = async (filter_conditions, more) => ids((await one.queryMembers({ filter_conditions, sort: [{ field: "user_id", direction: 1 }], ...more })).members);
      assert.deepEqual(await found(), ["ann", "bo", "cy"]);
      assert.deepEqual(await found({ user_id: { $in: ["cy", "di"] } }), ["cy"]);
      assert.deepEqual(await found({ role: "admin" }), ["ann"]);
      assert.deepEqual(await found({ "custom.table": { $gt: 1 } }), ["cy"]);
      assert.deepEqual(await found({ created_at: { $lt: "2020-01-01T00:00:00Z" } }), []);
      assert.deepEqual(await found({}, { sort: [{ field: "user_id", direction: -1 }] }), ["cy", "bo", "ann"]);
      const first = await one.queryMembers({ limit: 2, sort: [{ field: "user_id", direction: 1 }] });
      const second = await one.queryMembers({ limit: 2, sort: [{ field: "user_id", direction: 1 }], next: first.next });
      assert.deepEqual([ids(first.members), ids(second.members), second.next ?? ""], [["ann", "bo"], ["cy"], ""]);
      await refused(one.queryMembers({ filter_conditions: { shoe_size: 42 } }), 4, "QueryCallMembers", "shoe_size");
    });

    test("a user's rights are given and taken", async () => {
      const one = await made();
      const own = async () => new Set((await as("bo", one).get()).own_capabilities);
      await one.updateUserPermissions({ user_id: "bo", revoke_permissions: ["send-audio", "screenshare"] });
      let held = await own();
      assert.deepEqual(["send-audio", "send-video", "screenshare"].map((right) => held.has(right)), [false, true, false]);
      await one.updateUserPermissions({ user_id: "bo", grant_permissions: ["send-audio"] });
      held = await own();
      assert.deepEqual(["send-audio", "screenshare"].map((right) => held.has(right)), [true, false]);
      await refused(one.updateUserPermissions({ user_id: "bo", grant_permissions: ["mute-users"] }), 4, "UpdateUserPermissions", "mute-users");
      await refused(one.updateUserPermissions({ user_id: "bo", revoke_permissions: ["sing"] }), 4, "UpdateUserPermissions", "sing");
      await refused(as("bo", one).updateUserPermissions({ user_id: "bo", grant_permissions: ["screenshare"] }), 17, "UpdateUserPermissions");
    });

    test("users are blocked and unblocked", async () => {
      const one = await made();
      await one.blockUser({ user_id: "bo" });
      assert.deepEqual((await one.get()).call.blocked_user_ids, ["bo"]);
      await refused(as("bo", one).get(), 17, "GetCall", "blocked");
      await refused(as("bo", one).getOrCreate(), 17, "GetOrCreateCall");
      await one.unblockUser({ user_id: "bo" });
      assert.deepEqual([(await one.get()).call.blocked_user_ids, (await as("bo", one).get()).call.id], [[], one.id]);
      await refused(as("bo", one).blockUser({ user_id: "cy" }), 17, "BlockUser", "BlockUser");
      await as("ann", one).blockUser({ user_id: "cy" });
      assert.deepEqual((await one.get()).call.blocked_user_ids, ["cy"]);
    });

    test("one goes live and back", async () => {
      const one = await made("livestream");
      assert.equal((await one.get()).call.backstage, true);
      const { call: live } = await one.goLive();
      assert.equal(live.backstage, false);
      assert.equal((await one.stopLive()).call.backstage, true);
      await refused(as("bo", one).goLive(), 17, "GoLive");
      assert.equal((await as("ann", one).goLive()).call.backstage, false);
    });

    test("one ends, and is not joined any more by whoever may not", async () => {
      const one = await made();
      const { duration } = await one.end();
      assert.match(duration, /ms$/);
      recent((await one.get()).call.ended_at);
      assert.equal((await as("bo", one).get()).call.id, one.id);
      const other = await made("livestream");
      await refused(as("bo", other).end(), 17, "EndCall");
      await as("ann", other).end();
      recent((await other.get()).call.ended_at);
    });

    test("one is deleted, and its name begins anew", async () => {
      const one = await made("default", { custom: { of: "the first" } });
      await refused(as("ann", one).delete(), 17, "DeleteCall");
      assert.equal((await one.delete()).call.id, one.id);
      await refused(one.get(), 16, "GetCall", `Can't find call with id ${one.cid}`);
      assert.deepEqual(ids((await house.client.video.queryCalls({ filter_conditions: { id: one.id } })).calls.map(({ call: got }) => got)), []);
      const { created, call: again } = await one.getOrCreate({ data: { created_by_id: "bo" } });
      assert.deepEqual([created, again.custom, again.created_by.id], [true, {}, "bo"]);
      const { task_id } = await one.delete({ hard: true });
      let status = "running";
      while (status === "running") ({ status } = await house.client.getTask({ id: task_id }));
      assert.equal(status, "completed");
      await refused(one.delete(), 16, "DeleteCall");
    });
  });

  describe("are found", () => {
    let prefix;
    let cid;
    before(async () => {
      prefix = fresh("q");
      cid = (n) => `${n % 2 ? "livestream" : "default"}:${prefix}-${n}`;
      for (let n = 0; n < 6; n += 1) {
        const [type, id] = cid(n).split(":");
        await house.client.video.call(type, id).getOrCreate({ data: { created_by_id: n < 3 ? "ann" : "bo", custom: { series: prefix, n, place: n < 4 ? "Rome" : "Oslo" }, members: n < 2 ? [{ user_id: "di" }] : [], starts_at: new Date(1_900_000_000_000 + n * 1000) } });
      }
      const [type, id] = cid(5).split(":");
      await house.client.video.call(type, id).end();
    });
    /** The numbers of the calls of the series that fit. */
    const found = async (filter, more) => {
      const { calls } = await house.client.video.queryCalls({ filter_conditions: { "custom.series": prefix, ...filter }, sort: [{ field: "id", direction: 1 }], ...more });
      return calls.map(({ call: got }) => got.custom.n);
    };

    test("by every field that is documented", async () => {
      assert.deepEqual(await found({}), [0, 1, 2, 3, 4, 5]);
      assert.deepEqual(await found({ id: `${prefix}-3` }), [3]);
      assert.deepEqual(await found({ cid: { $in: [cid(0), cid(5)] } }), [0, 5]);
      assert.deepEqual(await found({ type: "livestream" }), [1, 3, 5]);
      assert.deepEqual(await found({ created_by_user_id: "bo" }), [3, 4, 5]);
      assert.deepEqual(await found({ members: { $in: ["di"] } }), [0, 1]);
      assert.deepEqual(await found({ backstage: true }), [1, 3, 5]);
      assert.deepEqual(await found({ ongoing: true }), []);
      assert.deepEqual(await found({ ended_at: null }), [0, 1, 2, 3, 4]);
      assert.deepEqual(await found({ ended_at: { $exists: true } }), [5]);
      assert.deepEqual(await found({ starts_at: { $gte: new Date(1_900_000_004_000).toISOString() } }), [4, 5]);
      assert.deepEqual(await found({ created_at: { $gt: "2020-01-01T00:00:00Z", $lt: "2021-01-01T00:00:00Z" } }), []);
      assert.deepEqual(await found({ "custom.place": "Oslo" }), [4, 5]);
      assert.deepEqual(await found({ "custom.n": { $gt: 1, $lte: 3 } }), [2, 3]);
      assert.deepEqual(await found({ team: null }), [0, 1, 2, 3, 4, 5]);
      assert.deepEqual(await found({ team: {} }), [0, 1, 2, 3, 4, 5]);
      assert.deepEqual(await found({ $or: [{ type: "livestream" }, { id: `${prefix}-0` }] }), [0, 1, 3, 5]);
      assert.deepEqual(await found({ $and: [{ type: "livestream" }, { "custom.place": "Rome" }] }), [1, 3]);
    });

    test("in an order, page after page and back", async () => {
      assert.deepEqual(await found({}, { sort: [{ field: "starts_at", direction: -1 }] }), [5, 4, 3, 2, 1, 0]);
      assert.deepEqual(await found({}, { sort: [{ field: "type", direction: 1 }, { field: "id", direction: -1 }] }), [4, 2, 0, 5, 3, 1]);
      const question = { filter_conditions: { "custom.series": prefix }, sort: [{ field: "cid", direction: 1 }], limit: 4 };
      const first = await house.client.video.queryCalls(question);
      const second = await house.client.video.queryCalls({ ...question, next: first.next });
      const numbers = ({ calls }) => calls.map(({ call: got }) => got.custom.n);
      assert.deepEqual([numbers(first), numbers(second), second.next ?? ""], [[0, 2, 4, 1], [3, 5], ""]);
      const back = await house.client.video.queryCalls({ ...question, prev: second.prev });
      assert.deepEqual(numbers(back), [0, 2, 4, 1]);
      assert.deepEqual(back.calls.map(({ own_capabilities }) => own_capabilities), [[], [], [], []]);
    });

    test("by a user: his rights with each, and what he may not read left out", async () => {
      const { calls } = await house.user("ann").video.queryCalls({ filter_conditions: { "custom.series": prefix, type: "default" }, sort: [{ field: "id", direction: 1 }] });
      assert.deepEqual(calls.map(({ call: got, own_capabilities }) => [got.custom.n, own_capabilities.includes("mute-users")]), [[0, true], [2, true], [4, false]]);
      await house.client.video.call("default", `${prefix}-4`).blockUser({ user_id: "ann" });
      const less = await house.user("ann").video.queryCalls({ filter_conditions: { "custom.series": prefix, type: "default" }, sort: [{ field: "id", direction: 1 }] });
      assert.deepEqual(less.calls.map(({ call: got }) => got.custom.n), [0, 2]);
      assert.equal((await house.user("di").video.queryCalls({ filter_conditions: { id: `${prefix}-0` } })).calls[0].membership.user_id, "di");
    });

    test("and what is not understood is named", async () => {
      const ask = (question) => house.client.video.queryCalls(question);
      await refused(ask({ filter_conditions: { shoe_size: 42 } }), 4, "QueryCalls", "shoe_size");
      await refused(ask({ filter_conditions: { type: { $sounds: "default" } } }), 4, "QueryCalls", "$sounds");
      await refused(ask({ filter_conditions: { created_at: { $gt: "yesterday" } } }), 4, "QueryCalls", "created_at");
      await refused(ask({ filter_conditions: { backstage: { $gt: true } } }), 4, "QueryCalls", "backstage");
      await refused(ask({ sort: [{ field: "shoe_size", direction: 1 }] }), 4, "QueryCalls", "shoe_size");
      await refused(ask({ sort: [{ field: "id", direction: 2 }] }), 4, "QueryCalls", "direction");
      await refused(ask({ limit: 101 }), 4, "QueryCalls", "limit");
      await refused(ask({ next: "not-a-cursor" }), 4, "QueryCalls", "next");
    });
  });
});
