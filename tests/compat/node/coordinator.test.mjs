/** @file Stream's SDK for browsers, unmodified, connected: watching calls, and being told of what the back end and native peers do. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { StreamVideoClient } from "@stream-io/video-client";
import WebSocket from "ws";
import { KEY, fresh, openHouse, until } from "./house.mjs";

const PATIENCE_MS = 10_000;

/** Sockets that a test may cut. */
class Socket extends WebSocket {
  static all = [];
  constructor(...args) {
    super(...args);
    Socket.all.push(this);
  }
}

describe("connected", () => {
  let house;
  const clients = [];
  before(async () => {
    house = await openHouse();
    await house.people("ann", "bo", "cy");
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.disconnectUser()));
    await house?.close();
  });

  /** The SDK, as a page of that user's would open it; how, `options` say. */
  function client(id, { token = house.token(id), name, ...options } = {}) {
    const opened = new StreamVideoClient({
      apiKey: KEY,
      user: { id, name },
      ...(typeof token === "function" ? { tokenProvider: token } : { token }),
      options: { baseURL: `${house.url}/video`, WebSocketImpl: Socket, clientEventsReportingEnabled: false, maxConnectUserRetries: 1, logger: () => {}, ...options },
    });
    clients.push(opened);
    return opened;
  }
  /** A call that Ann made, as the back end sees it. */
  async function call(data = {}, type = "default") {
    const made = house.client.video.call(type, fresh("call"));
    await made.getOrCreate({ data: { created_by_id: "ann", ...data } });
    return made;
  }
  /** The next event of that type which fits, where `on` is a client or a call. */
  function told(on, type, fits = () => true) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no \`${type}\` within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      const off = on.on(type, (event) => {
        if (!fits(event)) return;
        clearTimeout(timer);
        off();
        resolve(event);
      });
    });
  }
  /** All events a client is told from now on, of calls and custom ones. */
  function listening(on) {
    const all = [];
    on.on("all", (event) => void (/^(call\.|custom$)/.test(event.type) && all.push(event)));
    return all;
  }
  /** The same call as that client's SDK has it, watched. */
  async function watch(sdk, made, how = "get") {
    const own = sdk.call(made.type, made.id);
    await own[how]();
    return own;
  }

  test("a user connects, and is written down as he says he is", async () => {
    const sdk = client("dee", { name: "Dee" });
    await until(() => sdk.streamClient.wsConnection?.isHealthy, "connected");
    const me = sdk.state.connectedUser;
    assert.deepEqual([me.id, me.name, me.role, me.devices], ["dee", "Dee", "user", []]);
    const { users } = await house.client.queryUsers({ payload: { filter_conditions: { id: "dee" } } });
    assert.equal(users[0].name, "Dee");
  });

  test("a user who is another is told to himself and to who sees him, once", async () => {
    const made = await call({ members: [{ user_id: "cy" }] });
    const [bo, cy] = [client("bo"), client("cy")];
    await Promise.all([watch(bo, made), watch(cy, made)]);
    const heard = [bo, cy].map((sdk) => {
      const all = [];
      sdk.on("user.updated", (event) => void all.push(event));
      return all;
    });
    const both = Promise.all([bo, cy].map((sdk) => told(sdk, "user.updated")));
    await house.client.updateUsersPartial({ users: [{ id: "cy", set: { name: "Cy", image: "https://example.com/cy.png", desk: 7 } }] });
    for (const { user, custom, created_at, call_cid } of await both) {
      assert.deepEqual([user.id, user.name, user.image, user.custom], ["cy", "Cy", "https://example.com/cy.png", { desk: 7 }]);
      assert.deepEqual([custom, call_cid, Number.isNaN(new Date(created_at).getTime())], [{}, undefined, false]);
    }
    // What is as it was is no news.
    await house.client.updateUsersPartial({ users: [{ id: "cy", set: { name: "Cy" } }] });
    const mark = [bo, cy].map((sdk) => told(sdk, "custom"));
    await made.sendCallEvent({ user_id: "ann", custom: { mark: true } });
    await Promise.all(mark);
    assert.deepEqual(heard.map((all) => all.length), [1, 1]);
  });

  test("a token that is none is refused for good, an expired one replaced", async () => {
    await assert.rejects(client("ann", { token: house.token("ann").replace(/.{8}$/, "AAAAAAAA") }).connectUser({ id: "ann" }, house.token("ann").replace(/.{8}$/, "AAAAAAAA")), /signature/);
    let fetched = 0;
    const expired = house.token("ann", { iat: 1_600_000_000, exp: 1_600_000_100 });
    const sdk = client("ann", { token: async () => (fetched++ ? house.token("ann") : expired) });
    await until(() => sdk.streamClient.wsConnection?.isHealthy, "connected with the second token");
    assert.equal(fetched, 2);
  });

  test("what becomes of a watched call is told, and of no other", async () => {
    const [made, other] = [await call({ custom: { topic: "tea" } }), await call()];
    const sdk = client("bo");
    const own = await watch(sdk, made);
    const all = listening(sdk);
    const updated = told(own, "call.updated");
    await other.update({ custom: { topic: "elsewhere" } });
    await made.update({ custom: { topic: "roses" } });
    const { call: shown, capabilities_by_role, created_at } = await updated;
    assert.deepEqual([shown.custom, own.state.custom], [{ topic: "roses" }, { topic: "roses" }]);
    assert.ok(capabilities_by_role.admin.includes("end-call"));
    assert.ok(!Number.isNaN(new Date(created_at).getTime()));
    const added = told(own, "call.member_added");
    await made.updateCallMembers({ update_members: [{ user_id: "cy", role: "admin" }] });
    await added;
    assert.deepEqual(own.state.members.map((member) => [member.user_id, member.role]), [["cy", "admin"]]);
    const removed = told(own, "call.member_removed");
    await made.updateCallMembers({ remove_members: ["cy"] });
    assert.deepEqual((await removed).members, ["cy"]);
    await until(() => own.state.members.length === 0, "no member left");
    const custom = told(own, "custom");
    await made.sendCallEvent({ user_id: "ann", custom: { hello: "you" } });
    const said = await custom;
    assert.deepEqual([said.user.id, said.custom], ["ann", { hello: "you" }]);
    const ended = told(own, "call.ended");
    await made.end();
    await ended;
    await until(() => own.state.endedAt instanceof Date, "the end in the state");
    assert.deepEqual([...new Set(all.map((event) => event.call_cid))], [made.cid]);
  });

  test("native peers come, are moderated and go; the page's roster follows", async () => {
    const made = await call();
    const sdk = client("bo");
    const own = await watch(sdk, made, "getOrCreate");
    const all = listening(sdk);
    const cy = await house.native(made.cid, "cy");
    await until(() => own.state.session?.participants.length === 1, "Cy in the roster");
    const [participant] = own.state.session.participants;
    assert.deepEqual([participant.user.id, participant.user_session_id], ["cy", cy.peerId]);
    await cy.setTracks({ audio: true });
    const muted = told(own, "call.user_muted");
    await made.muteUsers({ user_ids: ["cy"], audio: true });
    assert.deepEqual((await muted).muted_user_ids, ["cy"]);
    const reaction = told(own, "call.reaction_new");
    await cy.sendMessage({ type: "reaction", reaction: { type: "like", emoji_code: ":like:", custom: {} } });
    assert.deepEqual([(await reaction).reaction.type, (await reaction).reaction.user.id], ["like", "cy"]);
    const blocked = told(own, "call.blocked_user");
    await made.blockUser({ user_id: "cy" });
    assert.equal((await blocked).user.id, "cy");
    await until(() => own.state.blockedUserIds.includes("cy"), "Cy blocked in the state");
    await until(() => own.state.session === undefined, "the session over");
    assert.deepEqual(all.map((event) => event.type).filter((type) => /session_(started|ended)|kicked/.test(type)), ["call.session_started", "call.session_ended"]);
  });

  test("what one may is told to the one concerned alone", async () => {
    const made = await call();
    const [bo, cy] = [client("bo"), client("cy")];
    const [own, others] = [await watch(bo, made), await watch(cy, made)];
    const [heard, overheard] = [listening(bo), listening(cy)];
    const changed = (fits) => told(own, "call.permissions_updated", fits);
    assert.ok(own.state.ownCapabilities.includes("send-audio"));
    let event = changed();
    await made.updateUserPermissions({ user_id: "bo", revoke_permissions: ["send-audio"] });
    assert.ok(!(await event).own_capabilities.includes("send-audio"));
    assert.equal((await event).user.id, "bo");
    event = changed(({ own_capabilities }) => own_capabilities.includes("mute-users"));
    await made.updateCallMembers({ update_members: [{ user_id: "bo", role: "admin" }] });
    await event;
    // The app's role, of the Directory: the room is told of it while nobody is in.
    event = told(others, "call.permissions_updated", ({ own_capabilities }) => own_capabilities.includes("mute-users"));
    await house.people({ id: "cy", role: "admin" });
    assert.equal((await event).user.id, "cy");
    await house.people({ id: "cy", role: "user" });
    const own_of = (events) => [...new Set(events.filter(({ type }) => type === "call.permissions_updated").map(({ user }) => user.id))];
    assert.deepEqual([own_of(heard), own_of(overheard)], [["bo"], ["cy"]]);
    await until(() => own_of(overheard).length === 1, "told");
  });

  test("a role that a native peer gives is felt in the page, in Stream's words", async () => {
    const made = await call({ members: [{ user_id: "ann", role: "admin" }] });
    const [bo, cy] = [client("bo"), client("cy")];
    const [own, others] = [await watch(bo, made), await watch(cy, made)];
    const overheard = listening(cy);
    const [ann, peer] = [await house.native(made.cid, "ann"), await house.native(made.cid, "bo")];
    const role = (of) => of.state.session?.participants.find(({ user }) => user.id === "bo")?.role;
    await until(() => role(own) === "user" && role(others) === "user", "Bo in both rosters");
    const changed = told(own, "call.permissions_updated", ({ own_capabilities }) => own_capabilities.includes("block-users"));
    await ann.changeRoleOfPeer(peer.peerId, "admin", { force: true });
    await changed;
    await until(() => role(own) === "admin" && role(others) === "admin", "his role in both rosters");
    assert.deepEqual([own.state.session.participants.length, own.state.session.participants_count_by_role.admin], [2, 2]);
    // What he has now is what REST says.
    assert.deepEqual((await own.get()).own_capabilities, (await changed).own_capabilities);
    assert.deepEqual(overheard.filter(({ type }) => type === "call.permissions_updated"), []);
  });

  test("who may not read a call any more hears nothing more of it", async () => {
    const [first, second] = [await call(), await call()];
    const bo = client("bo");
    const [one, two] = [await watch(bo, first), await watch(bo, second)];
    const all = listening(bo);
    const blocked = told(one, "call.blocked_user");
    const emptied = told(one, "call.permissions_updated", ({ own_capabilities }) => own_capabilities.length === 0);
    await first.blockUser({ user_id: "bo" });
    await Promise.all([blocked, emptied]);
    const so_far = all.length;
    await first.update({ custom: { secret: true } });
    const updated = told(two, "call.updated");
    await second.update({ custom: { open: true } });
    await updated;
    assert.deepEqual(all.slice(so_far).map((event) => event.call_cid), [second.cid]);
    await assert.rejects(one.get(), { code: 17 });
  });

  test("after a lost socket all calls are watched again, and what was missed is read", async () => {
    const made = [await call(), await call()];
    const sdk = client("bo");
    const own = await Promise.all(made.map((one) => watch(sdk, one)));
    const socket = sdk.streamClient.wsConnection.ws;
    const before = sdk.streamClient.wsConnection.connectionID;
    socket.terminate();
    await made[0].update({ custom: { missed: true } });
    await until(() => own[0].state.custom.missed === true, "what was missed");
    assert.notEqual(sdk.streamClient.wsConnection.connectionID, before);
    const told_of = own.map((one) => told(one, "call.updated"));
    await Promise.all(made.map((one) => one.update({ custom: { again: true } })));
    await Promise.all(told_of);
  });

  test("queries watch where they say so", async () => {
    const team = fresh("topic");
    const made = await call({ custom: { team } });
    const sdk = client("cy");
    const filter_conditions = { "custom.team": team };
    const { calls: unwatched } = await sdk.queryCalls({ filter_conditions });
    assert.equal(unwatched.length, 1);
    const all = listening(sdk);
    await made.update({ custom: { team, unheard: true } });
    const { calls } = await sdk.queryCalls({ filter_conditions, watch: true });
    const updated = told(calls[0], "call.updated");
    await made.update({ custom: { team, heard: true } });
    assert.deepEqual((await updated).call.custom, { team, heard: true });
    assert.equal(all.length, 1);
  });

  test("who is banned is disconnected and does not get in again; whose token is revoked fetches another", async () => {
    await house.people("ed", "fay");
    let fetched = 0;
    const now = () => Math.floor(Date.now() / 1000);
    const [ed, fay] = [client("ed"), client("fay", { token: async () => house.token("fay", { iat: now() + 2 * fetched++ }) })];
    for (const sdk of [ed, fay]) await until(() => sdk.streamClient.wsConnection?.isHealthy, "connected");
    const closed = new Promise((resolve) => ed.streamClient.wsConnection.ws.on("close", resolve));
    await house.client.moderation.ban({ target_user_id: "ed" });
    assert.equal(await closed, 4500);
    await until(() => Socket.all.at(-1).readyState === WebSocket.CLOSED && !ed.streamClient.wsConnection.isHealthy, "turned away");
    const first = fay.streamClient.wsConnection.connectionID;
    await house.client.updateApp({ revoke_tokens_issued_before: new Date((now() + 1) * 1000) });
    await until(() => fay.streamClient.wsConnection.isHealthy && fay.streamClient.wsConnection.connectionID !== first, "connected with a fresh token");
    assert.equal(fetched, 2);
  });
});
