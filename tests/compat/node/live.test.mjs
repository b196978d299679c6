/** @file What REST changes, native peers in the room feel at once; what they change, REST shows. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, next, openHouse, recent, refused, until } from "./house.mjs";

describe("live", () => {
  let house;
  let video;
  before(async () => {
    house = await openHouse();
    video = house.client.video;
    await house.people("ann", "bo", "cy", "di");
  });
  after(() => house?.close());

  /** A call that Ann made, with native peers of these users in it; of a call type of its own where `grants` or `settings` are given. */
  async function stage(users = ["ann", "bo"], { type = "default", grants, settings, data = {} } = {}) {
    if (grants || settings) {
      type = fresh("type");
      await video.createCallType({ name: type, grants, settings });
    }
    const call = video.call(type, fresh("call"));
    await call.getOrCreate({ data: { created_by_id: "ann", ...data } });
    const rooms = {};
    for (const user of users) rooms[user] = await house.native(call.cid, user);
    return { call, as: (user) => house.user(user).video.call(call.type, call.id), ...rooms };
  }
  /** How a client is told of a change of somebody. */
  const changed = (room, of, ...what) =>
    next(room, "participant-updated", ({ participant, changed: list }) => participant.peerId === of.peerId && what.every((part) => list.includes(part)));
  const sees = (room, of) => room.participants.get(of.peerId);
  const participants = async (call) => Object.fromEntries((await call.queryCallParticipants()).participants.map((one) => [one.user.id, one]));

  describe("REST to native", () => {
    test("grants of a call type, edited under a live room, are felt by everyone concerned", async () => {
      const { call, ann, bo } = await stage(["ann", "bo"], { grants: { user: ["join-call", "read-call", "create-call", "send-audio", "send-video", "mute-users-owner"] } });
      await bo.setTracks({ audio: true, video: true });
      await until(() => sees(ann, bo)?.tracks.video === "on", "the tracks on");
      const told = [ann, bo].map((room) => changed(room, bo, "permissions", "capabilities", "tracks"));
      await video.updateCallType({ name: call.type, grants: { user: ["join-call", "read-call", "send-video"] } });
      // The reply came after the rooms had heard of it: REST shows it at once.
      assert.deepEqual((await house.user("bo").video.call(call.type, call.id).get()).own_capabilities, ["join-call", "read-call", "send-video"]);
      for (const { participant, by } of await Promise.all(told)) {
        assert.deepEqual([participant.tracks.audio, participant.tracks.video, by], ["blocked", "on", "server"]);
        assert.ok(!participant.capabilities.includes("send-audio"));
      }
      assert.ok(!ann.can("mute-users"));
      await assert.rejects(bo.setTracks({ audio: true }), { code: 403, reason: "not-allowed" });
      const back = changed(ann, bo, "tracks");
      await video.updateCallType({ name: call.type, grants: { user: ["join-call", "read-call", "send-audio", "send-video"] } });
      assert.equal((await back).participant.tracks.audio, "off");
      await bo.setTracks({ audio: true });
    });

    test("settings of a call type too, unless the call has its own", async () => {
      const plain = await stage(["ann"], { settings: { screensharing: { enabled: true } } });
      const own = video.call(plain.call.type, fresh("call"));
      await own.getOrCreate({ data: { created_by_id: "ann", settings_override: { screensharing: { enabled: true } } } });
      const there = await house.native(own.cid, "ann");
      const told = changed(plain.ann, plain.ann, "tracks");
      await video.updateCallType({ name: plain.call.type, settings: { screensharing: { enabled: false } } });
      assert.equal((await told).participant.tracks.screenVideo, "blocked");
      assert.deepEqual([(await plain.call.get()).call.settings.screensharing.enabled, (await own.get()).call.settings.screensharing.enabled], [false, true]);
      assert.equal(there.self.tracks.screenVideo, "off");
    });

    test("a call's settings, custom data and stage", async () => {
      const { call, bo } = await stage(["bo"]);
      const blocked = changed(bo, bo, "tracks");
      await call.update({ settings_override: { video: { enabled: false, camera_default_on: false } } });
      assert.equal((await blocked).participant.tracks.video, "blocked");
      const told = next(bo, "room-updated", ({ changed: list }) => list.includes("custom"));
      await call.update({ custom: { topic: "roses" } });
      assert.deepEqual((await told).room.custom, { topic: "roses" });
      const live = await stage([], { type: "livestream" });
      await assert.rejects(house.native(live.call.cid, "bo"), { code: 403, reason: "not-allowed" });
      await live.call.goLive();
      const watching = await house.native(live.call.cid, "bo");
      const dark = next(watching, "room-updated", ({ changed: list }) => list.includes("backstage"));
      await live.call.stopLive();
      assert.equal((await dark).room.backstage, true);
    });

    test("a user's rights, given and taken", async () => {
      const { call, ann, bo } = await stage();
      await bo.setTracks({ audio: true });
      const taken = changed(ann, bo, "permissions", "tracks");
      await call.updateUserPermissions({ user_id: "bo", revoke_permissions: ["send-audio"] });
      assert.equal((await taken).participant.tracks.audio, "blocked");
      const given = changed(bo, bo, "permissions", "tracks");
      await call.updateUserPermissions({ user_id: "bo", grant_permissions: ["send-audio"] });
      assert.equal((await given).participant.tracks.audio, "off");
      await call.updateUserPermissions({ user_id: "bo", revoke_permissions: ["send-video"] });
      const again = await house.native(call.cid, "bo");
      assert.equal(again.self.tracks.video, "blocked", "whoever comes later is bound too");
    });

    test("a mute, of some and of all", async () => {
      const { call, ann, bo, cy } = await stage(["ann", "bo", "cy"]);
      for (const room of [ann, bo, cy]) await room.setTracks({ audio: true, video: true });
      await until(() => [ann, bo, cy].every((of) => sees(ann, of)?.tracks.video === "on"), "all on");
      const muted = changed(ann, bo, "tracks");
      await call.muteUsers({ user_ids: ["bo"], audio: true, muted_by_id: "ann" });
      const { tracks } = (await muted).participant;
      assert.deepEqual([tracks.audio, tracks.video, sees(ann, cy).tracks.audio], ["off", "on", "on"]);
      await call.muteUsers({ mute_all_users: true, audio: true, video: true });
      await until(() => [ann, bo, cy].every((of) => sees(ann, of).tracks.audio === "off" && sees(ann, of).tracks.video === "off"), "all off");
      await bo.setTracks({ audio: true });
    });

    test("a block, and its end", async () => {
      const { call, ann, bo } = await stage();
      const [closed, left] = [next(bo, "closed"), next(ann, "participant-left")];
      await call.blockUser({ user_id: "bo" });
      assert.deepEqual([(await closed).code, (await left).reason], [4502, "removed"]);
      await assert.rejects(house.native(call.cid, "bo"), { code: 403, reason: "blocked" });
      await call.unblockUser({ user_id: "bo" });
      assert.equal((await house.native(call.cid, "bo")).state, "joined");
    });

    test("a kick, with a block and without", async () => {
      const { call, bo } = await stage();
      let closed = next(bo, "closed");
      await call.kickUser({ user_id: "bo", kicked_by_id: "ann" });
      assert.equal((await closed).code, 4502);
      const again = await house.native(call.cid, "bo");
      closed = next(again, "closed");
      await call.kickUser({ user_id: "bo", block: true });
      assert.equal((await closed).code, 4502);
      assert.deepEqual((await call.get()).call.blocked_user_ids, ["bo"]);
      await assert.rejects(house.native(call.cid, "bo"), { code: 403, reason: "blocked" });
    });

    test("the end", async () => {
      const { call, ann, bo } = await stage();
      const told = [ann, bo].map((room) => Promise.all([next(room, "room-ended"), next(room, "closed")]));
      await call.end();
      for (const [, closed] of await Promise.all(told)) assert.equal(closed.code, 4503);
      recent((await call.get()).call.ended_at);
    });

    test("a deletion", async () => {
      const { call, ann } = await stage();
      const closed = next(ann, "closed");
      await call.delete();
      assert.equal((await closed).code, 4503);
      await assert.rejects(house.native(call.cid, "bo", { create: false }), { code: 404, reason: "unknown-room" });
    });

    test("a member's role, as a role change by the server", async () => {
      const { call, ann, bo } = await stage();
      const told = [changed(ann, bo, "role", "capabilities"), next(ann, "ROLE_UPDATED"), next(bo, "ROLE_UPDATED")];
      await call.updateCallMembers({ update_members: [{ user_id: "bo", role: "admin" }] });
      const [{ participant }, ...roles] = await Promise.all(told);
      assert.equal(participant.role, "admin");
      assert.ok(participant.capabilities.includes("block-users") && bo.can("mute-users"));
      for (const { peerId, from, to, by, forced } of roles) assert.deepEqual({ peerId, from, to, by, forced }, { peerId: bo.peerId, from: "user", to: "admin", by: "server", forced: true });
      const lost = changed(bo, bo, "role", "capabilities");
      await call.updateCallMembers({ remove_members: ["bo"] });
      assert.deepEqual([(await lost).participant.role, bo.can("block-users")], ["user", false]);
    });

    test("a user's own role, name and going", async () => {
      const id = fresh("eve");
      await house.people({ id, name: "Eve" });
      const { call, ann } = await stage(["ann"]);
      const eve = await house.native(call.cid, id);
      const told = changed(ann, eve, "role", "capabilities");
      await house.client.updateUsersPartial({ users: [{ id, set: { role: "admin" } }] });
      assert.ok((await told).participant.capabilities.includes("block-users"));
      const closed = next(eve, "closed");
      await house.client.deactivateUsers({ user_ids: [id] });
      assert.equal((await closed).code, 4502);
    });

    test("events and reactions are heard", async () => {
      const { call, as, bo } = await stage();
      const event = next(bo, "app-message");
      await call.sendCallEvent({ user_id: "ann", custom: { draw: [1, 2] } });
      const { from, data } = await event;
      assert.deepEqual([from.userId, data], ["ann", { draw: [1, 2] }]);
      const heard = next(bo, "app-message");
      const { status, body } = await house.ask("POST", `/video/call/${call.type}/${call.id}/reaction`, { token: house.token("ann"), body: { type: "raise-hand", emoji_code: ":hand:", custom: { n: 1 } } });
      assert.equal(status, 201);
      assert.deepEqual([body.reaction.type, body.reaction.emoji_code, body.reaction.user.id], ["raise-hand", ":hand:", "ann"]);
      assert.equal((await heard).data.type, "reaction");
      await refused(call.sendCallEvent({ custom: { big: "x".repeat(20_000) } }), 4, "SendCallEvent");
      await as("bo").sendCallEvent({ custom: { hello: 1 } });
    });

    test("a pin, and its end", async () => {
      const { call, ann, bo } = await stage();
      const pinned = next(ann, "room-updated", ({ changed: list }) => list.includes("pins"));
      await call.videoPin({ user_id: "bo", session_id: bo.peerId });
      assert.deepEqual((await pinned).room.pins.map(({ userId, peerId }) => [userId, peerId]), [["bo", bo.peerId]]);
      const unpinned = next(ann, "room-updated", ({ changed: list }) => list.includes("pins"));
      await call.videoUnpin({ user_id: "bo", session_id: bo.peerId });
      assert.deepEqual((await unpinned).room.pins, []);
      await refused(call.videoPin({ user_id: "bo", session_id: "no-such-session" }), 16, "VideoPin");
    });

    test("a request for permissions is asked, and answered by a grant", async () => {
      const { call, ann, bo } = await stage(["ann", "bo"], { grants: { user: ["join-call", "read-call", "create-call", "update-call-permissions-owner"] } });
      const asked = next(ann, "permission-request");
      const { status } = await house.ask("POST", `/video/call/${call.type}/${call.id}/request_permission`, { token: house.token("bo"), body: { permissions: ["send-audio"] } });
      assert.equal(status, 201);
      assert.deepEqual([(await asked).from.userId, (await asked).permissions], ["bo", ["send-audio"]]);
      const given = changed(bo, bo, "tracks");
      await call.updateUserPermissions({ user_id: "bo", grant_permissions: ["send-audio"] });
      assert.equal((await given).participant.tracks.audio, "off");
    });
  });

  describe("native to REST", () => {
    test("who is there, in which role", async () => {
      const { call, bo } = await stage();
      const { session, current_session_id } = (await call.get()).call;
      assert.equal(session.id, current_session_id);
      recent(session.started_at);
      assert.deepEqual(session.participants.map(({ user }) => user.id).sort(), ["ann", "bo"]);
      assert.deepEqual([session.participants_count_by_role, session.anonymous_participant_count], [{ user: 2 }, 0]);
      const there = await participants(call);
      assert.deepEqual([there.bo.user_session_id, there.bo.role], [bo.peerId, "user"]);
      recent(there.bo.joined_at);
      assert.equal((await call.queryCallParticipants({ limit: 1 })).participants.length, 1);
      assert.equal((await call.queryCallParticipants({ limit: 1 })).total_participants, 2);
      const ongoing = async () => (await video.queryCalls({ filter_conditions: { id: call.id, ongoing: true } })).calls.length;
      assert.equal(await ongoing(), 1);
      await bo.leave();
      await until(async () => !(await participants(call)).bo, "his going");
      assert.equal(await ongoing(), 1);
    });

    test("a role change", async () => {
      const { call, bo } = await stage(["bo"]);
      const owner = await house.native(call.cid, "di", { claims: { room: call.cid, is_owner: true } });
      await owner.changeRoleOfPeer(bo.peerId, "guest", { force: true });
      await until(() => bo.self.role === "guest", "the role");
      assert.equal((await participants(call)).bo.role, "guest");
      const { session } = (await call.get()).call;
      assert.deepEqual(session.participants_count_by_role, { guest: 1, host: 1 });
      const { own_capabilities } = await house.user("bo").video.call(call.type, call.id).get();
      assert.deepEqual(own_capabilities, ["join-call", "read-call", "send-audio", "send-video"], "what it took from him it takes over REST too");
      await owner.changeRoleOfPeer(bo.peerId, "host", { force: true });
      assert.ok((await house.user("bo").video.call(call.type, call.id).get()).own_capabilities.includes("block-users"));
    });

    test("a patch of permissions, a block, a stage, an end", async () => {
      const { call, ann: owner } = await stage(["ann"], { type: "livestream" });
      await owner.goLive();
      assert.equal((await call.get()).call.backstage, false);
      const [bo, cy] = [await house.native(call.cid, "bo"), await house.native(call.cid, "cy")];
      await owner.updateParticipant(bo.peerId, { canSend: ["audio"] });
      const { own_capabilities } = await house.user("bo").video.call(call.type, call.id).get();
      assert.deepEqual(["send-audio", "send-video"].map((right) => own_capabilities.includes(right)), [true, false]);
      await owner.blockUser("cy");
      await until(() => cy.state === "closed", "his going");
      assert.deepEqual((await call.get()).call.blocked_user_ids, ["cy"]);
      await owner.stopLive();
      assert.equal((await call.get()).call.backstage, true);
      await owner.endRoom("done").catch((error) => assert.equal(error.reason, "closed"));
      recent((await call.get()).call.ended_at);
    });

    test("a room that a native peer made is a call", async () => {
      const cid = `default:${fresh("native")}`;
      const ann = await house.native(cid, "ann", { name: "Ann" });
      const [type, id] = cid.split(":");
      const { call } = await video.call(type, id).get();
      assert.deepEqual([call.cid, call.created_by.id], [cid, "ann"]);
      assert.equal((await video.queryCalls({ filter_conditions: { cid } })).calls.length, 1);
      const { created } = await video.call(type, id).getOrCreate({ data: { created_by_id: "bo" } });
      assert.equal(created, false);
      assert.equal(ann.state, "joined");
    });

    test("somebody in the room is online", async () => {
      const id = fresh("eve");
      await house.people(id);
      const online = async () => (await house.client.queryUsers({ payload: { filter_conditions: { id }, presence: true } })).users[0].online;
      assert.equal(await online(), false);
      const eve = await house.native(`default:${fresh("call")}`, id);
      await until(online, "his being online");
      await eve.leave();
      await until(async () => !(await online()), "his being offline");
    });
  });
});
