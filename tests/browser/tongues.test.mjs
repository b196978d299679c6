/** @file One room, four tongues: pages of the native client, Daily's facade, 100ms's own SDK and Stream's own SDK see the same people, feel each other's doings, and say so in their own words. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openDailyHouse } from "./daily-house.mjs";
import { bundle } from "./stream-house.mjs";

const HMS = join(import.meta.dirname, "../compat/hms");
const TYPE = "classroom";
const html = (script) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>one room, four tongues</title>${script}</html>`;

const NATIVE = (origin) => html(`<script type="module">
  import { connect } from ${JSON.stringify(`${origin}/sdk/rolecall.js`)};
  window.heard = [];
  window.begin = async (options) => {
    const room = window.room = await connect(options);
    room.on("notice", ({ method, params }) => void window.heard.push({ type: method, ...params }));
    room.on("closed", ({ code }) => void window.heard.push({ type: "closed", code }));
  };
  window.ready = true;
</script>`);

const DAILY = (origin) => html(`<script type="module">
  import Daily from ${JSON.stringify(`${origin}/sdk/daily.js`)};
  window.heard = [];
  window.begin = async (options) => {
    const call = window.call = Daily.createCallObject({ ...options, startVideoOff: true, startAudioOff: true });
    for (const event of ["participant-joined", "participant-updated", "participant-left", "left-meeting", "rolecall-refused"]) {
      call.on(event, ({ action, participant, reason, errorMsg }) => void window.heard.push({ type: action, user: participant?.user_id, reason, errorMsg }));
    }
    await call.join();
  };
  window.ready = true;
</script>`);

let house;
before(async () => {
  house = await openDailyHouse();
  const { pages, server } = house;
  const [stream, hms] = await Promise.all([bundle(), bundle(HMS)]);
  pages.put("/stream.js", stream);
  pages.put("/hms.js", hms);
  pages.put("/hint", "");
  pages.put("/native", NATIVE(server.origin));
  pages.put("/daily", DAILY(server.origin));
  pages.put("/stream", html('<script type="module" src="/stream.js"></script>'));
  pages.put("/hms", html('<script type="module" src="/hms.js"></script>'));
});
after(() => house?.close());

/** Somebody's page. What is not caught there fails the test. */
async function open(t, path, ready) {
  const { page, complaints } = await house.open("about:blank");
  const uncaught = [];
  page.on("pageerror", (error) => uncaught.push(`${path}: ${error.stack}`));
  t.after(async () => {
    await page.close();
    assert.deepEqual(uncaught, [], complaints.join("\n"));
  });
  // 100ms's SDK tells its makers of failures: not from here.
  await page.route(/100ms\.live/, (route) => route.abort());
  await page.goto(`${house.pages.origin}${path}`);
  await page.waitForFunction(ready);
  return page;
}

/** A page that speaks one of them. */
class Tongue {
  constructor(name, page) {
    Object.assign(this, { name, page });
  }

  /** Waits until what `says.of` says on the page, of `says.about` where that is given, is what is wanted. */
  async until(says, wanted, what) {
    const text = JSON.stringify(wanted);
    try {
      await this.page.waitForFunction(([source, arg, expected]) => JSON.stringify(window.eval(`(${source})`)(arg)) === expected, [says.of.toString(), says.about ?? null, text]);
    } catch (error) {
      const now = await this.page.evaluate(([source, arg]) => window.eval(`(${source})`)(arg), [says.of.toString(), says.about ?? null]);
      throw new Error(`${this.name}: ${what}: ${JSON.stringify(now)} is not ${text}`, { cause: error });
    }
  }

  /** Waits until something was heard that has these fields. */
  hears(fields) {
    return this.until({ of: HEARD, about: fields }, true, `hears ${JSON.stringify(fields)}`);
  }
}

/** Whether an event was heard that has these fields; a dot goes into a field. */
const HEARD = (fields) => {
  const at = (event, path) => path.split(".").reduce((value, step) => value?.[step], event);
  const heard = window.heard ?? window.stage.heard;
  return heard.some((event) => Object.entries(fields).every(([path, value]) => at(event, path) === value));
};

/** Who is there in which role, as each tongue says it; Daily has no word for roles. */
const ROLES = {
  native: () => Object.fromEntries([...window.room.participants.values()].map(({ userId, role }) => [userId, role]).sort()),
  hms: () => Object.fromEntries(window.stage.get("selectPeers").map(({ customerUserId, roleName }) => [customerUserId, roleName]).sort()),
  stream: () => Object.fromEntries(window.call.state.participants.map(({ userId, roles }) => [userId, roles.join()]).sort()),
  daily: () => Object.values(window.call.participants()).map(({ user_id }) => user_id).sort(),
};

/** Whom Daily's facade says what of. */
const DAILY_SEES = (user) => {
  const { canSend, canAdmin, hasPresence } = Object.values(window.call.participants()).find(({ user_id }) => user_id === user)?.permissions ?? {};
  const list = (value) => (value instanceof Set ? [...value].sort() : value);
  return { hasPresence, canSend: list(canSend), canAdmin: list(canAdmin) };
};
const NATIVE_SEES = (user) => {
  const { role, permissions } = [...window.room.participants.values()].find(({ userId }) => userId === user);
  return { role, canSend: permissions.canSend, canAdmin: permissions.canAdmin };
};
const OWN_CAPABILITIES = () => window.call.state.ownCapabilities.filter((word) => ["send-audio", "send-video", "update-call-permissions"].includes(word)).sort();
const HMS_MAY = () => {
  const { changeRole, mute } = window.stage.get("selectPermissions");
  const { audio, video, screen } = window.stage.get("selectIsAllowedToPublish");
  return { role: window.stage.get("selectLocalPeerRoleName"), changeRole, mute, audio, video, screen };
};

const STUDENT_SENDS = ["audio", "customAudio", "customVideo", "video"];

test("four tongues in one room say the same, each in its words", async (t) => {
  const { server, pages } = house;
  const id = randomUUID().slice(0, 8);
  const cid = `${TYPE}:${id}`;
  await server.stream("POST /users", { users: { sue: { id: "sue" }, dia: { id: "dia" }, eve: { id: "eve" } } });
  await server.stream(`POST /video/call/${TYPE}/${id}`, { data: { created_by_id: "eve", members: [{ user_id: "dia" }] } });

  const begin = async (name, path, ready) => new Tongue(name, await open(t, path, ready));
  const [native, extra, daily, hms, stream] = await Promise.all([
    begin("native", "/native", () => window.ready),
    begin("native", "/native", () => window.ready),
    begin("daily", "/daily", () => window.ready),
    begin("hms", "/hms", () => window.stage),
    begin("stream", "/stream", () => window.begin),
  ]);
  const all = [native, daily, hms, stream];
  const comesIn = async (tongue, user) => {
    const token = await server.token("--user", user, "--name", user, "--room", cid);
    await tongue.page.evaluate((options) => window.begin(options), { room: cid, url: server.origin, token, reconnect: false });
  };
  await comesIn(native, "nat");
  await comesIn(extra, "zed");
  const diasToken = await server.token("--user", "dia", "--name", "Dia", "--room", cid);
  await daily.page.evaluate((options) => window.begin(options), { url: `${server.origin}/${cid}?t=${diasToken}` });
  const halsToken = await server.token("--hms", "--user", "hal", "--room", cid, "--role", "student");
  await hms.page.evaluate((config) => window.stage.do("join", config), { userName: "hal", authToken: halsToken, initEndpoint: `${server.origin}/#https://local` });
  const suesToken = await server.token("--user", "sue");
  await stream.page.evaluate(async ({ how, call: [type, name] }) => {
    await window.begin(how);
    window.open_call(name, type);
    await Promise.all([window.call.camera.disable(), window.call.microphone.disable()]);
    await window.call.join();
  }, { how: { address: server.origin, apiKey: "devkey", user: { id: "sue" }, token: suesToken }, call: [TYPE, id] });

  /** Waits until all four say that these are there, in these roles. */
  const roles = {};
  const agree = async (change, what) => {
    for (const [user, role] of Object.entries(change)) {
      if (role === null) delete roles[user];
      else roles[user] = role;
    }
    const wanted = Object.fromEntries(Object.entries(roles).sort());
    await Promise.all(all.map((tongue) => tongue.until({ of: ROLES[tongue.name] }, tongue === daily ? Object.keys(wanted) : wanted, what)));
  };
  const forget = () => Promise.all([...all, extra].map(({ page }) => page.evaluate(() => void (window.heard ?? window.stage.heard).splice(0))));
  const peerOf = (user) => native.page.evaluate((one) => [...window.room.participants.values()].find(({ userId }) => userId === one).peerId, user);
  const ids = {};

  await t.test("the same people in the same roles, and what each may", async () => {
    await agree({ nat: "student", zed: "student", dia: "student", hal: "student", sue: "student" }, "all are there");
    for (const user of ["nat", "zed", "dia", "hal", "sue"]) ids[user] = await peerOf(user);
    for (const user of Object.keys(ids)) {
      await native.until({ of: NATIVE_SEES, about: user }, { role: "student", canSend: ["audio", "video", "customVideo", "customAudio"], canAdmin: [] }, `what ${user} may`);
      await daily.until({ of: DAILY_SEES, about: user }, { hasPresence: true, canSend: STUDENT_SENDS, canAdmin: false }, `what ${user} may`);
    }
    await hms.until({ of: HMS_MAY }, { role: "student", changeRole: false, mute: false, audio: true, video: true, screen: false }, "what Hal may");
    await stream.until({ of: OWN_CAPABILITIES }, ["send-audio", "send-video"], "what Sue may");
    await stream.until({ of: () => [window.call.state.callingState, window.call.state.localParticipant.sessionId] }, ["joined", ids.sue], "is in");
    assert.deepEqual(await native.page.evaluate(() => window.room.counts), { present: 5, hidden: 0 });
  });

  await t.test("somebody is hidden, and seen again", async () => {
    await forget();
    await server.call(cid, "updateParticipant", { peerId: ids.zed, updatePermissions: { hasPresence: false } });
    await agree({ zed: null }, "Zed is hidden");
    await native.hears({ type: "participant-left", peerId: ids.zed, reason: "hidden" });
    await daily.hears({ type: "participant-left", user: "zed", reason: "hidden" });
    await hms.hears({ type: "PEER_LEFT", "data.id": ids.zed });
    await stream.hears({ type: "call.session_participant_left", "participant.user_session_id": ids.zed });
    await server.call(cid, "updateParticipant", { peerId: ids.zed, updatePermissions: { hasPresence: null } });
    await agree({ zed: "student" }, "Zed is seen");
    await daily.hears({ type: "participant-joined", user: "zed" });
    await hms.hears({ type: "PEER_JOINED", "data.id": ids.zed });
  });

  await t.test("Stream's client changes a member's role", async () => {
    await server.stream(`POST /video/call/${TYPE}/${id}/members`, { update_members: [{ user_id: "sue", role: "admin" }] });
    await agree({ sue: "admin" }, "Sue rules");
    await stream.until({ of: OWN_CAPABILITIES }, ["send-audio", "send-video", "update-call-permissions"], "what Sue may");
    await forget();
    await stream.page.evaluate(() => window.call.updateCallMembers({ update_members: [{ user_id: "dia", role: "teacher" }] }).then(() => null));
    await agree({ dia: "teacher" }, "Dia teaches");
    await native.hears({ type: "ROLE_UPDATED", peerId: ids.dia, to: "teacher", by: ids.sue });
    await hms.hears({ type: "ROLE_UPDATED", "data.id": ids.dia, "data.roleName": "teacher" });
    await stream.hears({ type: "call.member_updated_permission", "members.0.user_id": "dia", "members.0.role": "teacher" });
    await daily.hears({ type: "participant-updated", user: "dia" });
    await daily.until({ of: DAILY_SEES, about: "dia" }, { hasPresence: true, canSend: true, canAdmin: true }, "what Dia may");
  });

  await t.test("Daily's facade changes what two may", async () => {
    await forget();
    await daily.page.evaluate(([hal, sue]) => void window.call.updateParticipants({
      [hal]: { updatePermissions: { canSend: ["audio"], canAdmin: ["participants"] } },
      [sue]: { updatePermissions: { canSend: new Set(["video"]) } },
    }), [ids.hal, ids.sue]);
    await native.until({ of: NATIVE_SEES, about: "hal" }, { role: "student", canSend: ["audio"], canAdmin: ["participants"] }, "what Hal may");
    await daily.until({ of: DAILY_SEES, about: "hal" }, { hasPresence: true, canSend: ["audio"], canAdmin: ["participants"] }, "what Hal may");
    // 100ms says it of Hal himself, Stream of Sue herself; the role of neither is another.
    await hms.until({ of: HMS_MAY }, { role: "student", changeRole: true, mute: true, audio: true, video: false, screen: false }, "what Hal may");
    await stream.until({ of: OWN_CAPABILITIES }, ["send-video", "update-call-permissions"], "what Sue may");
    await stream.hears({ type: "call.permissions_updated", "user.id": "sue" });
    await agree({}, "nobody's role is another");
    assert.deepEqual(await daily.page.evaluate(() => window.heard.filter(({ type }) => type === "rolecall-refused")), []);
  });

  await t.test("100ms's client changes a role", async () => {
    await forget();
    await hms.page.evaluate((peer) => window.stage.do("changeRoleOfPeer", peer, "prefect", true), ids.nat);
    await agree({ nat: "prefect" }, "Nat is prefect");
    await native.hears({ type: "ROLE_UPDATED", peerId: ids.nat, to: "prefect", by: ids.hal });
    await hms.hears({ type: "ROLE_UPDATED", "data.id": ids.nat, "data.roleName": "prefect" });
    await stream.hears({ type: "call.session_participant_joined", "participant.user_session_id": ids.nat, "participant.role": "prefect" });
    // A prefect may mute, which is a part of what Daily has one word for: in its words nothing is another.
    assert.equal(await native.page.evaluate(() => window.room.can("mute-users")), true);
    await daily.until({ of: DAILY_SEES, about: "nat" }, { hasPresence: true, canSend: STUDENT_SENDS, canAdmin: false }, "what Nat may");
    assert.deepEqual(await daily.page.evaluate(() => window.heard), []);
  });

  await t.test("the native client changes a role, and what was said of its holder is gone", async () => {
    await server.call(cid, "changeRoleOfPeer", { peerId: ids.nat, role: "teacher", force: true });
    await agree({ nat: "teacher" }, "Nat teaches");
    await forget();
    await native.page.evaluate((peer) => window.room.changeRoleOfPeer(peer, "student-screen", { force: true }), ids.hal);
    await agree({ hal: "student-screen" }, "Hal may share");
    await native.hears({ type: "ROLE_UPDATED", peerId: ids.hal, to: "student-screen", by: ids.nat });
    await hms.hears({ type: "ROLE_UPDATED", "data.id": ids.hal, "data.roleName": "student-screen" });
    await hms.until({ of: HMS_MAY }, { role: "student-screen", changeRole: false, mute: false, audio: true, video: true, screen: true }, "what Hal may");
    await stream.hears({ type: "call.session_participant_joined", "participant.user_session_id": ids.hal, "participant.role": "student-screen" });
    await daily.hears({ type: "participant-updated", user: "hal" });
    await daily.until({ of: DAILY_SEES, about: "hal" }, { hasPresence: true, canSend: true, canAdmin: false }, "what Hal may");
  });

  await t.test("somebody is muted", async () => {
    await extra.page.evaluate(() => window.room.setTracks({ video: true }).then(() => null));
    const camera = { of: (peer) => window.stage.get("selectVideoTrackByPeerID", peer)?.enabled ?? null, about: ids.zed };
    await hms.until(camera, true, "Zed's camera is on");
    await daily.until({ of: (peer) => window.call.participants()[peer].tracks.video.state !== "off", about: ids.zed }, true, "Zed's camera is on");
    const published = { of: (peer) => window.call.state.participants.find(({ sessionId }) => sessionId === peer).publishedTracks.length, about: ids.zed };
    await stream.until(published, 1, "Zed's camera is on");
    await forget();
    await stream.page.evaluate(() => window.call.muteUser("zed", "video").then(() => null));
    await extra.until({ of: () => window.room.self.tracks.video }, "off", "his camera is off");
    await native.until({ of: (peer) => window.room.participants.get(peer).tracks.video, about: ids.zed }, "off", "Zed's camera is off");
    await hms.until(camera, false, "Zed's camera is off");
    await hms.hears({ type: "TRACK_MUTED", "data.peerId": ids.zed });
    await daily.until({ of: (peer) => window.call.participants()[peer].tracks.video.state, about: ids.zed }, "off", "Zed's camera is off");
    await stream.until(published, 0, "Zed's camera is off");
    await stream.hears({ type: "call.user_muted", from_user_id: "sue" });
  });

  await t.test("somebody is removed", async () => {
    await forget();
    await daily.page.evaluate((peer) => void window.call.updateParticipant(peer, { eject: true }), ids.zed);
    await agree({ zed: null }, "Zed is out");
    await extra.hears({ type: "closed", code: 4502 });
    await native.hears({ type: "participant-left", peerId: ids.zed, reason: "removed" });
    await daily.hears({ type: "participant-left", user: "zed" });
    await hms.hears({ type: "PEER_LEFT", "data.id": ids.zed });
    await stream.hears({ type: "call.kicked_user", "user.id": "zed", "kicked_by_user.id": "dia" });
  });

  await t.test("the room ends", async () => {
    await forget();
    await stream.page.evaluate(() => window.call.endCall().then(() => null));
    await native.hears({ type: "room-ended", by: ids.sue });
    await native.hears({ type: "closed", code: 4503 });
    await daily.hears({ type: "left-meeting" });
    await hms.hears({ type: "ROOM_ENDED" });
    await hms.until({ of: () => window.stage.get("selectRoomState") }, "Disconnected", "he is out");
    await stream.hears({ type: "call.ended", "user.id": "sue" });
    await stream.until({ of: () => [window.call.state.endedAt instanceof Date, window.call.state.callingState] }, [true, "left"], "the call has ended, and she left");
    assert.notEqual(pages.origin, server.origin, "pages of another origin");
  });
});
