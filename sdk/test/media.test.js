/** @file Tests of media over a room and connections without a network: who receives what, what stops it, and what mends it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KINDS, Media, mayReceive } from "../media.js";
import { participant } from "./fake-server.js";
import { Net, track } from "./fake-rtc.js";
import { seeded } from "./harness.js";
import { MediaRoom } from "./media-room.js";

/** @typedef {import("../wire.js").TrackKind} TrackKind */

/**
 * A room with its net and its time, and peers with media in it.
 * @param {import("node:test").TestContext} t
 * @param {Partial<Pick<MediaRoom, "meshMax" | "iceServers">>} [settings]
 */
function house(t, settings = {}) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const room = Object.assign(new MediaRoom(), settings);
  const net = new Net();
  /** @type {Media[]} */
  const all = [];
  t.after(() => all.forEach((media) => media.close()));

  /** Lets everything happen that needs no more than this time. @param {number} [ms] */
  async function pass(ms = 100) {
    const step = ms > 5_000 ? 500 : 20;
    for (let gone = 0; gone <= ms; gone += step) {
      for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      t.mock.timers.tick(step);
    }
  }

  /** @param {string} peerId @param {import("../media.js").MediaOptions} [options] @param {object} [fields] */
  function peer(peerId, options = {}, fields = {}) {
    const seat = room.join(peerId, fields);
    return { seat, ...mediaOf(seat, options) };
  }

  /** @param {any} seat @param {import("../media.js").MediaOptions} [options] */
  function mediaOf(seat, options = {}) {
    const media = new Media(seat, { random: seeded(all.length), ...options, rtc: { RTCPeerConnection: net.RTCPeerConnection, ...options.rtc } });
    /** @type {string[]} */
    const told = [];
    /** @type {any[]} */
    const errors = [];
    media.on("track-started", ({ peerId, kind }) => told.push(`+${peerId} ${kind}`));
    media.on("track-stopped", ({ peerId, kind }) => told.push(`-${peerId} ${kind}`));
    media.on("unavailable", ({ reason }) => told.push(reason));
    media.on("available", () => told.push("available"));
    media.on("error", ({ error }) => errors.push(error));
    all.push(media);
    return { media, told, errors };
  }

  /** Turns tracks of a peer on, with something to send. @param {{ media: Media, seat: any }} of @param {...TrackKind} kinds */
  function send({ media, seat }, ...kinds) {
    for (const kind of kinds) media.setTrack(kind, track(/audio/i.test(kind) ? "audio" : "video"));
    room.tracks(seat.peerId, Object.fromEntries(kinds.map((kind) => [kind, true])));
  }

  return { room, net, pass, peer, mediaOf, send };
}

/** @param {Media} media @param {string} peerId */
const playing = (media, peerId) => [...media.tracks(peerId).keys()].sort();

describe("who may receive what", () => {
  const ann = participant("ann", { userId: "u-ann", role: "host" });
  /** @param {any} canReceive @param {TrackKind} kind */
  const ask = (canReceive, kind) => mayReceive({ permissions: { hasPresence: true, canSend: [], canAdmin: [], canReceive } }, ann, kind);

  test("the most particular rule that speaks of the kind counts", () => {
    const whole = { audio: true, video: false, screenVideo: false, screenAudio: false, customVideo: { "*": true, slides: false }, customAudio: { "*": false, hum: true } };
    assert.deepEqual(KINDS.filter((kind) => ask({ base: whole }, kind)), ["audio", "customVideo"]);
    assert.equal(ask({ base: true, byRole: { host: false } }, "video"), false);
    assert.equal(ask({ base: true, byRole: { guest: false } }, "video"), true);
    assert.equal(ask({ base: false, byRole: { host: false }, byUserId: { "u-ann": { video: true } } }, "video"), true);
    assert.equal(ask({ base: false, byRole: { host: false }, byUserId: { "u-ann": { video: true } } }, "audio"), false);
    assert.equal(ask({ base: true, byUserId: { "u-ann": true }, byParticipantId: { ann: { video: false } } }, "video"), false);
    assert.equal(ask({ base: true, byParticipantId: { ann: { customVideo: { slides: false } } } }, "customVideo"), true);
    assert.equal(ask({ base: false, byParticipantId: { ann: { customVideo: { "*": true } } } }, "customVideo"), true);
  });

  test("nobody receives by a name that every object has", () => {
    const odd = participant("constructor", { userId: "toString", role: "valueOf" });
    assert.equal(mayReceive({ permissions: { hasPresence: true, canSend: [], canAdmin: [], canReceive: { base: false, byRole: {}, byUserId: {}, byParticipantId: {} } } }, odd, "video"), false);
  });

  test("whoever is not there receives nothing", () => assert.equal(mayReceive(undefined, ann, "audio"), false));
});

describe("receiving", () => {
  test("what is on arrives, what is off does not, and the events say so once", async (t) => {
    const { peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio", "video");
    await pass();
    assert.deepEqual(bo.told, ["+ann audio", "+ann video"]);
    assert.deepEqual(playing(bo.media, "ann"), ["audio", "video"]);
    assert.equal(bo.media.connectionState("ann"), "connected");
    assert.equal(ann.media.connectionState("bo"), "none");
    assert.deepEqual(ann.told, []);
    assert.deepEqual([...ann.errors, ...bo.errors], []);
  });

  test("who comes later finds what is on, and one connection carries all kinds of a sender", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    send(ann, ...KINDS);
    await pass();
    assert.equal(net.pcs.length, 0);
    const bo = peer("bo");
    await pass();
    assert.deepEqual(playing(bo.media, "ann"), [...KINDS].sort());
    assert.equal(net.open.length, 2);
    assert.deepEqual(room.calls.filter((call) => call.endsWith(" subscribe")), ["bo subscribe"]);
  });

  test("until packets come, a track is not there", async (t) => {
    const { room, peer, pass } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    room.tracks("ann", { video: true });
    await pass();
    assert.equal(bo.media.connectionState("ann"), "connected");
    assert.deepEqual(bo.told, []);
    ann.media.setTrack("video", track("video"));
    await pass();
    assert.deepEqual(bo.told, ["+ann video"]);
  });

  test("a kind more or less is negotiated on the same connection", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    send(ann, "video");
    await pass();
    room.tracks("ann", { audio: false });
    await pass();
    send(ann, "audio", "screenVideo");
    await pass();
    assert.deepEqual(bo.told, ["+ann audio", "+ann video", "-ann audio", "+ann audio", "+ann screenVideo"]);
    assert.equal(net.pcs.length, 2);
    assert.deepEqual(net.sent.sort(), ["audio", "video", "video"]);
    assert.deepEqual([...ann.errors, ...bo.errors], []);
  });

  test("only what is wanted is asked for, and a changed wish is heard at `refresh`", async (t) => {
    const { room, peer, pass, send } = house(t);
    const ann = peer("ann");
    let wish = false;
    const bo = peer("bo", { wants: (who, kind) => who.peerId === "ann" && (kind === "audio" || wish) });
    send(ann, "audio", "video");
    await pass();
    assert.deepEqual(playing(bo.media, "ann"), ["audio"]);
    assert.deepEqual([...room.subscriptions.values()].map(({ tracks }) => tracks), [["audio"]]);
    wish = true;
    bo.media.refresh();
    await pass();
    assert.deepEqual(playing(bo.media, "ann"), ["audio", "video"]);
  });

  test("a wish that throws is no wish, and is told", async (t) => {
    const { peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo", { wants: () => { throw new Error("oh"); } });
    send(ann, "audio");
    await pass();
    assert.deepEqual(bo.told, []);
    assert.match(bo.errors[0].message, /oh/);
  });

  test("everybody with everybody: nobody offers to whom he sends", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const peers = ["ann", "bo", "cy"].map((peerId) => peer(peerId));
    for (const one of peers) send(one, "audio", "video");
    await pass();
    for (const { told, errors } of peers) {
      assert.equal(told.filter((event) => event.startsWith("+")).length, 4);
      assert.deepEqual(errors, []);
    }
    assert.equal(net.open.length, 12);
    const senders = new Set([...room.subscriptions.values()].map(({ from }) => from));
    assert.equal(senders.size, 3);
    for (const { to, data } of room.signals) {
      if (data.offer) assert.ok(room.subscriptions.size === 6 && senders.has(to));
    }
  });

  test("candidates go together, and those that come early wait", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    assert.deepEqual(bo.told, ["+ann audio"]);
    const id = [...room.subscriptions.keys()][0];
    const pc = net.pcs[0];
    // What belongs to another time or another connection does no harm.
    const stray = { candidates: { pc: "other", list: [{ candidate: "x", usernameFragment: 1 }] } };
    room.seats.get("bo")?.hear("subscription-signal", { subscriptionId: id, data: stray });
    for (const data of [null, 7, "x", {}, { answer: {} }, { offer: {} }, { candidates: {} }, { answer: { pc: "00000000", n: 9, sdp: "" } }]) {
      room.seats.get("bo")?.hear("subscription-signal", { subscriptionId: id, data });
      room.seats.get("ann")?.hear("subscription-signal", { subscriptionId: id, data });
    }
    await pass();
    assert.equal(pc?.connectionState, "connected");
    assert.deepEqual([...ann.errors, ...bo.errors], []);
  });
});

describe("rights", () => {
  test("`canSend` revoked stops both ends at once; given back, the track comes when it is on again", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio", "video");
    await pass();
    room.allow("ann", { canSend: ["audio"] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(bo.told.slice(2), ["-ann video"]);
    assert.deepEqual(net.sent, ["audio"]);
    await pass();
    room.allow("ann", { canSend: ["audio", "video"] });
    await pass();
    assert.deepEqual(playing(bo.media, "ann"), ["audio"]);
    room.tracks("ann", { video: true });
    await pass();
    assert.deepEqual(playing(bo.media, "ann"), ["audio", "video"]);
    assert.deepEqual([...ann.errors, ...bo.errors], []);
  });

  test("all of it revoked closes the connections", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    room.allow("ann", { canSend: [] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(net.open, []);
    assert.deepEqual(bo.told, ["+ann audio", "-ann audio"]);
  });

  test("`canReceive` counts for whom it is said and nobody else", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    const cy = peer("cy");
    send(ann, "video");
    await pass();
    room.allow("bo", { canReceive: { base: true, byParticipantId: { ann: { video: false } } } });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([bo.told, cy.told], [["+ann video", "-ann video"], ["+ann video"]]);
    assert.equal(net.open.length, 2);
    room.allow("bo", { canReceive: { base: true } });
    await pass();
    assert.deepEqual(playing(bo.media, "ann"), ["video"]);
  });

  test("a hidden peer receives, and the sender never hears of whom", async (t) => {
    const { room, peer, pass, send } = house(t);
    const ann = peer("ann");
    /** @type {string[]} */
    const heard = [];
    for (const name of ["participant-joined", "participant-updated", "subscriber-updated", "subscription-signal"]) {
      ann.seat.on(name, (/** @type {any} */ params) => heard.push(JSON.stringify(params)));
    }
    const shade = peer("shade", {}, { permissions: { hasPresence: false, canSend: [], canReceive: { base: true }, canAdmin: [] } });
    send(ann, "video");
    await pass();
    assert.deepEqual(shade.told, ["+ann video"]);
    assert.ok(heard.length >= 3);
    assert.ok(heard.every((text) => !text.includes("shade")));
    room.allow("ann", { hasPresence: false });
    await pass();
    assert.deepEqual(shade.told, ["+ann video", "-ann video"]);
  });

  test("muted by somebody else, nothing is sent", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    room.tracks("ann", { audio: false });
    await pass();
    assert.deepEqual(net.sent, []);
    assert.deepEqual(bo.told, ["+ann audio", "-ann audio"]);
    assert.equal(room.subscriptions.size, 0);
  });

  test("an offer gets no more than the subscription names, whoever made it", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const mallory = room.join("mallory");
    send(ann, "audio", "video");
    const { subscriptionId: id } = await mallory.subscribe("ann", ["audio"]);
    const pc = new net.RTCPeerConnection({});
    for (const kind of ["audio", "video", "audio"]) pc.addTransceiver(kind, { direction: "recvonly" });
    await pc.setLocalDescription(await pc.createOffer());
    const offer = { pc: "m", n: 1, sdp: pc.localDescription.sdp, kinds: { 0: "audio", 1: "video", 2: "audio" } };
    await mallory.signalSubscription(id, { offer });
    await pass();
    assert.deepEqual(net.sent, ["audio"]);
    // A kind on a line of another sort, or of no kind, gets nothing at all.
    await mallory.signalSubscription(id, { offer: { ...offer, n: 2, kinds: { 1: "audio", 0: "smell" } } });
    await pass();
    assert.deepEqual(net.sent, []);
    assert.deepEqual(ann.errors, []);
  });
});

describe("leaving", () => {
  test("whoever leaves is not played, and all his connections close", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    const own = track("video");
    ann.media.setTrack("video", own);
    room.tracks("ann", { video: true });
    send(bo, "audio");
    await pass();
    assert.equal(net.open.length, 4);
    room.leave("ann");
    await pass();
    assert.deepEqual(bo.told, ["+ann video", "-ann video"]);
    assert.deepEqual(ann.told, ["+bo audio", "-bo audio"]);
    assert.deepEqual(net.open, []);
    assert.equal(own.readyState, "ended");
    assert.throws(() => ann.media.setTrack("video", own), TypeError);
  });

  test("closing ends the own subscriptions; own tracks may go on for a preview", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "video");
    const preview = track("audio");
    bo.media.setTrack("audio", preview);
    await pass();
    const [remote] = bo.media.tracks("ann").values();
    bo.media.close({ stopTracks: false });
    bo.media.close();
    await pass();
    assert.deepEqual(bo.told, ["+ann video", "-ann video"]);
    assert.equal(remote?.readyState, "ended");
    assert.equal(preview.readyState, "live");
    assert.equal(room.subscriptions.size, 0);
    assert.deepEqual(net.open, []);
    await pass(60_000);
    assert.equal(room.calls.filter((call) => call === "bo subscribe").length, 1);
  });
});

describe("rooms without a mesh", () => {
  test("a room that grows beyond the limit goes quiet, says so once, and comes back", async (t) => {
    const { room, net, peer, pass, send } = house(t, { meshMax: 2 });
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    const cy = peer("cy");
    await pass();
    peer("dee");
    await pass(60_000);
    assert.deepEqual(bo.told, ["+ann audio", "-ann audio", "no-mesh"]);
    assert.deepEqual(cy.told, ["no-mesh"]);
    assert.deepEqual(bo.media.unavailable, { reason: "no-mesh", limit: 2 });
    assert.deepEqual(net.open, []);
    assert.equal(room.calls.filter((call) => call.endsWith(" subscribe")).length, 1);
    room.leave("cy");
    room.leave("dee");
    await pass();
    assert.deepEqual(bo.told.slice(3), ["available", "+ann audio"]);
    assert.equal(bo.media.unavailable, null);
  });

  test("a server without a mesh, an old server, and a place without WebRTC", async (t) => {
    const { room, peer, pass, send } = house(t, { meshMax: 0 });
    const ann = peer("ann");
    send(ann, "audio");
    room.refusals.media = [undefined, { code: -32601, reason: "unknown-method" }];
    const old = peer("old");
    const bare = peer("bare", { rtc: { RTCPeerConnection: undefined } });
    await pass(60_000);
    assert.deepEqual([ann.told, old.told, bare.told], [["no-mesh"], ["unsupported"], ["no-webrtc"]]);
    assert.deepEqual(room.calls.filter((call) => call.endsWith("scribe")), []);
    assert.equal(room.calls.filter((call) => call === "old media").length, 1);
  });

  test("what the server says of the limit counts", async (t) => {
    const { room, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    room.refusals.subscribe = [{ code: 403, reason: "no-mesh", data: { limit: 1 } }];
    send(ann, "audio");
    await pass(5_000);
    assert.deepEqual(bo.told, ["no-mesh"]);
    assert.equal(room.calls.filter((call) => call === "bo subscribe").length, 1);
  });
});

describe("servers to be found by", () => {
  test("the server's, unless others are given", async (t) => {
    const { net, peer, pass, send } = house(t);
    const ann = peer("ann", { rtc: { iceServers: [{ urls: "turn:mine" }], iceTransportPolicy: "relay" } });
    peer("bo");
    send(ann, "audio");
    await pass();
    const [receiver, sender] = net.pcs.map(({ configuration }) => configuration);
    assert.deepEqual(receiver.iceServers, [{ urls: ["stun:stun.example"] }]);
    assert.equal(receiver.iceTransportPolicy, undefined);
    assert.deepEqual(sender.iceServers, [{ urls: "turn:mine" }]);
    assert.equal(sender.iceTransportPolicy, "relay");
  });

  test("credentials are asked for anew when they are old", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    peer("bo");
    await pass();
    t.mock.timers.tick(10 * 60_000);
    room.iceServers = [{ urls: ["stun:other.example"] }];
    send(ann, "audio");
    await pass(5_000);
    assert.deepEqual(net.pcs.map(({ configuration }) => configuration.iceServers), [room.iceServers, room.iceServers]);
    assert.equal(net.pcs[0]?.connectionState, "connected");
  });

  test("where the server cannot say at first, it is asked again, and not for ever", async (t) => {
    const { room, peer, pass } = house(t);
    const busy = { code: 503, reason: "unavailable" };
    room.refusals.media = [busy, busy];
    const ann = peer("ann");
    await pass(10_000);
    assert.deepEqual(ann.told, []);
    assert.equal(room.calls.filter((call) => call === "ann media").length, 3);
    room.refusals.media = Array(100).fill(busy);
    const bo = peer("bo");
    await pass(600_000);
    assert.deepEqual(bo.told, ["failed"]);
    assert.equal(bo.errors.length, 1);
    assert.equal(room.calls.filter((call) => call === "bo media").length, 7);
  });
});

describe("when something fails", () => {
  test("a broken connection is mended by an ICE restart", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    net.cut();
    await pass(1_000);
    assert.equal(bo.media.connectionState("ann"), "failed");
    net.mend();
    await pass(30_000);
    assert.equal(bo.media.connectionState("ann"), "connected");
    assert.equal(net.pcs.length, 2);
    assert.deepEqual([...ann.errors, ...bo.errors], []);
    assert.ok(room.signals.filter(({ data }) => data.offer).length <= 4);
  });

  test("one that cannot be mended is made anew once, then let be, and tried again when something changes", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    net.whole = false;
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass(20 * 60_000);
    assert.equal(bo.errors.length, 1);
    assert.deepEqual([bo.errors[0].reason, bo.errors[0].data], ["no-media", { peerId: "ann" }]);
    assert.equal(room.subscriptions.size, 0);
    assert.deepEqual(net.open, []);
    assert.equal(net.pcs.length, 4);
    const offers = room.signals.filter(({ data }) => data.offer).length;
    assert.ok(offers <= 14, `${offers} offers`);
    net.mend();
    room.tracks("ann", { video: true });
    await pass();
    assert.deepEqual(bo.told, ["+ann audio"]);
  });

  test("a sender who never answers costs a few offers and one error", async (t) => {
    const { room, peer, pass } = house(t);
    room.join("mute");
    const bo = peer("bo");
    room.tracks("mute", { video: true });
    await pass(20 * 60_000);
    assert.ok(room.signals.filter(({ data }) => data.offer).length <= 14);
    assert.equal(bo.errors.length, 1);
    assert.equal(room.subscriptions.size, 0);
  });

  test("one who can answer later says so, and is asked at once", async (t) => {
    const { room, mediaOf, peer, pass } = house(t);
    const seat = room.join("ann");
    const bo = peer("bo");
    room.tracks("ann", { video: true });
    await pass(1_000);
    assert.deepEqual(bo.told, []);
    const { media } = mediaOf(seat);
    media.setTrack("video", track("video"));
    await pass(200);
    assert.deepEqual(bo.told, ["+ann video"]);
  });

  test("signals lost with a socket are made good when it is back", async (t) => {
    const { room, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    await pass();
    // The offer goes out while nobody is there to hear it.
    ann.seat.state = "reconnecting";
    send(ann, "audio");
    await pass(500);
    assert.ok(room.signals.some(({ data }) => data.offer));
    assert.deepEqual(bo.told, []);
    room.find("ann");
    await pass(200);
    assert.deepEqual(bo.told, ["+ann audio"]);
    assert.deepEqual([...ann.errors, ...bo.errors], []);
  });

  test("media flows on while a socket is away; nothing new is asked of its owner until he is back", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio");
    await pass();
    room.lose("ann");
    send(ann, "video");
    await pass(60_000);
    assert.deepEqual(bo.told, ["+ann audio"]);
    assert.equal(room.calls.filter((call) => call === "bo subscribe").length, 1);
    room.find("ann");
    await pass(200);
    assert.deepEqual(bo.told, ["+ann audio", "+ann video"]);
    assert.equal(net.pcs.length, 2);
  });

  test("a right lost while away is gone when the state is rebuilt", async (t) => {
    const { room, net, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    send(ann, "audio", "video");
    await pass();
    room.lose("bo");
    room.allow("ann", { canSend: ["audio"] });
    await pass();
    assert.deepEqual(net.sent, ["audio"]);
    room.find("bo", false);
    await pass();
    assert.deepEqual(bo.told.slice(2), ["-ann video"]);
    assert.equal(bo.media.connectionState("ann"), "connected");
    room.lose("bo");
    room.allow("ann", { canSend: [] });
    room.find("bo", false);
    await pass();
    assert.deepEqual(net.open, []);
    assert.deepEqual(bo.errors, []);
  });

  test("refusals: the law's are taken, passing ones asked again, others told, and never without end", async (t) => {
    const { room, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    room.refusals.subscribe = [{ code: 403, reason: "not-allowed", data: { track: "video" } }];
    send(ann, "audio", "video");
    await pass(60_000);
    assert.deepEqual(bo.told, ["+ann audio"]);
    const subscribes = () => room.calls.filter((call) => call === "bo subscribe").length;
    assert.equal(subscribes(), 2);
    // Something changes: it is tried again.
    room.refusals.subscribe = [{ code: 429, reason: "rate-limited", data: { retryAfter: 2 } }];
    send(ann, "screenVideo");
    await pass(1_000);
    assert.equal(subscribes(), 3);
    await pass(3_000);
    assert.deepEqual(playing(bo.media, "ann"), ["audio", "screenVideo", "video"]);
    room.refusals.subscribe = Array(1_000).fill({ code: 503, reason: "unavailable" });
    const before = subscribes();
    send(ann, "screenAudio");
    await pass(30 * 60_000);
    assert.equal(subscribes() - before, 7);
    assert.equal(bo.errors.length, 1);
    assert.equal(bo.errors[0].reason, "unavailable");
    room.refusals.subscribe = [{ code: -32602, reason: "bad-params" }];
    send(ann, "customAudio");
    await pass(60_000);
    assert.equal(bo.errors.length, 2);
  });

  test("a server that is too busy for a signal gets it again", async (t) => {
    const { room, peer, pass, send } = house(t);
    const ann = peer("ann");
    const bo = peer("bo");
    const busy = { code: 429, reason: "rate-limited", data: { retryAfter: 0.2 } };
    room.refusals.signalSubscription = [busy, busy];
    send(ann, "audio");
    await pass(3_000);
    assert.deepEqual(bo.told, ["+ann audio"]);
    assert.deepEqual([...ann.errors, ...bo.errors], []);
  });
});

test("what can be sent is checked where it is given", (t) => {
  const { peer } = house(t);
  const { media } = peer("ann");
  assert.throws(() => media.setTrack(/** @type {any} */ ("smell"), null), TypeError);
  assert.throws(() => media.setTrack("audio", track("video")), TypeError);
  media.setTrack("screenVideo", track("video"));
});
