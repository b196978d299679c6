/** @file Daily's waiting room over a fake server: the lobby, the question, both answers, and those who give them. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { callOf, EVERYTHING, obey } from "./daily-house.js";
import { participant, refusal } from "./fake-server.js";
import { pause, started, until } from "./harness.js";

const OFF = { startAudioOff: true, startVideoOff: true };
const LOBBY = { level: "lobby" };
const FULL = { level: "full" };

/**
 * A private room with an owner in it who may answer.
 * @param {import("node:test").TestContext} t
 */
async function house(t) {
  const server = await started(t);
  server.newcomer = EVERYTHING;
  obey(server);
  const owner = callOf(server.url, { ...OFF, token: "owner", userName: "Ann" });
  t.after(() => owner.call.destroy());
  await owner.call.join();
  server.door = { knocking: true };
  owner.log.length = 0;
  return { server, owner };
}

/**
 * Somebody without a token, in the lobby.
 * @param {import("node:test").TestContext} t
 * @param {import("./fake-server.js").FakeServer} server
 * @param {import("../daily.js").FactoryOptions} [options]
 */
async function stranger(t, server, options = {}) {
  const guest = callOf(server.url, { ...OFF, userName: "Bo", ...options });
  t.after(() => guest.call.destroy());
  const participants = await guest.call.join();
  return { ...guest, participants };
}

/** @param {{ call: import("../daily.js").DailyCall }} owner */
async function whoWaits({ call }) {
  await until(() => Object.keys(call.waitingParticipants()).length > 0, "somebody who waits");
  return /** @type {string} */ (Object.keys(call.waitingParticipants())[0]);
}

describe("the lobby", () => {
  test("joining without a token resolves, with nobody there but oneself", async (t) => {
    const { server } = await house(t);
    server.put(participant("cy", EVERYTHING));
    const { call, participants, told } = await stranger(t, server);
    assert.equal(call.meetingState(), "joined-meeting");
    assert.deepEqual(call.accessState(), { access: LOBBY });
    assert.equal(participants, call.participants());
    assert.deepEqual(Object.keys(call.participants()), ["local"]);
    assert.deepEqual(call.participantCounts(), { present: 0, hidden: 0 });
    assert.deepEqual(call.waitingParticipants(), {});
    assert.deepEqual(told(), ["loading", "loaded", "joining-meeting", "access-state-updated", "joined-meeting"]);
    const { local } = call.participants();
    assert.deepEqual([local.local, local.owner, local.user_name], [true, false, "Bo"]);
    assert.deepEqual(local.permissions, { hasPresence: false, canSend: new Set(["video", "audio"]), canReceive: { base: false }, canAdmin: false });
    assert.deepEqual(await call.room(), { roomUrlPendingJoin: `${server.url.replace("ws:", "http:")}/standup` });
    assert.deepEqual(await call.getNetworkTopology(), { topology: "none" });
    assert.equal(server.peers.size, 2);
  });

  test("a private room where nobody may knock is refused", async (t) => {
    const { server } = await house(t);
    server.door = { knocking: false };
    const { call, log } = callOf(server.url, OFF);
    await assert.rejects(call.join(), (/** @type {any} */ event) => event.action === "error" && event.error.type === "not-allowed");
    assert.equal(call.meetingState(), "error");
    assert.deepEqual(log.slice(-2).map(({ action }) => action), ["error", "left-meeting"]);
  });

  test("devices may be tried out there, and go along", async (t) => {
    const { server, owner } = await house(t);
    const { call, told } = await stranger(t, server, { startAudioOff: false });
    await until(() => call.participants().local.tracks.audio.state === "playable", "the microphone");
    assert.equal(call.localAudio(), true);
    call.updateParticipant("local", { setVideo: true });
    await until(() => call.participants().local.tracks.video.state === "playable", "the camera");
    call.setLocalVideo(false);
    assert.deepEqual(call.participants().local.tracks.screenVideo.off, { byCanSendPermission: true });
    const asked = call.requestAccess({ name: "Bo" });
    await owner.call.updateWaitingParticipant(await whoWaits(owner), { grantRequestedAccess: true });
    await asked;
    await until(() => server.peers.get(server.seat.peerId).tracks.audio === "on", "the microphone in the room");
    assert.deepEqual([call.localAudio(), call.localVideo()], [true, false]);
    assert.equal(told().filter((name) => name === "track-stopped local audio").length, 0);
  });

  test("what is asked of the room is refused, and told", async (t) => {
    t.mock.method(console, "warn", () => {});
    const { server, owner } = await house(t);
    const { call, log } = await stranger(t, server);
    const calls = server.calls.length;
    assert.equal(call.sendAppMessage("hello"), call);
    call.updateParticipant("bo", { updatePermissions: { canSend: true } });
    call.updateParticipants({ "*": { updatePermissions: { canSend: true } } });
    call.updateParticipant("local", { updatePermissions: { hasPresence: true } });
    call.setMeetingSessionData({ a: 1 });
    await until(() => log.filter(({ action }) => action === "rolecall-refused" || action === "nonfatal-error").length === 5, "the refusals");
    assert.ok(log.filter(({ action }) => action === "rolecall-refused").every(({ reason }) => reason === "lobby"));
    assert.deepEqual(call.meetingSessionState(), { data: {}, topology: "none" });
    await assert.rejects(call.resetPermissions("local"), { reason: "lobby" });
    await assert.rejects(call.updateWaitingParticipant("x", { grantRequestedAccess: true }), { reason: "lobby" });
    assert.equal(server.calls.length, calls);
    assert.equal(owner.log.length, 0);
  });

  test("name and data said there are those one comes in with", async (t) => {
    const { server, owner } = await house(t);
    const { call } = await stranger(t, server);
    await call.setUserName("Bob");
    await call.setUserData({ seat: 1 });
    await until(() => call.participants().local.user_name === "Bob" && call.participants().local.userData, "them on oneself");
    const asked = call.requestAccess({ name: "" });
    const id = await whoWaits(owner);
    assert.equal(owner.call.waitingParticipants()[id]?.name, "Bob");
    await call.setUserData({ seat: 2 });
    await owner.call.updateWaitingParticipant(id, { grantRequestedAccess: true });
    await asked;
    assert.equal(call.participants().local.user_name, "Bob");
    await until(() => server.calls.some(({ method, params }) => method === "setMetadata" && params.metadata.seat === 2), "what was said while waiting");
    assert.ok(server.calls.every(({ method }) => method !== "setName"));
  });

  test("is left like a meeting, whether or not one asked", async (t) => {
    const { server, owner } = await house(t);
    const { call, told } = await stranger(t, server);
    await call.leave();
    assert.deepEqual([call.meetingState(), call.accessState(), call.participants()], ["left-meeting", { access: "unknown" }, {}]);
    await call.join();
    assert.deepEqual(call.accessState(), { access: LOBBY });
    const refused = assert.rejects(call.requestAccess({ name: "Bo" }), /the meeting was left/);
    await whoWaits(owner);
    await call.leave();
    await refused;
    await until(() => owner.told().includes("waiting-participant-removed"), "his leaving");
    assert.equal(told().filter((name) => name === "left-meeting").length, 2);
    assert.deepEqual(owner.call.waitingParticipants(), {});
  });
});

describe("asking to be let in", () => {
  test("granted: the access is told, the others are news, and one is news to them", async (t) => {
    const { server, owner } = await house(t);
    server.put(participant("cy", EVERYTHING));
    const { call, log, told } = await stranger(t, server);
    const participants = call.participants();
    log.length = owner.log.length = 0;
    /** @type {any} */
    let answer = null;
    const asked = call.requestAccess({ access: { level: "full" }, name: "Bob" }).then((given) => (answer = given));
    const id = await whoWaits(owner);
    await until(() => call.accessState().awaitingAccess, "the question");
    assert.deepEqual(call.accessState(), { access: LOBBY, awaitingAccess: FULL });
    await pause(10);
    assert.equal(answer, null, "it pends");
    assert.deepEqual(owner.call.waitingParticipants(), { [id]: { id, name: "Bob", awaitingAccess: FULL } });
    assert.deepEqual(await owner.call.updateWaitingParticipant(id, { grantRequestedAccess: true }), { id });
    await asked;
    assert.deepEqual(answer, { access: FULL, granted: true });
    assert.deepEqual(call.accessState(), { access: FULL });
    assert.equal(call.participants(), participants, "it is the same meeting");
    const ownerId = owner.call.participants().local.session_id;
    assert.deepEqual(Object.keys(call.participants()).sort(), [ownerId, "cy", "local"].sort());
    assert.deepEqual([call.participants().local.session_id, call.participants().local.user_name], [id, "Bob"]);
    const order = told().filter((name) => !name.startsWith("meeting-session"));
    assert.deepEqual(order.slice(0, 4), ["access-state-updated", "participant-counts-updated", "access-state-updated", "participant-updated local"]);
    assert.deepEqual(order.slice(4).sort(), ["participant-joined cy", `participant-joined ${ownerId}`].sort());
    await until(() => owner.call.participants()[id], "him in the room");
    const seen = owner.told();
    assert.ok(seen.indexOf("waiting-participant-removed") < seen.indexOf(`participant-joined ${id}`));
    assert.deepEqual(owner.call.waitingParticipants(), {});
    // Asked once more there is nothing to ask.
    assert.deepEqual(await call.requestAccess({ name: "Bob" }), { access: FULL, granted: true });
  });

  test("refused: it resolves, and the call ends in `error`", async (t) => {
    const { server, owner } = await house(t);
    const { call, log } = await stranger(t, server);
    const asked = call.requestAccess({ name: "Bo" });
    const id = await whoWaits(owner);
    await owner.call.updateWaitingParticipants({ [id]: { grantRequestedAccess: false } });
    assert.deepEqual(await asked, { access: LOBBY, granted: false });
    assert.deepEqual(log.slice(-2).map(({ action }) => action), ["error", "left-meeting"]);
    assert.equal(log.at(-2).error.type, "not-allowed");
    assert.equal(call.meetingState(), "error");
    assert.deepEqual(call.participants(), {});
    await until(() => owner.told().includes("waiting-participant-removed"), "his going");
    // And he may try again.
    await call.join();
    const again = call.requestAccess({ name: "Bo" });
    await owner.call.updateWaitingParticipant(await whoWaits(owner), { grantRequestedAccess: true });
    assert.equal((await again).granted, true);
  });

  test("asked again under another name it is one question, with the new name", async (t) => {
    const { server, owner } = await house(t);
    const { call } = await stranger(t, server);
    const first = call.requestAccess({ name: "B" });
    const same = call.requestAccess({ name: "B" });
    await whoWaits(owner);
    const second = call.requestAccess({ name: "Bob" });
    await until(() => Object.values(owner.call.waitingParticipants()).map(({ name }) => name).join() === "Bob", "the new name alone");
    assert.equal(server.handshakes.filter(({ method }) => method === "knock").length, 2);
    await owner.call.updateWaitingParticipants({ "*": { grantRequestedAccess: true } });
    for (const answer of await Promise.all([first, same, second])) assert.equal(answer.granted, true);
    assert.equal(call.participants().local.user_name, "Bob");
  });

  test("a question that fails for now leaves one in the lobby, one that must fail ends the call", async (t) => {
    const { server } = await house(t);
    const { call, log } = await stranger(t, server);
    const refuse = (/** @type {any} */ error) => { server.refuseNext = error.wire; };
    refuse(refusal(503, "unavailable"));
    await assert.rejects(call.requestAccess({ name: "Bo" }), { reason: "unavailable" });
    refuse(refusal(-32602, "bad-params", { field: "name" }));
    await assert.rejects(call.requestAccess({ name: "\u0000" }), { reason: "bad-params" });
    server.open = false;
    await assert.rejects(call.requestAccess({ name: "Bo" }), { reason: "connection-failed" });
    server.open = true;
    assert.deepEqual([call.meetingState(), call.accessState()], ["joined-meeting", { access: LOBBY }]);
    refuse(refusal(403, "closed"));
    assert.deepEqual(await call.requestAccess({ name: "Bo" }), { access: LOBBY, granted: false });
    assert.deepEqual([call.meetingState(), log.at(-2).error.type], ["error", "exp-room"]);
  });

  test("a lost socket while waiting asks again, and is told", async (t) => {
    const { server, owner } = await house(t);
    const { call, log } = await stranger(t, server);
    const asked = call.requestAccess({ name: "Bo" });
    const id = await whoWaits(owner);
    server.waiters.get(id)?.socket.close(4003);
    await until(() => log.some(({ event }) => event === "connected"), "the way back");
    await until(() => owner.call.waitingParticipants()[id] === undefined && Object.keys(owner.call.waitingParticipants()).length === 1, "him as another");
    assert.deepEqual(log.filter(({ action }) => action === "network-connection").map(({ event }) => event), ["interrupted", "connected"]);
    await owner.call.updateWaitingParticipants({ "*": { grantRequestedAccess: true } });
    assert.equal((await asked).granted, true);
  });

  test("a room that was opened meanwhile is simply entered", async (t) => {
    const { server } = await house(t);
    const { call } = await stranger(t, server);
    server.door = null;
    assert.deepEqual(await call.requestAccess({ name: "Bo" }), { access: FULL, granted: true });
    assert.equal(call.participants().local.user_name, "Bo");
  });

  test("a lost seat is asked for again: the lobby, and the same meeting", async (t) => {
    const { server, owner } = await house(t);
    const { call, log } = await stranger(t, server);
    const asked = call.requestAccess({ name: "Bo" });
    await owner.call.updateWaitingParticipant(await whoWaits(owner), { grantRequestedAccess: true });
    await asked;
    log.length = 0;
    const { seat } = server;
    server.unseat(seat, "lost");
    seat.socket?.terminate();
    await until(() => call.accessState().awaitingAccess, "the question");
    await owner.call.updateWaitingParticipant(await whoWaits(owner), { grantRequestedAccess: true });
    await until(() => call.accessState().awaitingAccess === undefined, "the answer");
    assert.deepEqual(call.accessState(), { access: FULL });
    assert.deepEqual(log.filter(({ action }) => ["joined-meeting", "left-meeting", "error"].includes(action)), []);
    await until(() => server.seat.peerId === call.participants().local.session_id, "oneself as another");
  });
});

describe("letting in", () => {
  test("who comes later finds those who wait; who goes is told with his name", async (t) => {
    const { server, owner } = await house(t);
    const bo = await stranger(t, server);
    const cy = await stranger(t, server, { userName: "Cy" });
    const asked = [bo.call.requestAccess({ name: "Bo" }), cy.call.requestAccess({ name: "Cy" })];
    asked[1]?.catch(() => {});
    await until(() => Object.keys(owner.call.waitingParticipants()).length === 2, "both");
    const late = callOf(server.url, { ...OFF, token: "late" });
    t.after(() => late.call.destroy());
    await late.call.join();
    assert.deepEqual(Object.values(late.call.waitingParticipants()).map(({ name }) => name), ["Bo", "Cy"]);
    assert.ok(!late.told().includes("waiting-participant-added"));
    const during = new Promise((done) => late.call.once("waiting-participant-removed", ({ participant }) => done([participant.name, late.call.waitingParticipants()[participant.id]])));
    await cy.call.leave();
    assert.deepEqual(await during, ["Cy", undefined]);
    await late.call.updateWaitingParticipants({ "*": { grantRequestedAccess: true } });
    assert.equal((await asked[0])?.granted, true);
    assert.deepEqual(owner.told().filter((name) => name.startsWith("waiting")), [
      "waiting-participant-added", "waiting-participant-added", "waiting-participant-removed", "waiting-participant-removed",
    ]);
  });

  test("the arguments are looked at, `*` is the rest, and nobody is answered twice", async (t) => {
    const { server, owner } = await house(t);
    const { call } = owner;
    const guests = [];
    for (const name of ["Bo", "Cy", "Di"]) guests.push(await stranger(t, server, { userName: name }));
    const asked = guests.map((guest) => guest.call.requestAccess({ name: "" }));
    await until(() => Object.keys(call.waitingParticipants()).length === 3, "all three");
    const idOf = (/** @type {string} */ name) => String(Object.values(call.waitingParticipants()).find((waiting) => waiting.name === name)?.id);
    const [bo, cy, di] = ["Bo", "Cy", "Di"].map(idOf);
    await assert.rejects(call.updateWaitingParticipant(/** @type {any} */ (7), {}), /must take an id string and a updates object/);
    await assert.rejects(call.updateWaitingParticipant("x", /** @type {any} */ (null)), /must take an id string and a updates object/);
    await assert.rejects(call.updateWaitingParticipants(/** @type {any} */ ("x")), /must take a mapping between ids and update objects/);
    await assert.rejects(call.updateWaitingParticipant("nobody", { grantRequestedAccess: true }), { reason: "unknown-waiting" });
    await assert.rejects(call.updateWaitingParticipant("nobody", {}), { reason: "unknown-waiting" });
    assert.deepEqual(await call.updateWaitingParticipant(String(bo), {}), { id: bo });
    assert.equal(Object.keys(call.waitingParticipants()).length, 3, "nothing was said");
    const { ids } = await call.updateWaitingParticipants({ "*": { grantRequestedAccess: true }, [String(cy)]: { grantRequestedAccess: false } });
    assert.deepEqual(ids.sort(), [bo, cy, di].sort());
    assert.deepEqual((await Promise.all(asked)).map(({ granted }) => granted), [true, false, true]);
    assert.deepEqual(await call.updateWaitingParticipants({ "*": { grantRequestedAccess: true } }), { ids: [] });
  });

  test("who gets the right sees them, who loses it does not", async (t) => {
    const { server, owner } = await house(t);
    const { call, log, told } = owner;
    const self = server.peers.get(call.participants().local.session_id);
    server.put({ ...self, capabilities: [] }, ["capabilities"]);
    const bo = await stranger(t, server);
    bo.call.requestAccess({ name: "Bo" }).catch(() => {});
    await until(() => server.waiters.size === 1, "the knock");
    assert.deepEqual(call.waitingParticipants(), {});
    log.length = 0;
    server.put(self, ["capabilities"]);
    await until(() => Object.keys(call.waitingParticipants()).length === 1, "him");
    server.put({ ...self, capabilities: [] }, ["capabilities"]);
    await until(() => Object.keys(call.waitingParticipants()).length === 0, "nobody");
    assert.deepEqual(told().filter((name) => name.startsWith("waiting")), ["waiting-participant-added", "waiting-participant-removed"]);
  });

  test("a rebuilt view is read anew: who went is told, who came, too", async (t) => {
    const { server, owner } = await house(t);
    const bo = await stranger(t, server);
    bo.call.requestAccess({ name: "Bo" }).catch(() => {});
    await whoWaits(owner);
    owner.log.length = 0;
    const [seat] = server.seats.values();
    server.deaf = true;
    await bo.call.leave();
    await until(() => server.waiters.size === 0, "his leaving");
    server.deaf = false;
    const cy = await stranger(t, server, { userName: "Cy" });
    server.shortJournal = true;
    server.deaf = true;
    cy.call.requestAccess({ name: "Cy" }).catch(() => {});
    await until(() => server.waiters.size === 1, "the knock");
    server.deaf = false;
    seat?.socket?.terminate();
    await until(() => Object.values(owner.call.waitingParticipants()).map(({ name }) => name).join() === "Cy", "the new list");
    assert.deepEqual(owner.log.filter(({ action }) => action.startsWith("waiting")).map(({ action, participant }) => [action, participant.name]), [
      ["waiting-participant-removed", "Bo"], ["waiting-participant-added", "Cy"],
    ]);
  });
});

describe("looking before joining", () => {
  test("`preAuth` says what access there would be, and lets nobody in", async (t) => {
    const { server, owner } = await house(t);
    const look = async (/** @type {object} */ options = {}) => {
      const { call, log, told } = callOf(server.url, OFF);
      t.after(() => call.destroy());
      const url = String(call.properties.url);
      return { call, log, told, url, answer: await call.preAuth({ url, ...options }) };
    };
    const lobby = await look();
    assert.deepEqual(lobby.answer, { access: LOBBY });
    assert.deepEqual(lobby.told(), ["loading", "loaded", "access-state-updated"]);
    assert.deepEqual(lobby.call.accessState(), { access: LOBBY });
    assert.deepEqual([lobby.call.meetingState(), lobby.call.participants()], ["loaded", {}]);
    server.door = { knocking: false };
    assert.deepEqual((await look()).answer, { access: { level: "none" } });
    server.door = null;
    assert.deepEqual((await look()).answer, { access: FULL });
    assert.equal(server.peers.size, 1);
    assert.ok(!owner.told().includes("waiting-participant-added"), "nobody hears of it");
  });

  test("what it was given stays: the room is then joined with it and no other", async (t) => {
    t.mock.method(console, "error", () => {});
    const { server } = await house(t);
    const { call } = callOf(server.url, OFF);
    t.after(() => call.destroy());
    const url = `${server.url.replace("ws:", "http:")}/other`;
    await assert.rejects(call.preAuth(), /preAuth\(\) requires at least a url to be provided/);
    server.door = null;
    await call.preAuth({ url, token: "mine" });
    await assert.rejects(call.join({ url: `${url}s` }), /url in join\(\) is different than the one used in preAuth\(\)/);
    await assert.rejects(call.join({ token: "another" }), /token in join\(\) is different/);
    await call.join({ url });
    assert.deepEqual([server.handshakes.at(-1)?.params.room, server.handshakes.at(-1)?.params.token], ["daily:other", "mine"]);
    await assert.rejects(call.preAuth({ url }), /^Error: preAuth\(\) not supported after joining a meeting\.$/);
    await call.leave();
    await call.join({ url: `${url}s` });
  });

  test("what can't be looked up rejects with the reason, and the call is as it was", async (t) => {
    const { server } = await house(t);
    const { call } = callOf(server.url, OFF);
    t.after(() => call.destroy());
    const url = String(call.properties.url);
    server.refuseNext = { code: 401, message: "no", data: { reason: "bad-token" }, close: 4500 };
    await assert.rejects(call.preAuth({ url, token: "bad" }), { reason: "bad-token" });
    server.refuseNext = { close: 4500 };
    await assert.rejects(call.preAuth({ url, token: "bad" }), { reason: "connection-failed" });
    assert.deepEqual([call.meetingState(), call.accessState()], ["loaded", { access: "unknown" }]);
  });

  test("guards: what is of a meeting is only for one", async (t) => {
    t.mock.method(console, "error", () => {});
    const server = await started(t);
    const { call } = callOf(server.url, OFF);
    await assert.rejects(call.requestAccess({ name: "Bo" }), /^Error: requestAccess\(\) only supported after join\.$/);
    await assert.rejects(call.updateWaitingParticipant("x", {}), /^Error: updateWaitingParticipant\(\) only supported after join\.$/);
    await assert.rejects(call.updateWaitingParticipants({}), /^Error: updateWaitingParticipants\(\) only supported after join\.$/);
    assert.deepEqual([call.accessState(), call.waitingParticipants()], [{ access: "unknown" }, {}]);
    await call.destroy();
    await assert.rejects(call.preAuth({ url: "http://127.0.0.1/x" }), /Use after destroy/);
  });
});
