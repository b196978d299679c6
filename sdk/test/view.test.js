/** @file Tests of what the client makes of join replies, notices and replies to own calls. */

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { View } from "../view.js";
import { participant } from "./fake-server.js";

const HOLDER = { capabilities: ["send-audio", "update-call-permissions"] };
const ANN = { peerId: "ann", userId: "user-ann", name: "ANN" };
const BO = { peerId: "bo", userId: "user-bo", name: "BO" };
const CY = { peerId: "cy", userId: "user-cy", name: "CY" };

/** @param {object} [fields] @returns {any} */
function joinReply(fields = {}) {
  return {
    peerId: "ann",
    session: "secret",
    epoch: "e1",
    seq: 7,
    room: { cid: "default:demo", team: null, callType: "default", createdBy: "ann", custom: {}, endedAt: null, backstage: false },
    roles: {},
    participants: [participant("ann", HOLDER), participant("bo")],
    counts: { present: 2, hidden: 0 },
    requests: { role: [], permission: [] },
    ...fields,
  };
}

/** @type {View} */
let view;
beforeEach(() => {
  view = new View();
  view.reset(joinReply());
});

const ids = () => [...view.participants.keys()];
const roleRequests = () => view.requests.role.map(({ requestId }) => requestId);
const permissionRequests = () => view.requests.permission.map(({ requestId }) => requestId);

describe("participants", () => {
  test("the join reply fills the view", () => {
    assert.deepEqual(ids(), ["ann", "bo"]);
    assert.equal(view.self?.name, "ANN");
    assert.deepEqual([view.peerId, view.epoch, view.seq], ["ann", "e1", 7]);
  });

  test("joined, updated, left", () => {
    view.apply("participant-joined", { participant: participant("cy") });
    assert.deepEqual(ids(), ["ann", "bo", "cy"]);
    view.apply("participant-updated", { participant: participant("cy", { role: "host" }), changed: ["role"], by: "ann" });
    assert.equal(view.participants.get("cy")?.role, "host");
    const told = view.apply("participant-left", { peerId: "cy", userId: "user-cy", reason: "left" });
    assert.deepEqual(ids(), ["ann", "bo"]);
    assert.equal(told.participant.role, "host");
  });

  test("whoever hides leaves the map and comes back under the same id", () => {
    view.apply("participant-left", { peerId: "bo", userId: "user-bo", reason: "hidden" });
    assert.deepEqual(ids(), ["ann"]);
    view.apply("participant-joined", { participant: participant("bo") });
    assert.deepEqual(ids(), ["ann", "bo"]);
  });

  test("oneself never leaves by hiding, but by every other reason", () => {
    view.apply("participant-left", { peerId: "ann", userId: "user-ann", reason: "hidden" });
    assert.deepEqual(ids(), ["ann", "bo"]);
    const hidden = participant("ann", { permissions: { hasPresence: false, canSend: [], canReceive: { base: true }, canAdmin: [] } });
    view.apply("participant-updated", { participant: hidden, changed: ["permissions"], by: "bo" });
    assert.equal(view.self?.permissions.hasPresence, false);
    view.apply("participant-left", { peerId: "ann", userId: "user-ann", reason: "removed" });
    assert.equal(view.self, undefined);
  });

  test("the map is the same one after a reset", () => {
    const { participants } = view;
    view.reset(joinReply({ participants: [participant("ann")] }));
    assert.equal(view.participants, participants);
    assert.deepEqual([...participants.keys()], ["ann"]);
  });
});

describe("the room", () => {
  test("counts, room and end", () => {
    view.apply("counts-updated", { present: 5, hidden: 2, seq: 8, at: "now" });
    assert.deepEqual(view.counts, { present: 5, hidden: 2 });
    view.apply("room-updated", { room: { ...view.room, backstage: true }, changed: ["backstage"] });
    assert.equal(view.room?.backstage, true);
    view.apply("room-ended", { by: "ann", reason: null, at: "2026-01-01T00:00:00.000Z" });
    assert.equal(view.room?.endedAt, "2026-01-01T00:00:00.000Z");
  });

  test("an unknown notice changes nothing", () => {
    const before = JSON.stringify(view);
    view.apply("something-new", { participant: participant("zed") });
    assert.equal(JSON.stringify(view), before);
  });
});

describe("role requests", () => {
  const request = { requestId: "r1", by: BO, role: "host", expiresAt: "soon" };

  test("the asked: kept by the notice, renewed under its id, ended by cancelled", () => {
    view.apply("role-change-request", { request });
    view.apply("role-change-request", { request: { ...request, expiresAt: "later" } });
    assert.deepEqual(view.requests.role, [{ ...request, expiresAt: "later", peerId: "ann" }]);
    view.apply("role-change-cancelled", { requestId: "r1", outcome: "expired" });
    assert.deepEqual(roleRequests(), []);
  });

  test("the asked: ended by the own answer, or by learning that it is gone", () => {
    for (const method of ["acceptChangeRole", "rejectChangeRole"]) {
      view.apply("role-change-request", { request: { ...request, requestId: method } });
      view.settle(method, { requestId: method }, undefined, "not-connected");
      assert.deepEqual(roleRequests(), [method]);
      view.settle(method, { requestId: method }, {});
      assert.deepEqual(roleRequests(), []);
    }
    view.apply("role-change-request", { request });
    view.settle("acceptChangeRole", { requestId: "r1" }, undefined, "request-gone");
    assert.deepEqual(roleRequests(), []);
  });

  test("the asker: kept by the reply, ended by answered or by the own cancelling", () => {
    view.settle("changeRoleOfPeer", { peerId: "bo", role: "host", force: false }, { requestId: "r2", expiresAt: "soon" });
    assert.deepEqual(view.requests.role, [{ requestId: "r2", expiresAt: "soon", peerId: "bo", by: ANN, role: "host" }]);
    view.apply("role-change-answered", { requestId: "r2", peerId: "bo", role: "host", outcome: "rejected" });
    assert.deepEqual(roleRequests(), []);
    view.settle("changeRoleOfPeer", { peerId: "bo", role: "host" }, { requestId: "r3", expiresAt: "soon" });
    view.settle("cancelChangeRole", { requestId: "r3" }, {});
    assert.deepEqual(roleRequests(), []);
  });

  test("a change at once, or a refused one, leaves no request", () => {
    view.settle("changeRoleOfPeer", { peerId: "bo", role: "host", force: true }, {});
    view.settle("changeRoleOfPeer", { peerId: "bo", role: "host" }, undefined, "request-pending");
    assert.deepEqual(roleRequests(), []);
  });

  test("a reply repeated after the end does not revive the request", () => {
    view.apply("role-change-answered", { requestId: "r4", peerId: "bo", role: "host", outcome: "accepted" });
    view.settle("changeRoleOfPeer", { peerId: "bo", role: "host" }, { requestId: "r4", expiresAt: "soon" });
    assert.deepEqual(roleRequests(), []);
  });

  test("nor does it behind a `state` fetched in between; in another epoch the id is another request's", () => {
    const reply = /** @type {const} */ (["changeRoleOfPeer", { peerId: "bo", role: "host" }, { requestId: "r5", expiresAt: "soon" }]);
    view.apply("role-change-answered", { requestId: "r5", peerId: "bo", role: "host", outcome: "accepted" });
    view.reset(joinReply());
    view.settle(...reply);
    assert.deepEqual(roleRequests(), []);
    view.reset(joinReply({ epoch: "e2" }));
    view.settle(...reply);
    assert.deepEqual(roleRequests(), ["r5"]);
  });
});

describe("permission requests", () => {
  const ask = (/** @type {string} */ requestId, /** @type {object} */ from) =>
    view.apply("permission-request", { requestId, from, permissions: ["send-video"], seq: 9, at: "now" });

  test("kept by the notice, ended by the answer, whoever gave it", () => {
    ask("p1", BO);
    assert.deepEqual(view.requests.permission, [{ requestId: "p1", from: BO, permissions: ["send-video"] }]);
    view.apply("permission-request-answered", { requestId: "p1", from: BO, permissions: ["send-video"], granted: true, by: "cy" });
    assert.deepEqual(permissionRequests(), []);
  });

  test("the own one is kept by the reply", () => {
    view.settle("requestPermissions", { permissions: ["presence"] }, { requestId: "p2" });
    assert.deepEqual(view.requests.permission, [{ requestId: "p2", from: ANN, permissions: ["presence"] }]);
    view.settle("requestPermissions", { permissions: ["send-audio"] }, {});
    assert.deepEqual(permissionRequests(), ["p2"]);
  });

  test("the own answer ends it too", () => {
    ask("p3", BO);
    view.settle("answerPermissionRequest", { requestId: "p3", grant: true }, {});
    assert.deepEqual(permissionRequests(), []);
  });

  test("those of a peer that left vanish, those of one that hid stay", () => {
    view.apply("participant-joined", { participant: participant("cy") });
    ask("p4", BO);
    ask("p5", CY);
    view.apply("participant-left", { peerId: "bo", userId: "user-bo", reason: "hidden" });
    assert.deepEqual(permissionRequests(), ["p4", "p5"]);
    view.apply("participant-left", { peerId: "cy", userId: "user-cy", reason: "lost" });
    assert.deepEqual(permissionRequests(), ["p4"]);
  });

  test("whoever loses update-call-permissions keeps his own alone", () => {
    ask("p6", BO);
    ask("p7", ANN);
    view.apply("participant-updated", { participant: participant("bo"), changed: ["role"], by: null });
    assert.deepEqual(permissionRequests(), ["p6", "p7"]);
    view.apply("participant-updated", { participant: participant("ann"), changed: ["capabilities"], by: "bo" });
    assert.deepEqual(permissionRequests(), ["p7"]);
  });
});

describe("who waits to be let in", () => {
  const waiting = (/** @type {string} */ waitingId, name = waitingId.toUpperCase()) => ({ waitingId, userId: waitingId, name, since: "2026-01-01T00:00:00.000Z" });

  test("kept by the notice, renewed under its id, forgotten by the other, which tells who he was", () => {
    view.apply("waiting-updated", { waiting: waiting("w1") });
    view.apply("waiting-updated", { waiting: waiting("w2") });
    view.apply("waiting-updated", { waiting: waiting("w1", "Bob") });
    assert.deepEqual(view.requests.waiting, [waiting("w2"), waiting("w1", "Bob")]);
    const before = view.requests;
    const told = view.apply("waiting-left", { waitingId: "w1", outcome: "admitted", by: "ann" });
    assert.deepEqual(told, { waitingId: "w1", outcome: "admitted", by: "ann", waiting: waiting("w1", "Bob") });
    assert.deepEqual(view.requests.waiting, [waiting("w2")]);
    assert.equal(before.waiting.length, 2, "what was read stays as it was");
    assert.equal(view.apply("waiting-left", { waitingId: "w1", outcome: "left", by: null }).waiting, undefined);
  });

  test("a reply replaces them, one without any is nobody, clearing forgets them", () => {
    view.reset(joinReply({ requests: { role: [], permission: [], waiting: [waiting("w3")] } }));
    assert.deepEqual(view.requests.waiting, [waiting("w3")]);
    view.reset(joinReply());
    assert.deepEqual(view.requests.waiting, []);
    view.apply("waiting-updated", { waiting: waiting("w4") });
    view.clear();
    assert.deepEqual(view.requests.waiting, []);
  });
});

describe("subscriptions", () => {
  const receiving = { subscriptionId: "s1", peerId: "bo", tracks: ["audio", "video"] };
  const sending = { subscriptionId: "s2", tracks: ["audio"] };

  test("both ends are kept by the notices, until no track is left", () => {
    view.apply("subscription-updated", { ...receiving, seq: 8, at: "now" });
    view.apply("subscriber-updated", { ...sending, seq: 9, at: "now" });
    assert.deepEqual(view.subscriptions, { receiving: [receiving], sending: [sending] });
    view.apply("subscription-updated", { ...receiving, tracks: ["audio"] });
    assert.deepEqual(view.subscriptions.receiving, [{ ...receiving, tracks: ["audio"] }]);
    view.apply("subscription-updated", { ...receiving, tracks: [] });
    view.apply("subscriber-updated", { ...sending, tracks: [] });
    assert.deepEqual(view.subscriptions, { receiving: [], sending: [] });
  });

  test("a reply that is older than what was told since changes nothing", () => {
    view.apply("subscription-updated", { ...receiving, tracks: ["audio"] });
    view.settle("subscribe", { peerId: "bo", tracks: ["audio", "video"] }, { subscriptionId: "s1", tracks: ["audio", "video"] });
    assert.deepEqual(view.subscriptions.receiving, [{ ...receiving, tracks: ["audio"] }]);
  });

  test("a reset replaces them and tells what differs; the room's end ends them", () => {
    view.apply("subscription-updated", receiving);
    view.apply("subscriber-updated", sending);
    const differences = view.reset(joinReply({ subscriptions: { receiving: [{ ...receiving, tracks: ["audio"] }], sending: [] } }));
    assert.deepEqual(differences, [
      { name: "subscription-updated", params: { ...receiving, tracks: ["audio"], synthesized: true } },
      { name: "subscriber-updated", params: { ...sending, tracks: [], synthesized: true } },
    ]);
    view.apply("room-ended", { by: "ann", reason: null, at: "2026-01-01T00:00:00.000Z" });
    assert.deepEqual(view.subscriptions, { receiving: [], sending: [] });
  });
});

describe("a reset tells the differences", () => {
  test("none where nothing changed, whatever the order of keys", () => {
    const reply = joinReply();
    reply.participants = reply.participants.map((/** @type {any} */ peer) => Object.fromEntries(Object.entries(peer).reverse()));
    assert.deepEqual(view.reset(reply), []);
  });

  test("left, joined, updated, counts and room", () => {
    const differences = view.reset(joinReply({
      participants: [participant("ann", { ...HOLDER, handRaised: true, role: "host" }), participant("cy")],
      counts: { present: 2, hidden: 1 },
      room: { ...joinReply().room, custom: { topic: "new" } },
    }));
    assert.deepEqual(differences.map(({ name }) => name), [
      "participant-left", "participant-joined", "participant-updated", "counts-updated", "room-updated",
    ]);
    const [left, joined, updated, counts, room] = differences.map(({ params }) => params);
    assert.deepEqual([left.peerId, left.reason, left.participant.name], ["bo", "unknown", "BO"]);
    assert.equal(joined.participant.peerId, "cy");
    assert.deepEqual(updated.changed.sort(), ["handRaised", "role"]);
    assert.deepEqual([counts.present, counts.hidden], [2, 1]);
    assert.deepEqual(room.changed, ["custom"]);
    assert.ok(differences.every(({ params }) => params.synthesized === true));
  });

  test("session data", () => {
    assert.deepEqual(view.sessionData, {});
    view.apply("session-data-updated", { data: { page: 1 }, by: "bo" });
    assert.deepEqual(view.sessionData, { page: 1 });
    assert.deepEqual(view.reset(joinReply({ sessionData: { page: 1 } })), []);
    assert.deepEqual(view.reset(joinReply({ sessionData: { page: 2 } })), [
      { name: "session-data-updated", params: { data: { page: 2 }, by: null, synthesized: true } },
    ]);
    view.clear();
    assert.deepEqual(view.sessionData, {});
  });

  test("a reset replaces the requests", () => {
    view.settle("requestPermissions", { permissions: ["presence"] }, { requestId: "p8" });
    view.reset(joinReply({ requests: { role: [{ requestId: "r9", peerId: "ann", by: BO, role: "host", expiresAt: "soon" }], permission: [] } }));
    assert.deepEqual([roleRequests(), permissionRequests()], [["r9"], []]);
  });
});
