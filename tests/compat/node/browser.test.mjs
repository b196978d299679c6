/** @file What a page's SDK sees and the server's SDK hides: the paths under `/video`, times as text, error bodies, CORS, odd bodies. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, openHouse } from "./house.mjs";

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

describe("the bare wire", () => {
  let house;
  let call;
  before(async () => {
    house = await openHouse();
    await house.people("ann", "bo");
    call = house.client.video.call("default", fresh("call"));
    await call.getOrCreate({ data: { created_by_id: "ann", members: [{ user_id: "bo" }], starts_at: new Date(1_900_000_000_123) } });
  });
  after(() => house?.close());

  test("times are nanoseconds for servers and text for pages; all else is the same", async () => {
    const path = `call/${call.type}/${call.id}`;
    const token = house.token("ann");
    const [server, page] = [await house.ask("GET", `/api/v2/video/${path}`, { token }), await house.ask("GET", `/video/${path}`, { token })];
    assert.deepEqual([server.status, page.status], [200, 200]);
    // A number of nanoseconds is more than JavaScript's numbers hold, so the digits are read as text.
    for (const field of ["created_at", "updated_at", "starts_at"]) {
      assert.match(server.text, new RegExp(`"${field}":\\d{19}[,}]`));
      assert.match(page.body.call[field], RFC3339);
    }
    assert.match(server.text, /"starts_at":1900000000123000000[,}]/);
    assert.equal(page.body.call.starts_at, "2030-03-17T17:46:40.123Z");
    assert.deepEqual(page.body.own_capabilities, server.body.own_capabilities);
    assert.deepEqual(Object.keys(page.body).sort(), Object.keys(server.body).sort());
    assert.deepEqual([page.body.call.settings, page.body.call.cid], [server.body.call.settings, call.cid]);
  });

  test("bodies may be missing, and times be numbers", async () => {
    const token = house.token("ann");
    const id = fresh("call");
    const headers = { "content-type": "application/json" };
    const made = await house.ask("POST", `/video/call/default/${id}`, { token, headers });
    assert.deepEqual([made.status, made.body.created], [201, true]);
    const moved = await house.ask("PATCH", `/video/call/default/${id}`, { token, body: { starts_at: 1_900_000_000_000_000_000 } });
    assert.equal(moved.body.call.starts_at, "2030-03-17T17:46:40.000Z");
    assert.equal((await house.ask("POST", `/video/call/default/${id}/mark_ended`, { token, headers })).status, 201);
  });

  test("an error says everything the SDKs look for", async () => {
    const asked = [
      [await house.ask("GET", "/video/call/default/none", { token: house.token("ann") }), 404, 16, `GetCall failed with error: "Can't find call with id default:none"`],
      [await house.ask("GET", "/api/v2/app"), 401, 5],
      [await house.ask("GET", "/api/v2/app", { token: house.token("ann") }), 403, 17],
      [await house.ask("POST", "/api/v2/roles", { token: house.token("ann"), body: { name: 7 } }), 403, 17],
      [await house.ask("GET", "/api/v2/no-such-thing", { token: house.token("ann") }), 404, 16],
      [await house.ask("PUT", `/video/call/default/${call.id}`, { token: house.token("ann"), body: {} }), 405, undefined],
    ];
    for (const [{ status, body, headers }, ...expected] of asked) {
      assert.equal(status, expected[0], JSON.stringify(body));
      assert.match(headers.get("content-type"), /^application\/json/);
      const { code, message, StatusCode, duration, more_info, details } = body;
      assert.deepEqual([StatusCode, Array.isArray(details), typeof more_info], [status, true, "string"]);
      assert.match(duration, /ms$/);
      if (expected[1] !== undefined) assert.equal(code, expected[1]);
      if (expected[2]) assert.equal(message, expected[2]);
    }
    const wrong = await fetch(`${house.url}/video/call/default/${call.id}?api_key=devkey`, { method: "POST", headers: { authorization: house.token("ann"), "content-type": "application/json" }, body: "{not json" });
    const body = await wrong.json();
    assert.deepEqual([wrong.status, body.code, body.StatusCode], [400, 4, 400]);
  });

  test("a guest comes without a token, and goes on with the one he was given", async () => {
    const { status, body } = await house.ask("POST", "/video/guest", { headers: { "stream-auth-type": "anonymous" }, body: { user: { id: "gus", name: "Gus" } } });
    assert.equal(status, 201);
    assert.equal(body.user.role, "guest");
    assert.match(body.user.created_at, RFC3339);
    const got = await house.ask("GET", `/video/call/${call.type}/${call.id}`, { token: body.access_token });
    assert.deepEqual(got.body.own_capabilities, ["join-call", "read-call", "send-audio", "send-video"]);
  });

  test("a page of this machine may ask, with all the headers its SDK sends; a stranger's may not", async () => {
    const wanted = "authorization,content-type,stream-auth-type,x-client-request-id,x-stream-client";
    const preflight = (origin, method) => house.ask("OPTIONS", `/video/call/${call.type}/${call.id}`, { headers: { origin, "access-control-request-method": method, "access-control-request-headers": wanted } });
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const { status, headers } = await preflight("http://localhost:5173", method);
      assert.ok(status >= 200 && status < 300, `${status}`);
      assert.ok(["*", "http://localhost:5173"].includes(headers.get("access-control-allow-origin")));
      assert.ok(headers.get("access-control-allow-methods").includes(method));
      const allowed = headers.get("access-control-allow-headers").toLowerCase();
      assert.ok(allowed === "*" ? false : wanted.split(",").every((name) => allowed.includes(name)), allowed);
      assert.equal(headers.get("access-control-allow-credentials"), null);
    }
    const asked = await house.ask("GET", `/video/call/${call.type}/${call.id}`, { token: house.token("ann"), headers: { origin: "http://localhost:5173" } });
    assert.ok(asked.headers.get("access-control-allow-origin"));
    assert.match(asked.headers.get("access-control-expose-headers") ?? "", /x-ratelimit-remaining/i);
    const stranger = await preflight("https://elsewhere.example", "GET");
    assert.equal(stranger.headers.get("access-control-allow-origin"), null);
  });

  test("the docs' own address of the permissions works", async () => {
    const { status, body } = await house.ask("GET", "/api/v2/video/permissions", { token: house.client.apiClient.apiConfig.token });
    assert.equal(status, 200);
    assert.deepEqual(body.permissions, (await house.client.listPermissions()).permissions);
  });

  test("everything is described, and readable", async () => {
    const { status, body } = await house.ask("GET", "/openapi.json");
    assert.equal(status, 200);
    assert.match(body.openapi, /^3\./);
    for (const path of ["/api/v2/app", "/api/v2/video/calltypes/{name}", "/api/v2/video/call/{type}/{id}", "/video/call/{type}/{id}"]) assert.ok(body.paths[path], path);
  });
});
