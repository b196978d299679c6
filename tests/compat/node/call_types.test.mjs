/** @file Call types through Stream's SDK: what they come with, and what a change of their grants and settings means. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, openHouse, recent, refused, sorted } from "./house.mjs";

describe("call types", () => {
  let house;
  let video;
  before(async () => {
    house = await openHouse();
    video = house.client.video;
    await house.client.createRole({ name: "customrole" });
    await house.people("ann", "bo");
  });
  after(() => house?.close());

  test("built-in ones are listed, as a map", async () => {
    const { call_types } = await video.listCallTypes();
    for (const name of ["default", "audio_room", "livestream", "development"]) {
      const type = call_types[name];
      assert.equal(type.name, name);
      assert.ok(type.created_at instanceof Date && type.updated_at instanceof Date);
      assert.deepEqual(type.grants, (await video.getCallType({ name })).grants);
      for (const role of ["admin", "user", "call_member"]) assert.ok(type.grants[role].length > 0, `${name}, ${role}`);
    }
    const { user, guest } = call_types.default.grants;
    for (const id of ["create-call", "join-call", "send-audio", "send-video", "screenshare", "block-user-owner", "mute-users-owner", "update-call-owner"]) assert.ok(user.includes(id), id);
    for (const id of ["block-user", "mute-users", "update-call", "join-backstage"]) assert.ok(!user.includes(id), id);
    assert.ok(guest.includes("join-call") && !guest.includes("create-call"));
    assert.ok(call_types.livestream.grants.anonymous.includes("join-call"));
  });

  test("their settings are whole and differ as documented", async () => {
    const of = async (name) => (await video.getCallType({ name })).settings;
    const all = ["audio", "backstage", "broadcasting", "frame_recording", "geofencing", "limits", "recording", "ring", "screensharing", "session", "thumbnails", "transcription", "video"];
    for (const name of ["default", "audio_room", "livestream", "development"]) {
      const settings = await of(name);
      for (const section of all) assert.ok(settings[section], `${name}: no settings.${section}`);
      assert.ok(settings.video.target_resolution.width >= 240 && settings.broadcasting.hls.quality_tracks.length > 0);
    }
    const said = async (name) => {
      const { audio, backstage, video: camera, screensharing } = await of(name);
      return [audio.access_request_enabled, audio.mic_default_on, audio.default_device, backstage.enabled, camera.enabled, camera.camera_default_on, camera.access_request_enabled, screensharing.enabled, screensharing.access_request_enabled];
    };
    assert.deepEqual(await said("default"), [true, true, "earpiece", false, true, true, true, true, true]);
    assert.deepEqual(await said("development"), [true, true, "earpiece", false, true, true, true, true, true]);
    assert.deepEqual(await said("audio_room"), [true, false, "speaker", true, false, false, false, false, false]);
    assert.deepEqual(await said("livestream"), [false, false, "speaker", true, true, true, false, true, false]);
  });

  test("one made with grants for `admin` has those, and the default's for the others", async () => {
    const name = fresh("type");
    const made = await video.createCallType({ name, grants: { admin: ["send-audio", "send-video", "mute-users"] } });
    recent(made.created_at);
    assert.equal(made.name, name);
    assert.deepEqual(sorted(made.grants.admin), ["mute-users", "send-audio", "send-video"]);
    const { grants, settings } = await video.getCallType({ name: "default" });
    assert.deepEqual(made.grants.user, grants.user);
    assert.deepEqual(made.settings, settings);
    const got = await video.getCallType({ name });
    assert.deepEqual([got.grants, got.settings], [made.grants, made.settings]);
    assert.deepEqual((await video.listCallTypes()).call_types[name].grants, made.grants);
    await refused(video.createCallType({ name }), 4, "CreateCallType", name);
  });

  test("an update replaces the roles it mentions and leaves the others", async () => {
    const name = fresh("type");
    const made = await video.createCallType({ name, grants: { admin: ["send-audio"], customrole: ["send-audio", "send-video"] } });
    const updated = await video.updateCallType({ name, grants: { host: ["join-backstage"] } });
    assert.deepEqual(updated.grants.host, ["join-backstage"]);
    assert.deepEqual({ ...updated.grants, host: undefined }, { ...made.grants, host: undefined });
    assert.deepEqual(updated.created_at, made.created_at);
    assert.ok(updated.updated_at >= made.updated_at);
    const emptied = await video.updateCallType({ name, grants: { user: [], customrole: ["mute-users-owner"] } });
    assert.deepEqual(emptied.grants.user ?? [], []);
    assert.deepEqual([emptied.grants.customrole, emptied.grants.admin, emptied.grants.host], [["mute-users-owner"], ["send-audio"], ["join-backstage"]]);
    const reset = await video.updateCallType({ name, grants: null });
    const { grants } = await video.getCallType({ name: "default" });
    assert.deepEqual([reset.grants.user, reset.grants.admin], [grants.user, grants.admin]);
  });

  test("built-in ones are edited too", async () => {
    const { grants } = await video.getCallType({ name: "development" });
    const updated = await video.updateCallType({ name: "development", grants: { guest: ["join-call", "read-call"] } });
    assert.deepEqual(sorted(updated.grants.guest), ["join-call", "read-call"]);
    assert.deepEqual(updated.grants.user, grants.user);
    await video.updateCallType({ name: "development", grants: { guest: grants.guest } });
    assert.deepEqual((await video.getCallType({ name: "development" })).grants, grants);
  });

  test("settings are merged, section by section", async () => {
    const name = fresh("type");
    const made = await video.createCallType({ name, settings: { audio: { mic_default_on: true, default_device: "speaker" }, session: { inactivity_timeout_seconds: 60 } } });
    assert.deepEqual([made.settings.audio.mic_default_on, made.settings.audio.default_device, made.settings.session.inactivity_timeout_seconds], [true, "speaker", 60]);
    assert.equal(made.settings.audio.opus_dtx_enabled, true);
    const updated = await video.updateCallType({ name, settings: { video: { enabled: false, camera_default_on: false }, backstage: { enabled: true } } });
    assert.deepEqual([updated.settings.video.enabled, updated.settings.backstage.enabled, updated.settings.audio], [false, true, made.settings.audio]);
    assert.equal(updated.settings.video.target_resolution.width, made.settings.video.target_resolution.width);
  });

  test("what pushes and where recordings go is kept", async () => {
    const name = fresh("type");
    const made = await video.createCallType({
      name,
      notification_settings: { enabled: true, call_ring: { enabled: true, apns: { title: "{{ user.display_name }} calls", body: "" }, fcm: { data: {} } } },
      external_storage: "bucket",
    });
    assert.deepEqual([made.notification_settings.enabled, made.notification_settings.call_ring.apns.title, made.external_storage], [true, "{{ user.display_name }} calls", "bucket"]);
    for (const event of ["call_live_started", "call_missed", "call_notification", "session_started"]) assert.equal(typeof made.notification_settings[event].enabled, "boolean", event);
  });

  test("what is unknown is refused by name, and changes nothing", async () => {
    const name = fresh("type");
    const made = await video.createCallType({ name });
    const refusals = [
      [{ grants: { admin: ["send-audio"], singer: ["send-audio"] } }, "singer"],
      [{ grants: { admin: ["send-audio", "sing"] } }, "sing"],
      [{ grants: { admin: ["send-audio-sometimes"] } }, "send-audio-sometimes"],
      [{ settings: { smell: { enabled: true } } }, "smell"],
      [{ settings: { audio: { default_device: "speaker", loudness: 11 } } }, "loudness"],
      [{ settings: { audio: { default_device: "megaphone" } } }, "default_device"],
      [{ settings: { video: { enabled: "yes" } } }, "enabled"],
      [{ settings: { video: { target_resolution: { width: 100, height: 240 } } } }, "width"],
      [{ settings: { session: { inactivity_timeout_seconds: 1 } } }, "inactivity_timeout_seconds"],
      [{ settings: { frame_recording: { mode: "available", capture_interval_in_seconds: 61 } } }, "capture_interval_in_seconds"],
    ];
    for (const [change, word] of refusals) {
      await refused(video.updateCallType({ name, ...change }), 4, "UpdateCallType", word);
      const another = fresh("type");
      await refused(video.createCallType({ name: another, ...change }), 4, "CreateCallType", word);
      await refused(video.getCallType({ name: another }), 16, "GetCallType", another);
    }
    const { grants, settings, updated_at } = await video.getCallType({ name });
    assert.deepEqual([grants, settings, updated_at], [made.grants, made.settings, made.updated_at]);
    for (const bad of ["", "a b", "x".repeat(65)]) await refused(video.createCallType({ name: bad }), 4, "CreateCallType");
    await refused(video.updateCallType({ name: "no-such-type", grants: {} }), 16, "UpdateCallType", "no-such-type: call type does not exist");
    await refused(video.getCallType({ name: "no-such-type" }), 16, "GetCallType", "no-such-type: call type does not exist");
  });

  test("one is deleted, a built-in one is not", async () => {
    const name = fresh("type");
    await video.createCallType({ name });
    await video.deleteCallType({ name });
    await refused(video.getCallType({ name }), 16, "GetCallType", name);
    await refused(video.deleteCallType({ name }), 16, "DeleteCallType", name);
    await refused(video.call(name, "x").getOrCreate({ data: { created_by_id: "ann" } }), 16, "GetOrCreateCall", `${name}: call type does not exist`);
    await refused(video.deleteCallType({ name: "default" }), 4, "DeleteCallType", "default");
  });

  test("are the backend's alone", async () => {
    const user = house.user("ann").video;
    await refused(user.createCallType({ name: fresh("type") }), 17, "CreateCallType", "User 'ann' with role 'user' is not allowed to perform action");
    await refused(user.updateCallType({ name: "default", grants: { user: ["mute-users"] } }), 17, "UpdateCallType");
    await refused(user.deleteCallType({ name: "development" }), 17, "DeleteCallType");
    await refused(user.listCallTypes(), 17, "ListCallTypes");
    await refused(user.getCallType({ name: "default" }), 17, "GetCallType");
  });

  test("grants are looked up when they count: owner's variants, capabilities' names, tokens' roles", async () => {
    const name = fresh("type");
    await video.createCallType({ name, grants: { user: ["create-call", "join-call", "read-call", "mute-users-owner", "pin-for-everyone"], customrole: ["create-reaction"] } });
    const id = fresh("call");
    const ann = await house.user("ann").video.call(name, id).getOrCreate();
    assert.deepEqual([ann.created, ann.own_capabilities], [true, ["create-call", "join-call", "mute-users", "pin-for-everyone", "read-call"]]);
    const bo = house.user("bo").video.call(name, id);
    assert.deepEqual((await bo.get()).own_capabilities, ["create-call", "join-call", "pin-for-everyone", "read-call"]);
    const withRole = house.user("bo", { call_cids: [`${name}:${id}`], role: "customrole" }).video.call(name, id);
    assert.deepEqual((await withRole.get()).own_capabilities, ["create-call", "create-reaction", "join-call", "pin-for-everyone", "read-call"]);
    await video.updateCallType({ name, grants: { user: ["read-call", "send-audio", "send-video"] }, settings: { video: { enabled: false } } });
    assert.deepEqual((await bo.get()).own_capabilities, ["read-call", "send-audio"]);
  });
});
