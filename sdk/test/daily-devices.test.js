/** @file Own camera, microphone and screen in Daily's facade: states, the order of telling, and devices that fail. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { callOf, domError, EVERYTHING, FakeTrack, meeting, obey, streamOf } from "./daily-house.js";
import { pause, started, until } from "./harness.js";

/** @param {any} call @param {string} kind */
function state(call, kind) {
  return call.participants().local.tracks[kind];
}

/** Changes what a peer may send, as the server does: what is lost is blocked, what is gained is off. @param {any} server @param {string[]} canSend */
function allow(server, canSend, by = "server") {
  const self = server.peers.get(server.seat.peerId);
  const tracks = Object.fromEntries(Object.entries(self.tracks).map(([kind, told]) => [kind, canSend.includes(kind) ? (told === "blocked" ? "off" : told) : "blocked"]));
  server.put({ ...self, tracks, permissions: { ...self.permissions, canSend } }, ["permissions", "tracks"], by);
}

describe("camera and microphone", () => {
  test("both are on from the start: loading, then playable, and told to the others", async (t) => {
    /** @type {any[]} */
    const atFirst = [];
    const { call, server, told } = await meeting(t, {}, EVERYTHING, ({ call: before }) => {
      before.on("joined-meeting", () => atFirst.push(before.localVideo(), before.localAudio(), state(before, "video")));
    });
    assert.deepEqual(atFirst, [true, true, { subscribed: true, state: "loading" }]);
    await until(() => state(call, "video").state === "playable" && state(call, "audio").state === "playable", "both");
    const { track, persistentTrack } = state(call, "video");
    assert.ok(track instanceof FakeTrack && persistentTrack === track);
    assert.equal(call.participants().local.videoTrack, track);
    assert.deepEqual([call.participants().local.video, call.participants().local.audio, call.participants().local.screen], [true, true, false]);
    await until(() => server.peers.get(server.seat.peerId).tracks.video === "on", "the server's word");
    assert.ok(told().indexOf("track-started local video") > told().indexOf("joined-meeting"));
    const behind = told().slice(told().lastIndexOf("track-started local video") + 1).filter((name) => !name.startsWith("track-started"));
    assert.equal(behind[0], "participant-updated local", "first the track, then the person");
  });

  test("within a track's event the call still has the old participant, and the event the new one", async (t) => {
    /** @type {any[]} */
    const seen = [];
    const { call } = await meeting(t, { startAudioOff: true }, EVERYTHING, ({ call: before }) => {
      before.on("track-started", ({ participant, track }) => seen.push(participant.tracks.video.track === track, state(before, "video").state));
    });
    await until(() => seen.length, "the track");
    assert.deepEqual(seen, [true, "loading"]);
    assert.equal(state(call, "video").state, "playable");
  });

  test("turning off stops the track and says so, to the page and to the server", async (t) => {
    const { call, server, log } = await meeting(t);
    await until(() => state(call, "video").state === "playable", "the camera");
    const { track } = state(call, "video");
    assert.equal(call.setLocalVideo(false), call);
    assert.equal(call.localVideo(), false);
    await until(() => state(call, "video").state === "off", "its end");
    assert.deepEqual(state(call, "video"), { subscribed: true, state: "off", off: { byUser: true } });
    assert.equal(track.stopped, true);
    const stopped = log.find(({ action }) => action === "track-stopped");
    assert.equal(stopped.track, track);
    assert.equal(stopped.participant.session_id, call.participants().local.session_id);
    await until(() => server.peers.get(server.seat.peerId).tracks.video === "off", "the server's word");
  });

  test("a right that is lost stops the device; got back, it stays off until it is turned on", async (t) => {
    const { call, server, told, log, mediaDevices } = await meeting(t, { startAudioOff: true });
    await until(() => server.peers.get(server.seat.peerId).tracks.video === "on", "the camera");
    log.length = 0;
    allow(server, ["audio"]);
    await until(() => state(call, "video").state === "off", "the loss");
    assert.deepEqual(state(call, "video").off, { byCanSendPermission: true });
    assert.equal(mediaDevices.given[0]?.stopped, true);
    assert.deepEqual(told().filter((name) => name.endsWith("local") || name.startsWith("track")), ["track-stopped local video", "participant-updated local"]);
    call.setLocalVideo(true);
    await pause(20);
    assert.deepEqual([call.localVideo(), mediaDevices.asked.length], [false, 1], "without the right it stays off, and no device is asked for");
    allow(server, ["audio", "video"]);
    await until(() => state(call, "video").off?.byUser, "the right");
    assert.equal(call.localVideo(), false);
    call.setLocalVideo(true);
    assert.equal(call.localVideo(), true, "at once");
    await until(() => state(call, "video").state === "playable", "the camera");
  });

  test("a right that is lost while the browser asks leaves no camera on", async (t) => {
    const server = await started(t);
    server.newcomer = EVERYTHING;
    obey(server);
    const { call, mediaDevices } = callOf(server.url, { startAudioOff: true });
    t.after(() => call.destroy());
    /** @type {() => void} */
    let answer = () => {};
    mediaDevices.patience = new Promise((resolve) => (answer = resolve));
    await call.join();
    allow(server, []);
    await until(() => state(call, "video").off?.byCanSendPermission, "the loss");
    answer();
    await until(() => mediaDevices.given.length, "the answer");
    await pause(10);
    assert.equal(mediaDevices.given[0]?.stopped, true);
    assert.equal(server.peers.get(server.seat.peerId).tracks.video, "blocked");
    assert.equal(state(call, "video").state, "off");
  });

  test("muted by somebody else is off by his request, and the user may turn it on again", async (t) => {
    const { call, server, mediaDevices } = await meeting(t, { startVideoOff: true });
    await until(() => server.peers.get(server.seat.peerId).tracks.audio === "on", "the microphone");
    const self = server.peers.get(server.seat.peerId);
    server.put({ ...self, tracks: { ...self.tracks, audio: "off" } }, ["tracks"], "bo");
    await until(() => state(call, "audio").state === "off", "the mute");
    assert.deepEqual(state(call, "audio").off, { byRemoteRequest: true });
    assert.equal(mediaDevices.given[0]?.stopped, true);
    call.setLocalAudio(true);
    await until(() => server.peers.get(server.seat.peerId).tracks.audio === "on", "the microphone again");
    assert.equal(call.localAudio(), true);
  });

  test("a device that fails is blocked, and a page that asks at every update comes to rest", async (t) => {
    const server = await started(t);
    server.newcomer = EVERYTHING;
    obey(server);
    const { call, log, mediaDevices } = callOf(server.url, { startAudioOff: true });
    t.after(() => call.destroy());
    mediaDevices.failure = domError("NotAllowedError");
    let updates = 0;
    call.on("participant-updated", ({ participant }) => {
      updates += 1;
      if (participant.local && !call.localVideo()) call.setLocalVideo(true);
    });
    await call.join();
    await until(() => state(call, "video").state === "blocked", "the failure");
    await pause(50);
    assert.deepEqual(state(call, "video"), { subscribed: true, state: "blocked", blocked: { byPermissions: true } });
    assert.equal(updates, 1);
    assert.equal(mediaDevices.asked.length, 2, "the first try, and one more at the update");
    const error = log.find(({ action }) => action === "camera-error");
    assert.deepEqual([error.errorMsg, error.error.type, error.error.blockedMedia], [{ errorMsg: "NotAllowedError", videoOk: false }, "permissions", ["video"]]);
    mediaDevices.failure = null;
    call.setLocalVideo(true);
    await until(() => state(call, "video").state === "playable", "the camera");
  });

  test("each failure has its name", async (t) => {
    for (const [name, type, blocked] of /** @type {const} */ ([
      ["NotFoundError", "not-found", { byDeviceMissing: true }],
      ["NotReadableError", "cam-in-use", { byDeviceInUse: true }],
      ["OverconstrainedError", "constraints", { byDeviceMissing: true }],
    ])) {
      const server = await started(t);
      server.newcomer = EVERYTHING;
      obey(server);
      const { call, log, mediaDevices } = callOf(server.url, { startAudioOff: true });
      mediaDevices.failure = domError(name);
      await call.join();
      await until(() => state(call, "video").state === "blocked", name);
      assert.deepEqual([log.find(({ action }) => action === "camera-error").error.type, state(call, "video").blocked], [type, blocked]);
      await call.destroy();
    }
    const server = await started(t);
    server.newcomer = EVERYTHING;
    obey(server);
    const { call, log } = callOf(server.url, { startAudioOff: true, rolecall: { mediaDevices: {} } });
    t.after(() => call.destroy());
    await call.join();
    await until(() => log.some(({ action, error }) => action === "camera-error" && error.type === "undefined-mediadevices"), "the missing devices");
  });

  test("which devices there are, and which are used, is told when it changes", async (t) => {
    const { call, log, mediaDevices } = await meeting(t, { startAudioOff: true });
    const told = (/** @type {string} */ name) => log.filter(({ action }) => action === name);
    await until(() => told("selected-devices-updated").length, "the camera");
    const [microphone, camera] = mediaDevices.list;
    assert.deepEqual(told("selected-devices-updated")[0].devices, { camera, mic: {}, speaker: {} });
    call.setLocalAudio(true);
    await until(() => told("selected-devices-updated").length === 2, "the microphone");
    assert.deepEqual(told("selected-devices-updated")[1].devices, { camera, mic: microphone, speaker: {} });
    call.setLocalVideo(false);
    call.setLocalVideo(true);
    await until(() => state(call, "video").state === "playable", "the same camera again");
    mediaDevices.list = [.../** @type {any[]} */ ([microphone, camera]), { kind: "audiooutput", deviceId: "ear", label: "an ear" }];
    for (let times = 0; times < 3; times += 1) mediaDevices.dispatchEvent(new Event("devicechange"));
    await until(() => told("available-devices-updated").length, "the new device");
    await pause(10);
    assert.deepEqual(told("available-devices-updated").map(({ availableDevices }) => availableDevices), [mediaDevices.list]);
    assert.equal(told("selected-devices-updated").length, 2);
    await call.destroy();
    mediaDevices.list = [];
    mediaDevices.dispatchEvent(new Event("devicechange"));
    await pause(10);
    assert.equal(told("available-devices-updated").length, 1, "nothing once it is destroyed");
  });

  test("a camera that is pulled out is missing", async (t) => {
    const { call, server } = await meeting(t, { startAudioOff: true });
    await until(() => server.peers.get(server.seat.peerId).tracks.video === "on", "the camera");
    state(call, "video").track.onended();
    await until(() => state(call, "video").state === "blocked", "the loss");
    assert.deepEqual(state(call, "video").blocked, { byDeviceMissing: true });
    await until(() => server.peers.get(server.seat.peerId).tracks.video === "off", "the server's word");
  });

  test("the page's own tracks are used and never stopped", async (t) => {
    const own = /** @type {any} */ (new FakeTrack("video"));
    const { call, mediaDevices } = await meeting(t, { startAudioOff: true, videoSource: own });
    await until(() => state(call, "video").state === "playable", "the track");
    assert.equal(state(call, "video").track, own);
    assert.deepEqual(mediaDevices.asked, []);
    call.setLocalVideo(false);
    await until(() => state(call, "video").state === "off", "its end");
    assert.equal(own.stopped, false);
    await call.setInputDevicesAsync({ videoDeviceId: "another" });
    call.setLocalVideo(true);
    await until(() => state(call, "video").state === "playable", "the other");
    assert.deepEqual(mediaDevices.asked, [{ video: { deviceId: { exact: "another" } } }]);
    assert.deepEqual(await call.getInputDevices(), { camera: { kind: "videoinput", deviceId: "video-device", label: "a camera" }, mic: {}, speaker: {} });
  });

  test("a camera that was started before joining is sent from the start, and leaving lets it go", async (t) => {
    const server = await started(t);
    server.newcomer = EVERYTHING;
    obey(server);
    const { call, told, mediaDevices } = callOf(server.url);
    const devices = await call.startCamera();
    assert.deepEqual([Object.keys(devices), told()], [["camera", "mic", "speaker"], ["loading", "loaded", "selected-devices-updated", "started-camera"]]);
    await call.join();
    assert.equal(state(call, "video").state, "playable");
    await until(() => server.peers.get(server.seat.peerId).tracks.video === "on", "the server's word");
    assert.equal(mediaDevices.asked.length, 2);
    await assert.rejects(call.startCamera(), /not supported after joining a meeting/);
    await call.destroy();
    assert.ok(mediaDevices.given.every(({ stopped }) => stopped));
  });
});

describe("the screen", () => {
  const OFF = { startAudioOff: true, startVideoOff: true };

  test("is shown, with its sound, and no longer", async (t) => {
    const { call, server, told } = await meeting(t, OFF);
    call.startScreenShare();
    await until(() => state(call, "screenVideo").state === "playable", "the screen");
    assert.deepEqual([call.localScreenVideo(), call.localScreenAudio(), call.participants().local.screen], [true, true, true]);
    await until(() => server.peers.get(server.seat.peerId).tracks.screenAudio === "on", "the server's word");
    call.stopScreenShare();
    await until(() => state(call, "screenVideo").state === "off", "its end");
    await until(() => server.peers.get(server.seat.peerId).tracks.screenVideo === "off", "the server's word");
    assert.deepEqual(told().filter((name) => name.startsWith("local-screen")), ["local-screen-share-started", "local-screen-share-stopped"]);
  });

  test("ends with its track, with the right to send it, or is not shown at all", async (t) => {
    const { call, server, told, mediaDevices, log } = await meeting(t, OFF);
    const own = new FakeTrack("video");
    call.startScreenShare({ mediaStream: streamOf(own) });
    await until(() => call.localScreenVideo(), "the page's own stream");
    state(call, "screenVideo").track.onended();
    await until(() => told().includes("local-screen-share-stopped"), "its end");
    log.length = 0;
    call.startScreenShare();
    await until(() => state(call, "screenVideo").state === "playable", "the screen");
    await until(() => server.peers.get(server.seat.peerId).tracks.screenVideo === "on", "the server's word");
    allow(server, ["audio"]);
    await until(() => told().includes("local-screen-share-stopped"), "the loss");
    assert.ok(mediaDevices.given.every(({ stopped }) => stopped));
    allow(server, ["audio", "screenVideo", "screenAudio"]);
    await until(() => state(call, "screenVideo").off?.byUser, "the right");
    mediaDevices.failure = domError("NotAllowedError");
    call.startScreenShare();
    await until(() => told().includes("local-screen-share-canceled"), "the refusal");
    mediaDevices.failure = domError("NotReadableError");
    call.startScreenShare();
    await until(() => log.at(-1).action === "nonfatal-error", "the failure");
    assert.equal(log.at(-1).type, "screen-share-error");
    assert.equal(call.localScreenVideo(), false);
  });
});
