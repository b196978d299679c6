/** @file The app, its permissions and its roles, through Stream's SDK. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OwnCapability, StreamClient } from "@stream-io/node-sdk";
import { fresh, KEY, openHouse, recent, refused, SECRET } from "./house.mjs";

describe("the app", () => {
  let house;
  before(async () => { house = await openHouse(); });
  after(() => house?.close());

  test("says what it is", async () => {
    const { app, duration, metadata } = await house.client.getApp();
    assert.equal(metadata.responseCode, 200);
    assert.match(duration, /^\d+(\.\d+)?ms$/);
    assert.equal(app.multi_tenant_enabled, false);
    assert.equal(app.guest_user_creation_disabled, false);
    assert.equal(app.permission_version, "v2");
    assert.ok(app.name.length > 0);
    for (const name of ["default", "audio_room", "livestream", "development"]) {
      assert.equal(app.call_types[name].name, name);
      assert.ok(app.call_types[name].created_at instanceof Date);
    }
    assert.ok(app.grants.user.includes("search-user"), JSON.stringify(app.grants));
    for (const list of [app.event_hooks, app.user_search_disallowed_roles, app.webhook_events]) assert.ok(Array.isArray(list));
  });

  test("answers with what is left of the rate", async () => {
    for (const metadata of [(await house.client.getApp()).metadata, await house.client.getPermission({ id: "nothing" }).catch((error) => error.metadata)]) {
      const { rateLimit, rateLimitRemaining, rateLimitReset } = metadata.rateLimit;
      assert.ok(rateLimit > 0 && rateLimitRemaining >= 0 && rateLimitRemaining <= rateLimit, JSON.stringify(metadata.rateLimit));
      assert.ok(Math.abs(rateLimitReset.getTime() - Date.now()) < 120_000, String(rateLimitReset));
    }
  });

  test("takes a setting and leaves the others", async () => {
    const former = (await house.client.getApp()).app;
    await house.client.updateApp({ guest_user_creation_disabled: true });
    const { app } = await house.client.getApp();
    assert.equal(app.guest_user_creation_disabled, true);
    assert.deepEqual([app.multi_tenant_enabled, app.grants], [former.multi_tenant_enabled, former.grants]);
    await refused(house.client.createGuest({ user: { id: fresh("guest") } }), 17, "CreateGuest");
    await house.client.updateApp({ guest_user_creation_disabled: false });
    assert.equal((await house.client.createGuest({ user: { id: fresh("guest") } })).user.role, "guest");
  });

  test("takes grants of its own scope, and refuses those it does not know", async () => {
    const role = fresh("role");
    await house.client.createRole({ name: role });
    await house.client.updateApp({ grants: { [role]: ["search-user"] } });
    const { grants } = (await house.client.getApp()).app;
    assert.deepEqual(grants[role], ["search-user"]);
    assert.ok(grants.user.length > 0);
    await refused(house.client.updateApp({ grants: { [role]: ["sing"] } }), 4, "UpdateApp", "sing");
    await refused(house.client.updateApp({ grants: { "no-such-role": ["search-user"] } }), 4, "UpdateApp", "no-such-role");
    assert.deepEqual((await house.client.getApp()).app.grants, grants);
    await house.client.updateApp({ grants: { [role]: [] } });
    await house.client.deleteRole({ name: role });
  });

  test("revokes tokens issued before a time", async () => {
    const ann = fresh("ann");
    await house.people(ann);
    const now = Math.floor(Date.now() / 1000);
    await house.client.updateApp({ revoke_tokens_issued_before: new Date((now - 30) * 1000) });
    recent((await house.client.getApp()).app.revoke_tokens_issued_before);
    const old = house.user(ann, { iat: now - 3600, exp: now + 3600 });
    await assert.rejects(old.video.queryCalls(), (error) => error.metadata.responseCode === 401);
    assert.ok((await house.user(ann).video.queryCalls()).calls);
    await house.client.updateApp({ revoke_tokens_issued_before: new Date(0) });
    assert.ok((await old.video.queryCalls()).calls);
  });

  test("is for the backend alone", async () => {
    const ann = fresh("ann");
    await house.people(ann);
    const user = house.user(ann);
    await refused(user.getApp(), 17, "GetApp", `User '${ann}'`);
    await refused(user.updateApp({ multi_tenant_enabled: true }), 17, "UpdateApp");
    await refused(user.createRole({ name: fresh("role") }), 17, "CreateRole");
    await refused(user.deleteRole({ name: "user" }), 17, "DeleteRole");
    assert.equal((await house.client.getApp()).app.multi_tenant_enabled, false);
  });

  test("knows its key and its secret", async () => {
    const options = { basePath: house.url };
    await refused(new StreamClient("another", SECRET, options).getApp(), 2, "GetApp", "api_key");
    await refused(new StreamClient(KEY, "another-secret-another-secret-another", options).getApp(), 43, "GetApp");
    const now = Math.floor(Date.now() / 1000);
    await refused(house.user("ann", { iat: now - 7200, exp: now - 3600 }).video.queryCalls(), 40, "QueryCalls");
    await refused(house.as("").getApp(), 5, "GetApp");
    await refused(house.as("nonsense").getApp(), 5, "GetApp");
  });
});

describe("permissions", () => {
  let house;
  before(async () => { house = await openHouse(); });
  after(() => house?.close());

  test("are listed whole", async () => {
    const { permissions } = await house.client.listPermissions();
    const known = new Map(permissions.map((permission) => [permission.id, permission]));
    assert.equal(known.size, permissions.length, "an id stands there twice");
    for (const { id, name, description, action, owner, same_team, custom, level, owner_resource, tags } of permissions) {
      for (const text of [id, name, description, action, owner_resource]) assert.equal(typeof text, "string", id);
      assert.deepEqual([owner, same_team, custom].map((flag) => typeof flag), ["boolean", "boolean", "boolean"], id);
      assert.ok(["app", "channel"].includes(level) && Array.isArray(tags), id);
      assert.equal(owner, /-owner(-any-team)?$/.test(id), id);
      assert.equal(same_team, !id.endsWith("-any-team"), id);
    }
    const grantable = ["block-user", "create-call", "create-call-reaction", "end-call", "join-backstage", "join-call", "join-ended-call", "kick-user",
      "mute-users", "pin-call-track", "read-call", "remove-call-member", "screenshare", "send-audio", "send-event", "send-video", "start-recording",
      "stop-recording", "start-broadcasting", "stop-broadcasting", "start-transcription", "stop-transcription", "update-call", "update-call-member",
      "update-call-member-role", "update-call-permissions", "update-call-settings"];
    for (const id of grantable) for (const variant of ["", "-owner", "-any-team", "-owner-any-team"]) assert.ok(known.has(id + variant), id + variant);
    assert.equal(known.get("pin-call-track").action, "PinCallTrack");
    assert.ok(known.has("search-user") && known.get("search-user").level === "app");
  });

  test("one is got by its id", async () => {
    const { permission } = await house.client.getPermission({ id: "mute-users-owner" });
    assert.deepEqual([permission.id, permission.action, permission.owner, permission.same_team], ["mute-users-owner", "MuteUsers", true, true]);
    await refused(house.client.getPermission({ id: "sing" }), 16, "GetPermission", "sing");
  });

  test("every capability of the SDK may be granted, and is echoed as it was spelled", async () => {
    const all = Object.values(OwnCapability);
    assert.equal(all.length, 36);
    const { grants } = await house.client.video.createCallType({ name: fresh("type"), grants: { admin: all } });
    assert.deepEqual([...grants.admin].sort(), [...all].sort());
  });
});

describe("roles", () => {
  let house;
  before(async () => { house = await openHouse(); });
  after(() => house?.close());
  const role = async (name) => (await house.client.listRoles()).roles.find((one) => one.name === name);

  test("built-in ones are there, with the places where they have grants", async () => {
    for (const name of ["user", "admin", "moderator", "guest", "anonymous", "host", "call_member", "global_admin", "global_moderator"]) {
      const found = await role(name);
      assert.ok(found, `no role ${name}`);
      assert.equal(found.custom, false);
      assert.ok(found.created_at instanceof Date && found.updated_at instanceof Date);
    }
    const { scopes } = await role("user");
    for (const scope of [".app", "video:default", "video:livestream"]) assert.ok(scopes.includes(scope), `${scopes}`);
    for (const name of ["user", "admin", "host", "call_member"]) await refused(house.client.deleteRole({ name }), 4, "DeleteRole", name);
  });

  test("are made, used and deleted", async () => {
    const name = fresh("customrole");
    const made = (await house.client.createRole({ name })).role;
    assert.deepEqual([made.name, made.custom], [name, true]);
    recent(made.created_at);
    await refused(house.client.createRole({ name }), 4, "CreateRole", name);
    const type = fresh("type");
    await house.client.video.createCallType({ name: type, grants: { [name]: ["send-audio"] } });
    assert.deepEqual((await role(name)).scopes, [`video:${type}`]);
    await refused(house.client.deleteRole({ name }), 4, "DeleteRole", name);
    await house.client.video.updateCallType({ name: type, grants: { [name]: [] } });
    const ann = fresh("ann");
    await house.people({ id: ann, role: name });
    await refused(house.client.deleteRole({ name }), 4, "DeleteRole", name);
    await house.people({ id: ann, role: "user" });
    await house.client.deleteRole({ name });
    assert.equal(await role(name), undefined);
    await refused(house.client.deleteRole({ name }), 16, "DeleteRole", name);
    await refused(house.client.video.updateCallType({ name: type, grants: { [name]: ["send-audio"] } }), 4, "UpdateCallType", name);
  });

  test("a name is refused that cannot be one, and the twenty-sixth role", async () => {
    for (const name of ["", "a b", "x".repeat(65)]) await refused(house.client.createRole({ name }), 4, "CreateRole");
    const made = [];
    for (let n = 0; n < 25; n += 1) made.push((await house.client.createRole({ name: `limit-${n}` })).role.name);
    await refused(house.client.createRole({ name: "limit-25" }), 4, "CreateRole", "25");
    for (const name of made) await house.client.deleteRole({ name });
  });
});

describe("whoever asks too often", () => {
  let house;
  before(async () => { house = await openHouse({ ROLECALL_LIMITS_REST_PER_MINUTE_USER: "3" }); });
  after(() => house?.close());

  test("is told how long to wait; the others are not kept waiting", async () => {
    await house.people("ann", "bo");
    const ann = house.user("ann");
    for (const left of [2, 1, 0]) assert.equal((await ann.video.queryCalls()).metadata.rateLimit.rateLimitRemaining, left);
    await assert.rejects(ann.video.queryCalls(), ({ code, message, metadata }) => {
      assert.deepEqual([code, metadata.responseCode, metadata.rateLimit.rateLimit, metadata.rateLimit.rateLimitRemaining], [9, 429, 3, 0]);
      assert.ok(message.startsWith('Stream error code 9: QueryCalls failed with error: "'), message);
      assert.ok(Number(metadata.responseHeaders.get("retry-after")) > 0);
      return true;
    });
    assert.ok((await house.user("bo").video.queryCalls()).calls);
    assert.ok((await house.client.video.queryCalls()).calls);
  });
});
