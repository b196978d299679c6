/** @file The back end's side: 100ms's REST API of active rooms, through its own SDK for Node, and what clients of its web SDK feel of it. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { select, Types } from "./client.mjs";
import { KEY, fresh, openHouse, refused, settled, token } from "./house.mjs";

const { SDK } = createRequire(import.meta.url)("@100mslive/server-sdk");
const THREE = { ann: "moderator", bo: "listener", cy: "guest" };
const SECRET = process.env.ROLECALL_API_SECRET ?? "devsecret-devsecret-devsecret-devsecret";

let house;
let rooms;
before(async () => {
  house = await openHouse();
  const back = new SDK(KEY, SECRET);
  back.setLogLevel("silent");
  // What docs/MIGRATE.md says to change: the SDK has no option for it.
  back.api.axios.defaults.baseURL = `${house.url}/v2`;
  rooms = back.activeRooms;
});
after(() => house?.close());

const management = () => token({ type: "management", exp: Math.floor(Date.now() / 1000) + 3_600 });
/** Asks without the SDK. */
async function ask(line, body, authToken = management()) {
  const [method, path] = line.split(" ");
  const init = { method, headers: { authorization: `Bearer ${authToken}` }, body: body && JSON.stringify(body) };
  const response = await fetch(`${house.url}/v2${path}`, init);
  return { status: response.status, ...await response.json() };
}
const isOut = (client) => client.until(() => client.get(select.selectRoomState) === "Disconnected", "is out");
const fails = (promise, code, says) => assert.rejects(promise, (error) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  return true;
});

describe("the back end", () => {
  test("sees who is in", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    await ann.actions.changeMetadata('{"seat":7}');
    await bo.until(() => bo.peer(ann).metadata === '{"seat":7}', "sees it");
    const active = await rooms.retrieve(room);
    assert.deepEqual([active.id, active.name, active.customer_id], [room, room, KEY]);
    assert.deepEqual(active.session.peers, [ann.id, bo.id, cy.id]);
    assert.equal(active.session.id, ann.get(select.selectSessionId));
    assert.ok(Math.abs(new Date(active.session.created_at) - Date.now()) < 60_000);
    const peers = await rooms.retrieveActivePeers(room);
    assert.deepEqual(Object.keys(peers).sort(), [ann.id, bo.id, cy.id].sort());
    const { id, name, user_id, metadata, role } = peers[ann.id];
    assert.deepEqual([id, name, user_id, metadata, role], [ann.id, "ann", "ann", '{"seat":7}', "moderator"]);
    assert.ok(Math.abs(new Date(peers[ann.id].joined_at) - ann.peer(ann).joinedAt) < 1_000);
    assert.deepEqual((await rooms.retrievePeerDetails(room, bo.id)).tracks, {});
    for (const [query, found] of [["role=guest", [cy.id]], ["user_id=bo", [bo.id]], ["role=guest&user_id=bo", []], ["role=nobody-knows", []]]) {
      assert.deepEqual(Object.keys((await ask(`GET /active-rooms/${room}/peers?${query}`)).peers), found, query);
    }
    const other = fresh();
    await house.joins("di", other, "guest");
    const listed = [];
    let last = "";
    do {
      const page = await ask(`GET /active-rooms?limit=1&start=${last}`.replace("&start=null", "").replace(/&start=$/, ""));
      listed.push(...page.data.map(({ id: cid }) => cid));
      last = page.last;
    } while (last);
    for (const one of [room, other]) assert.ok(listed.includes(one), one);
    assert.equal(new Set(listed).size, listed.length);
  });

  test("changes name, data and role of somebody", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    const changed = await rooms.updatePeer(room, bo.id, { name: "Robert", metadata: '{"seat":4}' });
    assert.deepEqual([changed.id, changed.name, changed.metadata, changed.role], [bo.id, "Robert", '{"seat":4}', "listener"]);
    for (const client of [ann, bo, cy]) await client.until(() => client.peer(bo).name === "Robert" && client.peer(bo).metadata === '{"seat":4}', "sees it");
    for (const client of [ann, cy]) await client.hears(Types.NAME_UPDATED, ({ name }) => name === "Robert");
    await rooms.updatePeer(room, bo.id, { role: "moderator" });
    for (const client of [ann, bo, cy]) {
      await client.seesRole(bo, "moderator");
      await client.hears(Types.ROLE_UPDATED, ({ id }) => id === bo.id);
    }
    assert.equal(bo.permissions.changeRole, true);
    await fails(rooms.updatePeer(room, bo.id, { role: "nobody-knows", name: "Never" }), 404, /unknown role/);
    await fails(rooms.updatePeer(room, bo.id, { name: "x".repeat(129) }), 400, /name/);
    await fails(rooms.updatePeer(room, "nobody-knows", { name: "Nobody" }), 404, /no such peer/);
    await settled(ann, cy);
    assert.equal(cy.peer(bo).name, "Robert");
  });

  test("says something to all, to a role, to one", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    await rooms.sendMessage(room, { message: "to all" });
    await rooms.sendMessage(room, { message: "to guests", role: "guest", type: "emoji" });
    await rooms.sendMessage(room, { message: "to Bo alone", peerId: bo.id, role: "guest" });
    const last = await ask(`POST /active-rooms/${room}/send-message`, { message: { any: ["JSON"] }, peer_id: bo.id, role: "" });
    assert.deepEqual(last, { status: 200, message: "message sent" });
    await bo.hears(Types.NEW_MESSAGE, ({ message }) => message.any?.[0] === "JSON");
    await cy.hears(Types.NEW_MESSAGE, ({ message }) => message === "to guests");
    await settled(ann, bo, cy);
    const heard = (client) => client.told(Types.NEW_MESSAGE).filter(({ data }) => data.type !== "mark").map(({ data }) => [data.message, data.type, data.sender]);
    assert.deepEqual(heard(ann), [["to all", "chat", undefined]]);
    assert.deepEqual(heard(bo), [["to all", "chat", undefined], ["to Bo alone", "chat", undefined], [{ any: ["JSON"] }, "chat", undefined]]);
    assert.deepEqual(heard(cy), [["to all", "chat", undefined], ["to guests", "emoji", undefined]]);
    await fails(rooms.sendMessage(room, { message: "hi", role: "nobody-knows" }), 404, /unknown role/);
    assert.deepEqual((await ask(`POST /active-rooms/${room}/send-message`, { peer_id: bo.id })).status, 400, "a message is needed");
  });

  test("removes somebody, and all of a role", async () => {
    const { room, ann, bo, cy } = await house.gathers(THREE);
    const di = await house.joins("di", room, "guest");
    const { id } = bo;
    await rooms.removePeer(room, { peer_id: bo.id, role: "guest", reason: "off you go" });
    const { data } = await bo.hears(Types.REMOVED_FROM_ROOM);
    assert.deepEqual([data.reason, data.roomEnded], ["off you go", false]);
    await isOut(bo);
    await ann.sees(ann, cy, di);
    await rooms.removePeer(room, { role: "guest" });
    for (const client of [cy, di]) {
      await client.hears(Types.REMOVED_FROM_ROOM);
      await isOut(client);
    }
    await ann.sees(ann);
    await rooms.removePeer(room, { role: "guest" });
    await fails(rooms.removePeer(room, { peer_id: id }), 404, /no such peer/);
    await fails(rooms.removePeer(room, { reason: "whom?" }), 400, /peer_id/);
    await fails(rooms.removePeer(room, { role: "nobody-knows" }), 400, /role/);
    await house.joins("bo", room, "listener");
    await ann.sees(ann, bo);
  });

  test("ends what goes on, and locks the room", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await rooms.end(room, { reason: "a pause" });
    for (const client of [ann, bo]) {
      const { data } = await client.hears(Types.ROOM_ENDED);
      assert.deepEqual([data.reason, data.roomEnded, data.requestedBy], ["a pause", true, undefined]);
      await isOut(client);
    }
    await fails(rooms.retrieve(room), 404, /not active/);
    const again = await house.joins("bo", room, "listener");
    assert.deepEqual((await rooms.retrieve(room)).session.peers, [again.id]);
    await rooms.end(room, { lock: true });
    await again.hears(Types.ROOM_ENDED);
    await refused(house.joins("bo", room, "listener"), 410, /ended/);
  });

  test("is told what is wrong", async () => {
    const room = fresh();
    for (const [line, body] of [
      ["GET", ""], ["GET", "/peers"], ["GET", "/peers/nobody-knows"], ["POST", "/peers/nobody-knows", { name: "Nobody" }], ["POST", "/remove-peers", { peer_id: "x" }],
      ["POST", "/remove-peers", { role: "guest" }], ["POST", "/send-message", { message: "hi" }], ["POST", "/end-room", {}],
    ].map(([method, path, given]) => [`${method} /active-rooms/${room}${path}`, given])) {
      assert.deepEqual(await ask(line, body), { status: 404, code: 404, message: "the room is not active", details: [] }, line);
    }
    const wrong = await ask(`POST /active-rooms/${room}/end-room`, { lock: "yes" });
    assert.deepEqual([wrong.status, wrong.code, wrong.details], [400, 400, ["lock"]]);
    assert.equal((await ask("GET /active-rooms?limit=0")).status, 400);
    assert.equal((await ask("GET /nowhere")).code, 404);
    for (const authToken of [token({ room_id: room, user_id: "ann", role: "moderator" }), `${management()}x`, "", token({ type: "management", access_key: "another" })]) {
      const { status, code, message, details } = await ask("GET /active-rooms", undefined, authToken);
      assert.deepEqual([status, code, details], [401, 401, []], authToken);
      assert.ok(message.length > 5);
    }
    const { ann } = await house.gathers({ ann: "moderator" });
    const eve = house.stranger("eve");
    await assert.rejects(eve.join({ authToken: management(), initEndpoint: house.initEndpoint }), ({ code }) => code === 401);
    assert.deepEqual(ann.names, ["ann"]);
  });
});
