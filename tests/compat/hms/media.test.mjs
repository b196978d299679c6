/** @file Roles with media, in Chromium: they join, publish and lose their tracks by the room's word; no packet flows, for Rolecall has no media server of 100ms's kind. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { openStage } from "./browser.mjs";
import { fresh } from "./house.mjs";
import { pause, until } from "./wait.mjs";

/** What docs/MIGRATE.md tells people to write: the call type, and the command that makes a token. */
const GUIDE = await readFile(join(import.meta.dirname, "../../../docs/MIGRATE.md"), "utf8");
const [, TEMPLATE] = GUIDE.match(/```toml\n([^`]*)```/);
const [, COMMAND] = GUIDE.match(/`rolecall (token --hms [^`]*)`/);

let stage;
before(async () => { stage = await openStage(TEMPLATE.replaceAll(/^ {3}/gm, "")); });
after(() => stage?.close());

const NOTHING = { audio: undefined, video: undefined };
const MUTED = { audio: false, video: false };
const LIVE = { audio: true, video: true };
/** Waits until somebody sends just that. */
const sends = (actor, wanted) => until(async () => {
  const { audio, video } = await actor.sends();
  return audio === wanted.audio && video === wanted.video;
}, `${actor.name} sends ${JSON.stringify(wanted)}`);
/** Waits until somebody is shown that of another's camera. */
const shows = (actor, of, wanted) => until(async () => await actor.camera(of) === wanted, `${actor.name} has the camera of ${of.name} ${wanted}`);
/** Waits until all see somebody in a role. */
const inRole = async (of, role, ...actors) => {
  for (const actor of actors) await until(async () => (await actor.get("selectPeerByID", of.id))?.roleName === role, `${actor.name} sees ${of.name} as ${role}`);
};

/** Ann moderates a show; the others come in the roles given. */
async function show(t, others) {
  const room = fresh("show");
  const there = { room, ann: await stage.joins(t, "ann", room, "moderator") };
  for (const [name, role] of Object.entries(others)) there[name] = await stage.joins(t, name, room, role);
  return there;
}

describe("change of role, with media", () => {
  test("a role that publishes joins, and what its holder sends is known to the others", async (t) => {
    const { ann, bo } = await show(t, { bo: "viewer" });
    await sends(ann, LIVE);
    assert.deepEqual(await ann.get("selectIsAllowedToPublish"), { audio: true, video: true, screen: true });
    assert.deepEqual(await bo.get("selectIsAllowedToPublish"), { audio: false, video: false, screen: false });
    assert.equal(await bo.get("selectIsAllowedToSubscribe"), true);
    await sends(bo, NOTHING);
    await shows(bo, ann, "on");
    assert.deepEqual(await ann.connections(), ["new stable", "new stable"], "every offer was answered, and nothing is connected");
    await ann.do("setLocalVideoEnabled", false);
    await shows(bo, ann, "off");
    await bo.hears("TRACK_MUTED", ({ peerId, type }) => peerId === ann.id && type === "video");
    await ann.do("setLocalVideoEnabled", true);
    await shows(bo, ann, "on");
    await bo.hears("TRACK_UNMUTED", ({ peerId }) => peerId === ann.id);
  });

  test("whoever joins muted is muted for the others", async (t) => {
    const { room, ann } = await show(t, {});
    const bo = await stage.joins(t, "bo", room, "speaker", { settings: { isAudioMuted: true, isVideoMuted: true } });
    await sends(bo, MUTED);
    await shows(ann, bo, "off");
  });

  test("a viewer becomes a speaker, muted, and may unmute; is put back, and becomes one again", async (t) => {
    const { ann, bo } = await show(t, { bo: "viewer" });
    for (const round of [1, 2]) {
      await ann.do("changeRoleOfPeer", bo.id, "speaker", true);
      await inRole(bo, "speaker", ann, bo);
      await sends(bo, MUTED);
      await shows(ann, bo, "off");
      assert.deepEqual(await bo.get("selectIsAllowedToPublish"), { audio: true, video: true, screen: false });
      await bo.do("setLocalAudioEnabled", true);
      await bo.do("setLocalVideoEnabled", true);
      await sends(bo, LIVE);
      await shows(ann, bo, "on");
      await ann.do("changeRoleOfPeer", bo.id, "viewer", true);
      await inRole(bo, "viewer", ann, bo);
      await sends(bo, NOTHING);
      await shows(ann, bo, "none");
      for (const actor of [ann, bo]) await until(async () => (await actor.told("ROLE_UPDATED")).length === 2 * round, `${actor.name} hears of both changes`);
    }
    const order = (await bo.told("TRACK_REMOVED", "ROLE_UPDATED")).map(({ type }) => type);
    assert.deepEqual(order, ["ROLE_UPDATED", "TRACK_REMOVED", "TRACK_REMOVED", "ROLE_UPDATED", "ROLE_UPDATED", "TRACK_REMOVED", "TRACK_REMOVED", "ROLE_UPDATED"]);
    await pause(300);
    for (const actor of [ann, bo]) assert.equal((await actor.told("ROLE_UPDATED")).length, 4, actor.name);
    assert.ok((await ann.told("TRACK_REMOVED")).length >= 2);
    await shows(bo, ann, "on");
  });

  test("whoever said that he wants to come on unmuted does", async (t) => {
    const { room, ann } = await show(t, {});
    const bo = await stage.joins(t, "bo", room, "viewer", { settings: { isAudioMuted: false, isVideoMuted: false } });
    await ann.do("changeRoleOfPeer", bo.id, "speaker", true);
    await sends(bo, LIVE);
    await shows(ann, bo, "on");
  });

  test("a polite request to come on stage", async (t) => {
    const { ann, bo } = await show(t, { bo: "viewer" });
    await ann.do("changeRoleOfPeer", bo.id, "speaker");
    const request = await until(() => bo.request(), "bo is asked");
    assert.deepEqual([request.requestedBy.name, request.role.name, request.role.publishParams.allowed], ["ann", "speaker", ["audio", "video"]]);
    await sends(bo, NOTHING);
    await bo.accept();
    await sends(bo, MUTED);
    await inRole(bo, "speaker", ann, bo);
  });

  test("a role without media opens no connection, until it is changed for one with it", async (t) => {
    const { ann, bo } = await show(t, { bo: "lobby" });
    assert.deepEqual(await bo.connections(), []);
    await ann.do("changeRoleOfPeer", bo.id, "speaker", true);
    await sends(bo, MUTED);
    await shows(ann, bo, "off");
    assert.deepEqual(await bo.connections(), ["new stable", "new stable"]);
    await ann.do("changeRoleOfPeer", bo.id, "lobby", true);
    await sends(bo, NOTHING);
    await shows(ann, bo, "none");
    await ann.do("changeRoleOfPeer", bo.id, "speaker", true);
    await sends(bo, MUTED);
    await bo.do("setLocalVideoEnabled", true);
    await shows(ann, bo, "on");
  });

  test("many at once", async (t) => {
    const { ann, bo, cy } = await show(t, { bo: "viewer", cy: "viewer" });
    await ann.do("changeRoleOfPeersWithRoles", ["viewer"], "speaker");
    for (const actor of [bo, cy]) await sends(actor, MUTED);
    await cy.do("setLocalVideoEnabled", true);
    for (const actor of [ann, bo]) await shows(actor, cy, "on");
    await ann.do("changeRoleOfPeersWithRoles", ["speaker"], "viewer");
    for (const actor of [bo, cy]) await sends(actor, NOTHING);
    for (const actor of [ann, bo]) await shows(actor, cy, "none");
  });
});

describe("muting others", () => {
  test("one camera, by who may", async (t) => {
    const { ann, bo, cy } = await show(t, { bo: "speaker", cy: "speaker" });
    await shows(ann, bo, "on");
    await shows(cy, bo, "on");
    const { id } = await ann.get("selectVideoTrackByPeerID", bo.id);
    await assert.rejects(cy.do("setRemoteTrackEnabled", (await cy.get("selectVideoTrackByPeerID", bo.id)).id, false));
    await sends(bo, LIVE);
    await ann.do("setRemoteTrackEnabled", id, false);
    await sends(bo, { audio: true, video: false });
    for (const actor of [ann, cy]) await shows(actor, bo, "off");
    const { data } = await bo.hears("CHANGE_TRACK_STATE_REQUEST");
    assert.deepEqual([data.requestedBy.name, data.track.type, data.enabled], ["ann", "video", false]);
    await bo.do("setLocalVideoEnabled", true);
    await shows(ann, bo, "on");
  });

  test("every microphone of a role, and everything of everybody else", async (t) => {
    const { ann, bo, cy } = await show(t, { bo: "speaker", cy: "speaker" });
    await ann.do("setRemoteTracksEnabled", { enabled: false, type: "audio", roles: ["speaker"] });
    for (const actor of [bo, cy]) {
      await sends(actor, { audio: false, video: true });
      const { data } = await until(async () => (await actor.told("CHANGE_MULTI_TRACK_STATE_REQUEST", "CHANGE_TRACK_STATE_REQUEST"))[0], `${actor.name} is told`);
      assert.deepEqual([data.requestedBy.name, data.enabled], ["ann", false]);
    }
    await sends(ann, LIVE);
    await ann.do("setRemoteTracksEnabled", { enabled: false });
    for (const actor of [bo, cy]) await sends(actor, MUTED);
    await sends(ann, LIVE);
    await assert.rejects(bo.do("setRemoteTracksEnabled", { enabled: false }));
  });
});

describe("asking others to unmute", () => {
  const asked = (actor) => actor.told("CHANGE_TRACK_STATE_REQUEST", "CHANGE_MULTI_TRACK_STATE_REQUEST");
  const types = (tracks) => tracks.map(({ type }) => type).sort();

  test("one camera, by who may; its owner decides", async (t) => {
    const { ann, bo, cy } = await show(t, { bo: "speaker", cy: "speaker" });
    assert.deepEqual([(await ann.get("selectPermissions")).unmute, (await cy.get("selectPermissions")).unmute], [true, false]);
    await bo.do("setLocalVideoEnabled", false);
    for (const actor of [ann, cy]) await shows(actor, bo, "off");
    const cameraOf = async (actor) => (await actor.get("selectVideoTrackByPeerID", bo.id)).id;
    await assert.rejects(cy.do("setRemoteTrackEnabled", await cameraOf(cy), true), /mute-users/);
    await ann.do("setRemoteTrackEnabled", await cameraOf(ann), true);
    const { data } = await bo.hears("CHANGE_TRACK_STATE_REQUEST");
    assert.deepEqual([data.requestedBy.name, data.track.type, data.track.peerId, data.enabled], ["ann", "video", bo.id, true]);
    await sends(bo, { audio: true, video: false });
    await bo.do("setLocalVideoEnabled", true);
    await shows(ann, bo, "on");
    await pause(300);
    assert.deepEqual([(await asked(bo)).length, (await asked(cy)).length], [1, 0]);
  });

  test("many at once, each of his own tracks that are off", async (t) => {
    const { ann, bo, cy, di } = await show(t, { bo: "speaker", cy: "speaker", di: "viewer" });
    for (const actor of [bo, cy]) await actor.do("setLocalAudioEnabled", false);
    await bo.do("setLocalVideoEnabled", false);
    await shows(ann, bo, "off");
    await assert.rejects(bo.do("setRemoteTracksEnabled", { enabled: true }), /mute-users/);
    await ann.do("setRemoteTracksEnabled", { enabled: true, type: "audio", roles: ["speaker", "viewer"] });
    for (const actor of [bo, cy]) {
      const { data } = await actor.hears("CHANGE_MULTI_TRACK_STATE_REQUEST");
      assert.deepEqual([data.requestedBy.name, types(data.tracks), data.enabled], ["ann", ["audio"], true]);
    }
    await ann.do("setRemoteTracksEnabled", { enabled: true });
    const both = await bo.hears("CHANGE_MULTI_TRACK_STATE_REQUEST", ({ tracks }) => tracks.length === 2);
    assert.deepEqual(types(both.data.tracks), ["audio", "video"]);
    await until(async () => (await asked(cy)).length === 2, "Cy is asked again, of his microphone");
    assert.deepEqual(types((await asked(cy))[1].data.tracks), ["audio"]);
    await sends(bo, MUTED);
    await sends(cy, { audio: false, video: true });
    for (const actor of [bo, cy]) await actor.do("setLocalAudioEnabled", true);
    await bo.do("setLocalVideoEnabled", true);
    await shows(ann, bo, "on");
    await pause(300);
    for (const [actor, times] of [[bo, 2], [cy, 2], [di, 0], [ann, 0]]) assert.equal((await asked(actor)).length, times, actor.name);
  });

  test("to and from a native client, and from the back end", async (t) => {
    const { room, ann, bo } = await show(t, { bo: "speaker" });
    const nils = await stage.house.native(room, { user_id: "nils", name: "nils", role: "speaker" });
    const heard = [];
    nils.on("unmute-request", (request) => heard.push(request));
    await shows(ann, { id: nils.peerId, name: "nils" }, "off");
    await ann.do("setRemoteTrackEnabled", (await ann.get("selectVideoTrackByPeerID", nils.peerId)).id, true);
    await until(() => heard.length === 1, "Nils is asked");
    assert.deepEqual([heard[0].from.peerId, heard[0].tracks], [ann.id, ["video"]]);
    await bo.do("setLocalAudioEnabled", false);
    const nora = await stage.house.native(room, { user_id: "nora", role: "moderator" });
    await until(() => nora.participants.get(bo.id)?.tracks.audio === "off", "Nora sees that Bo is muted");
    assert.deepEqual(await nora.requestUnmute({ peerId: bo.id, tracks: ["audio", "video"] }), { asked: 1 });
    const { data } = await bo.hears("CHANGE_TRACK_STATE_REQUEST");
    assert.deepEqual([data.track.type, data.enabled], ["audio", true]);
    assert.deepEqual(await stage.house.backEnd(room, "requestUnmute", { peerId: bo.id, tracks: ["audio"] }), { asked: 1 });
    const byServer = await bo.hears("CHANGE_TRACK_STATE_REQUEST", ({ requestedBy }) => !requestedBy);
    assert.deepEqual([byServer.data.track.type, byServer.data.enabled], ["audio", true]);
    await sends(bo, { audio: false, video: true });
    for (const native of [nils, nora]) await native.leave();
  });
});

describe("a native client beside", () => {
  test("sees what the SDK sends, and mutes it", async (t) => {
    const { room, ann, bo } = await show(t, { bo: "viewer" });
    const nora = await stage.house.native(room, { user_id: "nora", role: "moderator" });
    const tracks = (of) => nora.participants.get(of.id)?.tracks;
    await until(() => tracks(ann).video === "on" && tracks(ann).audio === "on" && tracks(bo).video === "blocked", "Nora sees who sends");
    await nora.mute({ peerId: ann.id, tracks: ["audio"] });
    await sends(ann, { audio: false, video: true });
    await nora.changeRoleOfPeer(bo.id, "speaker", { force: true });
    await sends(bo, MUTED);
    await until(() => tracks(bo).video === "off", "Nora sees that he may");
    await bo.do("setLocalVideoEnabled", true);
    await until(() => tracks(bo).video === "on", "Nora sees that he does");
    await nora.updateParticipant(bo.id, { canSend: ["audio"] });
    await until(() => tracks(bo).video === "blocked", "and that he may no longer");
    await shows(ann, bo, "none");
    await until(async () => (await bo.get("selectIsAllowedToPublish")).video === false, "Bo knows it");
    await nora.leave();
  });

  test("sends, and the SDK knows of it", async (t) => {
    const { room, ann } = await show(t, {});
    const nils = await stage.house.native(room, { user_id: "nils", name: "nils", role: "speaker" });
    await shows(ann, { id: nils.peerId, name: "nils" }, "off");
    await nils.setTracks({ video: true });
    await shows(ann, { id: nils.peerId, name: "nils" }, "on");
    await nils.leave();
    await until(async () => (await ann.get("selectPeers")).length === 1, "Nils is gone");
  });
});

describe("a socket that breaks", () => {
  test("leaves the tracks of both sides as they are", async (t) => {
    const { ann, bo, cy } = await show(t, { bo: "speaker", cy: "viewer" });
    await shows(ann, bo, "on");
    await bo.cut();
    await bo.hears("RECONNECTING");
    await ann.do("setLocalVideoEnabled", false);
    await bo.hears("RECONNECTED");
    await shows(bo, ann, "off");
    await sends(bo, LIVE);
    for (const actor of [ann, cy]) await shows(actor, bo, "on");
    await bo.do("setLocalVideoEnabled", false);
    await shows(ann, bo, "off");
    await pause(300);
    assert.equal((await bo.told("TRACK_REMOVED")).length, 0);
    await ann.do("changeRoleOfPeer", bo.id, "viewer", true);
    await sends(bo, NOTHING);
    await ann.do("changeRoleOfPeer", bo.id, "speaker", true);
    await sends(bo, MUTED);
  });

  test("hides no change of role made meanwhile", async (t) => {
    const { ann, bo } = await show(t, { bo: "speaker" });
    await bo.cut();
    await bo.hears("RECONNECTING");
    await ann.do("changeRoleOfPeer", bo.id, "viewer", true);
    await bo.hears("RECONNECTED");
    await inRole(bo, "viewer", ann, bo);
    await sends(bo, NOTHING);
    await shows(ann, bo, "none");
  });
});

describe("ideas", () => {
  test("breakout rooms: one receives those of one's own room, and joins another by a change of role", async (t) => {
    const room = fresh("breakout");
    const ann = await stage.joins(t, "ann", room, "admin");
    const bo = await stage.joins(t, "bo", room, "group-1");
    const cy = await stage.joins(t, "cy", room, "group-1");
    const di = await stage.joins(t, "di", room, "group-2");
    await shows(bo, cy, "on");
    await shows(cy, bo, "on");
    for (const actor of [bo, cy]) await shows(actor, di, "none");
    await shows(di, bo, "none");
    await ann.do("changeRoleOfPeer", cy.id, "group-2", true);
    await inRole(cy, "group-2", ann, bo, cy, di);
    await shows(cy, di, "on");
    await shows(cy, bo, "none");
    await shows(bo, cy, "none");
  });

  test("a waiting room: whoever waits receives nobody, hosts are told, and let him in", async (t) => {
    const { ann, bo } = await show(t, { bo: "lobby" });
    const { data } = await ann.hears("PEER_JOINED");
    assert.deepEqual([data.name, data.roleName], ["bo", "lobby"]);
    assert.equal(await bo.get("selectIsAllowedToSubscribe"), false);
    await shows(bo, ann, "none");
    await ann.do("changeRoleOfPeer", data.id, "viewer", true);
    await shows(bo, ann, "on");
  });

  test("an audio room: a moderator makes a listener a speaker, and back", async (t) => {
    const room = fresh("stage");
    const ann = await stage.joins(t, "ann", room, "moderator");
    const bo = await stage.joins(t, "bo", room, "listener");
    await sends(ann, { audio: true, video: undefined });
    await ann.do("changeRoleOfPeer", bo.id, "speaker", true);
    await sends(bo, { audio: false, video: undefined });
    await bo.do("setLocalAudioEnabled", true);
    await sends(bo, { audio: true, video: undefined });
    await ann.do("changeRoleOfPeer", bo.id, "listener", true);
    await sends(bo, NOTHING);
  });

  test("a classroom: muted students, prefects, the spotlight, and a shared screen", async (t) => {
    const room = fresh("classroom");
    const ann = await stage.joins(t, "ann", room, "teacher");
    const bo = await stage.joins(t, "bo", room, "muted-student");
    const cy = await stage.joins(t, "cy", room, "prefect");
    assert.deepEqual(await bo.get("selectIsAllowedToPublish"), { audio: false, video: true, screen: false });
    await sends(bo, { audio: undefined, video: true });
    assert.equal((await cy.get("selectPermissions")).mute, true);
    await ann.do("changeRoleOfPeer", bo.id, "student-screen", true);
    await until(async () => (await bo.get("selectIsAllowedToPublish")).screen, "Bo may share his screen");
    await sends(bo, { audio: false, video: true });
    await shows(cy, bo, "on");
    await cy.do("setRemoteTrackEnabled", (await cy.get("selectVideoTrackByPeerID", bo.id)).id, false);
    await sends(bo, MUTED);
    await ann.do("changeRoleOfPeer", bo.id, "student-spotlight", true);
    await until(async () => (await bo.get("selectLocalPeerRole")).publishParams.video.width === 1280, "Bo is to send a larger picture");
    await ann.do("changeRoleOfPeer", bo.id, "muted-student", true);
    await sends(bo, { audio: undefined, video: false });
  });
});

describe("docs/MIGRATE.md", () => {
  test("a page joins with the template and the token that stand there", async (t) => {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ROLECALL_")));
    const { stdout } = await promisify(execFile)(process.env.ROLECALL_BIN, COMMAND.split(" "), { cwd: tmpdir(), env: environment });
    const ann = await stage.joins(t, "ann", "webinar:42", "host", { authToken: stdout.trim() });
    assert.deepEqual([await ann.get("selectLocalPeerRoleName"), (await ann.get("selectLocalPeer")).customerUserId], ["host", "ann"]);
    const bo = await stage.joins(t, "bo", "webinar:42", "viewer");
    await shows(bo, ann, "on");
    await ann.do("changeRoleOfPeer", bo.id, "guest", true);
    await sends(bo, MUTED);
  });
});
