/** @file Daily's facade over a fake server: what is told, in which order, and what the page may count on. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import Daily from "../daily.js";
import { callOf, EVERYTHING, meeting, obey } from "./daily-house.js";
import { participant, refusal } from "./fake-server.js";
import { pause, started, until } from "./harness.js";

/** Another peer of the room. @param {string} id @param {object} [more] */
function peer(id, more = {}) {
  return participant(id, { ...EVERYTHING, permissions: { ...EVERYTHING.permissions, canAdmin: [] }, capabilities: ["send-audio"], ...more });
}

/** @param {import("./fake-server.js").FakeServer} server */
function lastCall(server) {
  return server.calls.at(-1);
}

const OFF = { startAudioOff: true, startVideoOff: true };

describe("coming and going", () => {
  test("what is told on joining, in Daily's order, with the handlers before the code behind `join`", async (t) => {
    const server = await started(t);
    server.newcomer = EVERYTHING;
    server.put(peer("bo"));
    server.put(peer("cy", { permissions: { ...EVERYTHING.permissions, hasPresence: false } }));
    const { call, told, log } = callOf(server.url, OFF);
    t.after(() => call.destroy());
    assert.deepEqual(call.participants(), {});
    assert.equal(call.localVideo(), null);
    assert.equal(call.meetingState(), "new");
    assert.deepEqual(call.participantCounts(), { present: 0, hidden: 0 });
    /** @type {string[]} */
    const order = [];
    call.on("joined-meeting", () => order.push("handler", call.meetingState()));
    const participants = await call.join();
    order.push("after join");
    assert.deepEqual(order, ["handler", "joined-meeting", "after join"]);
    assert.deepEqual(told(), [
      "loading", "loaded", "joining-meeting", "participant-counts-updated", "access-state-updated", "joined-meeting",
      "meeting-session-summary-updated", "meeting-session-updated", "meeting-session-state-updated",
    ]);
    assert.equal(participants, call.participants());
    assert.deepEqual(Object.keys(call.participants()).sort(), ["bo", "local"], "the hidden are not there");
    assert.deepEqual(Object.keys(call.hiddenParticipants()), ["cy"], "but an administrator may list them");
    assert.deepEqual(call.participantCounts(), { present: 2, hidden: 1 });
    assert.equal(server.handshakes[0]?.params.room, "daily:standup");
    for (const event of log) assert.equal(event.callClientId, call.callClientId);
  });

  test("a second `join` warns and resolves to nothing, and `leave` may be said twice", async (t) => {
    const { call, told, server } = await meeting(t, OFF);
    assert.equal(await call.join(), undefined);
    assert.equal(server.handshakes.length, 1);
    await Promise.all([call.leave(), call.leave()]);
    await call.leave();
    assert.equal(told().filter((name) => name === "left-meeting").length, 1);
    assert.equal(call.meetingState(), "left-meeting");
    assert.deepEqual(call.participants(), {});
    assert.deepEqual(call.participantCounts(), { present: 0, hidden: 0 });
    assert.deepEqual(call.accessState(), { access: "unknown" });
    await call.join();
    assert.equal(call.meetingState(), "joined-meeting");
  });

  test("`join` that is refused rejects with the event, and ends in `error`", async (t) => {
    const server = await started(t);
    for (const [refused, type] of /** @type {const} */ ([
      [{ code: 403, message: "full", data: { reason: "room-full" } }, "meeting-full"],
      [{ code: 401, message: "no", data: { reason: "bad-token" } }, "not-allowed"],
      [{ code: 401, message: "old", data: { reason: "token-expired" } }, "exp-token"],
      [{ code: 403, message: "early", data: { reason: "not-open" } }, "nbf-room"],
      [{ code: 403, message: "late", data: { reason: "closed" } }, "exp-room"],
      [{ code: 403, message: "not invited", data: { reason: "private", knocking: false } }, "not-allowed"],
      [{ code: 404, message: "none", data: { reason: "unknown-room" } }, "no-room"],
      [{ code: 500, message: "broken", data: { reason: "internal" } }, "connection-error"],
    ])) {
      server.refuseNext = refused;
      const { call, log } = callOf(server.url, OFF);
      await assert.rejects(call.join(), (/** @type {any} */ event) => event.action === "error" && event.error.type === type);
      assert.equal(call.meetingState(), "error");
      assert.deepEqual(log.slice(-2).map(({ action }) => action), ["error", "left-meeting"]);
      assert.equal(log.at(-2).errorMsg, refused.message);
      await call.destroy();
    }
    const { call } = callOf("ws://127.0.0.1:9", OFF);
    await assert.rejects(call.join(), (/** @type {any} */ event) => event.error.type === "connection-error" && event.error.details.on === "join");
  });

  test("a join that is left before it came to anything rejects, and nothing went wrong", async (t) => {
    const { call, told } = callOf("ws://127.0.0.1:9", { ...OFF, rolecall: { WebSocket: /** @type {any} */ (class { close() {} }) } });
    t.after(() => call.destroy());
    const refused = assert.rejects(call.join(), /the meeting was left before it was joined/);
    await until(() => call.meetingState() === "joining-meeting", "the way in");
    await call.leave();
    await refused;
    assert.deepEqual(told(), ["loading", "loaded", "joining-meeting", "left-meeting"]);
  });

  test("whoever is removed is told so, and is out", async (t) => {
    const { call, server, log, told } = await meeting(t, OFF);
    server.seat.socket?.close(4502, "off topic");
    await until(() => told().includes("left-meeting"), "the end");
    assert.deepEqual(log.slice(-2).map(({ action }) => action), ["error", "left-meeting"]);
    assert.deepEqual(log.at(-2).error, { type: "ejected", msg: "off topic" });
    assert.equal(call.meetingState(), "error");
    assert.deepEqual(call.participants(), {});
    // A room whose time is over has no words of anybody.
    for (const [text, msg] of /** @type {const} */ ([["closed", "The meeting has ended"], ["see you tomorrow", "see you tomorrow"]])) {
      await call.join();
      server.seat.socket?.close(4503, text);
      await until(() => log.at(-1).action === "left-meeting", "the end");
      assert.deepEqual(log.at(-2).error, { type: "exp-room", msg });
    }
  });

  test("guards: what works in a meeting throws outside of it, by name", async (t) => {
    t.mock.method(console, "error", () => {});
    const server = await started(t);
    const { call } = callOf(server.url, OFF);
    assert.throws(() => call.sendAppMessage("hello"), /^Error: sendAppMessage\(\) only supported after join\.$/);
    assert.throws(() => call.meetingSessionState(), /only supported after join/);
    assert.throws(() => call.setMeetingSessionData({}), /only supported after join/);
    assert.throws(() => call.setSubscribeToTracksAutomatically(false), /Use the subscribeToTracksAutomatically configuration property/);
    await assert.rejects(new (/** @type {any} */ (call.constructor))().join(), /No room URL has been provided/);
    assert.deepEqual(await call.room(), { roomUrlPendingJoin: `${server.url.replace("ws:", "http:")}/standup` });
    await call.destroy();
    assert.equal(call.isDestroyed(), true);
    await assert.rejects(call.join(), /Use after destroy/);
  });

  test("one call at a time, unless more are allowed", async () => {
    const call = Daily.createCallObject();
    assert.equal(Daily.getCallInstance(), call);
    assert.equal(Daily.getCallInstance(call.callClientId), call);
    assert.throws(() => Daily.createCallObject(), /Duplicate DailyIframe instances are not allowed/);
    const second = Daily.createCallObject({ allowMultipleCallInstances: true });
    await second.destroy();
    await call.destroy();
    assert.equal(Daily.getCallInstance(), undefined);
    assert.throws(() => Daily.createCallObject({ url: /** @type {any} */ (7) }), /property 'url': url should be a string/);
    assert.match(Daily.version(), /^0\.92\.2/);
  });

  test("what a server of state cannot do throws, and says its name", async () => {
    const call = /** @type {any} */ (Daily.createCallObject());
    assert.throws(() => call.startRecording(), /^Error: startRecording\(\) is not supported$/);
    assert.throws(() => call.startTranscription(), /startTranscription\(\) is not supported/);
    await assert.rejects(call.startDialOut({}), /startDialOut\(\) is not supported/);
    assert.throws(() => Daily.createFrame(), /createFrame\(\) is not supported/);
    await call.destroy();
  });

  test("an address names the server and the room, and may carry the token", async (t) => {
    const server = await started(t);
    server.newcomer = EVERYTHING;
    const url = server.url.replace("ws:", "http:");
    const { call } = callOf(server.url, { ...OFF, url: `${url}/a-room?t=the-token` });
    await call.join();
    assert.deepEqual([server.handshakes[0]?.params.room, server.handshakes[0]?.params.token], ["daily:a-room", "the-token"]);
    await call.leave();
    await call.join({ url: `${url}/stage:town-hall`, token: "another" });
    assert.deepEqual([server.handshakes[1]?.params.room, server.handshakes[1]?.params.token], ["stage:town-hall", "another"]);
    await call.destroy();
    const lost = callOf(server.url, { ...OFF, url: `${url}/` }).call;
    await assert.rejects(lost.join(), /is not the address of a room/);
  });
});

describe("people", () => {
  test("somebody comes, changes, hides, comes back as the same, and leaves", async (t) => {
    const { call, server, log, told } = await meeting(t, OFF);
    log.length = 0;
    server.put(peer("bo"));
    await until(() => call.participants().bo, "bo");
    server.put(peer("bo", { name: "Bo B" }));
    await until(() => call.participants().bo?.user_name === "Bo B", "his name");
    server.put(peer("bo", { name: "Bo B", permissions: { ...EVERYTHING.permissions, hasPresence: false } }));
    await until(() => call.hiddenParticipants().bo, "his hiding");
    assert.equal(call.participants().bo, undefined);
    server.put(peer("bo", { name: "Bo B" }));
    await until(() => call.participants().bo, "his return");
    assert.deepEqual(call.hiddenParticipants(), {});
    server.remove("bo", "left");
    await until(() => !call.participants().bo, "his leaving");
    await until(() => call.participantCounts().present === 1, "the counts");
    assert.deepEqual(told().filter((name) => name !== "participant-counts-updated"), [
      "participant-joined bo", "participant-updated bo", "participant-left bo", "rolecall-hidden-participants-updated",
      "participant-joined bo", "rolecall-hidden-participants-updated", "participant-left bo",
    ]);
    const left = log.filter(({ action }) => action === "participant-left");
    assert.deepEqual(left.map(({ reason }) => reason), ["hidden", undefined]);
    assert.equal(left[0].participant.user_name, "Bo B");
    assert.ok(!("reason" in left[1]));
    assert.deepEqual(log.filter(({ action }) => action === "participant-counts-updated").map(({ participantCounts }) => [participantCounts.present, participantCounts.hidden]),
      [[2, 0], [1, 1], [2, 0], [1, 0]]);
  });

  test("who is told the leaving of a hidden one: nobody", async (t) => {
    const { call, server, log, told } = await meeting(t, OFF);
    server.put(peer("bo", { permissions: { ...EVERYTHING.permissions, hasPresence: false } }));
    await until(() => call.hiddenParticipants().bo, "bo");
    log.length = 0;
    server.remove("bo", "lost");
    await until(() => !call.hiddenParticipants().bo, "his leaving");
    await until(() => call.participantCounts().hidden === 0, "the counts");
    assert.deepEqual(told(), ["rolecall-hidden-participants-updated", "participant-counts-updated"]);
  });

  test("for somebody without rights, one who hides leaves with the reason `hidden`", async (t) => {
    const { call, server, log } = await meeting(t, OFF, { ...EVERYTHING, capabilities: [] });
    server.put(peer("bo"));
    server.put(peer("bo", { permissions: { ...EVERYTHING.permissions, hasPresence: false } }));
    await until(() => log.some(({ action }) => action === "participant-left"), "his hiding");
    assert.equal(log.find(({ action }) => action === "participant-left").reason, "hidden");
    assert.deepEqual(call.hiddenParticipants(), {});
  });

  test("an update that changes nothing a page can see is not told", async (t) => {
    const { call, server, log, told } = await meeting(t, OFF);
    server.put(peer("bo"));
    await until(() => call.participants().bo, "bo");
    log.length = 0;
    server.put(peer("bo", { connected: false }), ["connected"]);
    server.put(peer("bo", { connected: true }), ["connected"]);
    server.put(peer("bo", { name: "Other" }), ["name"]);
    await until(() => call.participants().bo?.user_name === "Other", "his name");
    assert.deepEqual(told(), ["participant-updated bo"]);
  });

  test("permissions are read as sets and booleans, never as lists", async (t) => {
    const { call, server } = await meeting(t, OFF);
    assert.deepEqual(call.participants().local.permissions, { hasPresence: true, canSend: true, canReceive: { base: true }, canAdmin: true });
    const rules = { base: false, byUserId: { ann: true } };
    server.put(peer("bo", { permissions: { hasPresence: true, canSend: ["audio", "customAudio"], canReceive: rules, canAdmin: ["participants"] } }));
    server.put(peer("cy", { permissions: { hasPresence: true, canSend: [], canReceive: { base: true, byRole: { host: true } }, canAdmin: [] } }));
    await until(() => call.participants().cy, "both");
    assert.deepEqual(call.participants().bo?.permissions, { hasPresence: true, canSend: new Set(["audio", "customAudio"]), canReceive: rules, canAdmin: new Set(["participants"]) });
    assert.deepEqual(call.participants().cy?.permissions, { hasPresence: true, canSend: false, canReceive: { base: true }, canAdmin: false });
  });

  test("the tracks of others: on, off, turned off by somebody else, not allowed, not to be received", async (t) => {
    const { call, server } = await meeting(t, OFF);
    const tracks = { ...EVERYTHING.tracks, audio: "on", video: "blocked" };
    server.put(peer("bo", { tracks }));
    await until(() => call.participants().bo, "bo");
    const bo = () => /** @type {any} */ (call.participants().bo).tracks;
    assert.deepEqual(bo().audio, { subscribed: true, state: "loading" });
    assert.deepEqual(bo().video, { subscribed: true, state: "off", off: { byCanSendPermission: true } });
    assert.deepEqual(bo().screenVideo, { subscribed: true, state: "off", off: { byUser: true } });
    assert.equal(bo().customVideo, undefined);
    server.put(peer("bo", { tracks: { ...tracks, audio: "off" } }), ["tracks"], "ann");
    await until(() => bo().audio.off?.byRemoteRequest, "the mute");
    server.put(peer("bo", { tracks }), ["tracks"], "bo");
    await until(() => bo().audio.state === "loading", "his own turning on");
    server.put(peer("bo", { tracks: { ...tracks, audio: "off" } }), ["tracks"], "bo");
    await until(() => bo().audio.off?.byUser, "his own turning off");
    // What oneself may not receive any more is off on everybody.
    server.put(peer("bo", { tracks }), ["tracks"], "bo");
    await until(() => bo().audio.state === "loading", "his own turning on");
    const self = server.peers.get(server.seat.peerId);
    server.put({ ...self, permissions: { ...self.permissions, canReceive: { base: true, byUserId: { "user-bo": { audio: false } } } } }, ["permissions"]);
    await until(() => bo().audio.state === "off", "the loss");
    assert.deepEqual(bo().audio.off, { byCanReceivePermission: true });
    assert.deepEqual(bo().video.off, { byCanSendPermission: true });
  });

  test("tracks nobody subscribed to are sendable", async (t) => {
    const { call, server } = await meeting(t, { ...OFF, subscribeToTracksAutomatically: false });
    server.put(peer("bo", { tracks: { ...EVERYTHING.tracks, audio: "on", video: "on" } }));
    await until(() => call.participants().bo, "bo");
    const state = (/** @type {string} */ kind) => call.participants().bo?.tracks[kind];
    assert.deepEqual(state("audio"), { subscribed: false, state: "sendable" });
    call.updateParticipant("bo", { setSubscribedTracks: { audio: true, video: "staged" } });
    assert.deepEqual([state("audio"), state("video")], [{ subscribed: true, state: "loading" }, { subscribed: "staged", state: "sendable" }]);
    call.setSubscribeToTracksAutomatically(true);
    assert.deepEqual(state("video"), { subscribed: true, state: "loading" });
    assert.throws(() => call.updateParticipant("bo", { setSubscribedTracks: true }), /setSubscribedTracks cannot be used when/);
  });
});

describe("what is asked of the server", () => {
  test("updates go out as patches, return the call, and are no promises", async (t) => {
    const { call, server } = await meeting(t, OFF);
    server.put(peer("bo"));
    await until(() => call.participants().bo, "bo");
    const returned = call.updateParticipant("bo", { updatePermissions: { hasPresence: false, canSend: new Set(/** @type {const} */ (["audio"])) } });
    assert.equal(returned, call);
    assert.equal(/** @type {any} */ (call).then, undefined);
    await until(() => call.hiddenParticipants().bo, "the change");
    assert.deepEqual(lastCall(server)?.params, { peerId: "bo", updatePermissions: { hasPresence: false, canSend: ["audio"] } });
    // Whom nobody sees is still reached by his id.
    call.updateParticipant("bo", { updatePermissions: { hasPresence: true, canReceive: { base: true }, canAdmin: ["streaming"] } });
    await until(() => call.participants().bo, "the change back");
    assert.deepEqual(lastCall(server)?.params.updatePermissions, { hasPresence: true, canReceive: { base: true }, canAdmin: ["streaming"] });
    server.handlers.mute = () => ({ muted: 1 });
    server.handlers.removePeer = ({ peerId }) => server.remove(peerId, "removed");
    call.updateParticipant("bo", { setAudio: false, setVideo: false, setScreenShare: false });
    await until(() => lastCall(server)?.method === "mute", "the mute");
    assert.deepEqual(lastCall(server)?.params, { peerId: "bo", tracks: ["audio", "video", "screenVideo", "screenAudio"] });
    call.updateParticipant("bo", { eject: true });
    await until(() => !call.participants().bo, "his leaving");
  });

  test("several updates are one call, `*` being everybody else", async (t) => {
    const { call, server, log } = await meeting(t, OFF);
    for (const id of ["bo", "cy"]) server.put(peer(id));
    await until(() => call.participants().cy, "both");
    server.handlers.updateParticipants = () => ({ changed: 1, skipped: 1, refused: [{ peerId: "cy", reason: "owner" }] });
    server.handlers.mute = () => ({ muted: 1 });
    call.updateParticipants({ bo: { updatePermissions: { canSend: false } }, "*": { updatePermissions: { canSend: ["audio"] }, setAudio: false } });
    await until(() => log.some(({ action }) => action === "rolecall-refused"), "the refusal");
    assert.deepEqual(server.calls.find(({ method }) => method === "updateParticipants")?.params.updates, { bo: { updatePermissions: { canSend: false } }, "*": { updatePermissions: { canSend: ["audio"] } } });
    assert.deepEqual(server.calls.filter(({ method }) => method === "mute").map(({ params }) => params.peerId), ["cy"]);
    const refused = log.find(({ action }) => action === "rolecall-refused");
    assert.deepEqual([refused.method, refused.sessionId, refused.reason], ["updateParticipants", "cy", "owner"]);
  });

  test("what is refused changes nothing, and is told", async (t) => {
    const { call, server, log } = await meeting(t, OFF);
    const warned = t.mock.method(console, "warn", () => {});
    const refusals = () => log.filter(({ action }) => action === "rolecall-refused");
    server.handlers.updateParticipant = () => {
      throw refusal(403, "not-allowed", { needs: "update-call-permissions" });
    };
    call.updateParticipant("bo", { updatePermissions: { canSend: true } });
    await until(() => refusals().length === 1, "the refusal");
    const [refused] = refusals();
    assert.deepEqual(
      { ...refused, callClientId: undefined },
      { action: "rolecall-refused", callClientId: undefined, method: "updateParticipant", sessionId: "bo", updates: { updatePermissions: { canSend: true } }, reason: "not-allowed",
        errorMsg: "not-allowed", details: { reason: "not-allowed", needs: "update-call-permissions" } },
    );
    assert.match(String(warned.mock.calls.at(-1)?.arguments[0]), /^not allowed to apply requested updates to participant bo's permissions; skipping/);
    call.updateParticipant("bo", { setAudio: true });
    call.updateParticipant("local", { eject: true });
    assert.deepEqual(refusals().slice(1).map(({ reason }) => reason), ["not-supported", "self"]);
    server.handlers.updateParticipant = () => {
      throw refusal(403, "owner");
    };
    await assert.rejects(call.resetPermissions("bo"), { reason: "owner" });
    assert.deepEqual(lastCall(server)?.params.updatePermissions, { hasPresence: null, canSend: null, canReceive: null, canAdmin: null });
  });

  test("app messages: to everybody, to one, to several, and never too large", async (t) => {
    const { call, server, log } = await meeting(t, OFF);
    assert.equal(call.sendAppMessage({ hello: 1 }), call);
    call.sendAppMessage("you", "bo");
    call.sendAppMessage("both", ["bo", "cy"]);
    await until(() => server.calls.filter(({ method }) => method === "sendMessage").length === 4, "the messages");
    assert.deepEqual(server.calls.filter(({ method }) => method === "sendMessage").map(({ params }) => [params.data, params.to]), [[{ hello: 1 }, "*"], ["you", "bo"], ["both", "bo"], ["both", "cy"]]);
    assert.throws(() => call.sendAppMessage("x".repeat(4095)), /^Error: Message data too large\. Max size is 4096$/);
    call.sendAppMessage("x".repeat(4094));
    server.send(server.seat, { jsonrpc: "2.0", method: "app-message", params: { from: { peerId: "bo", userId: "b", name: "Bo" }, data: { a: 1 }, to: "*" } });
    server.send(server.seat, { jsonrpc: "2.0", method: "app-message", params: { from: { peerId: null, userId: null, name: "server" }, data: 2, to: "*" } });
    await until(() => log.filter(({ action }) => action === "app-message").length === 2, "the answers");
    assert.deepEqual(log.filter(({ action }) => action === "app-message").map(({ data, fromId }) => [data, fromId]), [[{ a: 1 }, "bo"], [2, "server"]]);
  });

  test("somebody asks to turn a device on", async (t) => {
    const { server, log } = await meeting(t, OFF);
    for (const peerId of ["bo", null]) {
      server.send(server.seat, { jsonrpc: "2.0", method: "unmute-request", params: { from: { peerId, userId: null, name: "Bo" }, tracks: ["audio"] } });
    }
    const asked = () => log.filter(({ action }) => action === "rolecall-unmute-request");
    await until(() => asked().length === 2, "the requests");
    assert.deepEqual(asked().map(({ tracks, fromId }) => [tracks, fromId]), [[["audio"], "bo"], [["audio"], "server"]]);
    assert.ok(!server.calls.some(({ method, params }) => method === "setTracks" && params.audio), "it is for the page to answer");
  });

  test("name and data of oneself", async (t) => {
    const { call, server } = await meeting(t, { ...OFF, userName: "Ann", userData: { seat: 1 } });
    assert.deepEqual(server.handshakes[0]?.params.name, "Ann");
    assert.deepEqual(call.participants().local.userData, { seat: 1 });
    assert.deepEqual(await call.setUserName("Anna"), { userName: "Anna" });
    assert.deepEqual(lastCall(server), { id: lastCall(server)?.id, method: "setName", params: { name: "Anna" } });
    assert.deepEqual(await call.setUserData({ seat: 2 }), { userData: { seat: 2 } });
    assert.deepEqual(lastCall(server)?.params, { metadata: { seat: 2 } });
    await assert.rejects(call.setUserData("x".repeat(4097)), /userData is too large \(4097 characters\)/);
  });

  test("session data is checked, sent as it is to be merged, and told", async (t) => {
    t.mock.method(console, "error", () => {});
    const { call, server, log } = await meeting(t, OFF);
    assert.deepEqual(call.meetingSessionState(), { data: {}, topology: "peer" });
    call.setMeetingSessionData({ a: 1 });
    call.setMeetingSessionData({ b: 2, a: undefined }, "shallow-merge");
    call.setMeetingSessionData({}, "shallow-merge");
    await until(() => server.calls.filter(({ method }) => method === "setSessionData").length === 2, "the calls");
    assert.deepEqual(server.calls.filter(({ method }) => method === "setSessionData").map(({ params }) => params), [{ data: { a: 1 }, merge: false }, { data: { b: 2 }, merge: true, remove: ["a"] }]);
    assert.throws(() => call.setMeetingSessionData([1]), /must be a plain \(map-like\) object/);
    assert.throws(() => call.setMeetingSessionData({}, /** @type {any} */ ("deep")), /Unrecognized mergeStrategy provided/);
    assert.throws(() => call.setMeetingSessionData({ a: "x".repeat(102_400) }), /Meeting session data is too large \(\d+ characters\)/);
    server.tell(server.seat, "session-data-updated", { data: { b: 2 }, by: "bo" });
    await until(() => log.filter(({ action }) => action === "meeting-session-state-updated").length === 2, "the data");
    assert.deepEqual(call.meetingSessionState(), { data: { b: 2 }, topology: "peer" });
    server.handlers.setSessionData = () => {
      throw refusal(413, "too-large", { max: 102400 });
    };
    call.setMeetingSessionData({ c: 3 });
    await until(() => log.at(-1).action === "nonfatal-error", "the refusal");
    assert.deepEqual([log.at(-1).type, log.at(-1).details.reason], ["meeting-session-data-error", "too-large"]);
  });
});

describe("a lost connection", () => {
  test("a resume is told as an interrupted network and nothing else", async (t) => {
    const { call, server, log, told } = await meeting(t, OFF);
    server.put(peer("bo"));
    await until(() => call.participants().bo, "bo");
    const id = call.participants().local.session_id;
    log.length = 0;
    server.seat.socket?.terminate();
    await until(() => log.some(({ event }) => event === "connected"), "the resume");
    assert.deepEqual(told(), ["network-connection", "network-connection"]);
    assert.deepEqual(log.map(({ type, event }) => [type, event]), [["signaling", "interrupted"], ["signaling", "connected"]]);
    assert.equal(call.participants().local.session_id, id);
    assert.equal(call.meetingState(), "joined-meeting");
  });

  test("a session that is gone comes back as another one: oneself updated, the others as they are", async (t) => {
    const { call, server, log } = await meeting(t, { startVideoOff: true });
    server.put(peer("bo"));
    await until(() => call.participants().bo && call.participants().local.tracks.audio.state === "playable", "bo and a microphone");
    const { seat } = server;
    const id = call.participants().local.session_id;
    log.length = 0;
    server.unseat(seat, "lost");
    server.put(peer("cy"));
    seat.socket?.terminate();
    await until(() => call.participants().local.session_id !== id, "the new seat");
    await until(() => call.participants().cy, "cy");
    assert.deepEqual(log.filter(({ action }) => action === "participant-left" || action === "joined-meeting" || action === "left-meeting"), []);
    assert.deepEqual(Object.keys(call.participants()).sort(), ["bo", "cy", "local"]);
    await until(() => server.peers.get(server.seat.peerId).tracks.audio === "on", "the microphone told anew");
    await pause(20);
    assert.equal(call.localAudio(), true);
  });

  test("handlers: a throwing one ends its event, twice is twice, once is once", async (t) => {
    const server = await started(t);
    server.newcomer = EVERYTHING;
    obey(server);
    const logged = t.mock.method(console, "log", () => {});
    const { call } = callOf(server.url, OFF);
    t.after(() => call.destroy());
    /** @type {string[]} */
    const heard = [];
    const twice = () => void heard.push("twice");
    call.on("joining-meeting", twice).on("joining-meeting", twice).once("joining-meeting", () => void heard.push("once"));
    call.on("joined-meeting", () => {
      throw new Error("oh");
    });
    call.on("joined-meeting", () => void heard.push("behind"));
    await call.join();
    assert.deepEqual(heard, ["twice", "twice", "once"]);
    assert.equal(logged.mock.calls[0]?.arguments[0], "could not emit");
    assert.equal(call.meetingState(), "joined-meeting");
    await call.leave();
    call.off("joining-meeting", twice);
    await call.join();
    assert.deepEqual(heard, ["twice", "twice", "once", "twice"]);
    assert.throws(() => call.on("error", /** @type {any} */ (null)), TypeError);
  });
});
