/** @file The snippets of Stream's own documentation (permissions of call types, multi-tenancy), as they stand there but for names that are gone from its SDK. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { OwnCapability } from "@stream-io/node-sdk";
import { ids, KEY, openHouse, sorted } from "./house.mjs";

describe("the documentation's snippets", () => {
  let house;
  let client;
  before(async () => {
    house = await openHouse();
    client = house.client;
    // "Please note that for the below code to work, you need to create the customrole beforehand."
    await client.createRole({ name: "customrole" });
  });
  after(() => house?.close());

  test("permissions: overriding `admin` and defining `customrole`", async () => {
    const made = await client.video.createCallType({
      name: "call-type-name",
      grants: {
        admin: ["send-audio", "send-video", "mute-users"],
        ["customrole"]: ["send-audio", "send-video"],
      },
    });
    assert.deepEqual([sorted(made.grants.admin), sorted(made.grants.customrole)], [["mute-users", "send-audio", "send-video"], ["send-audio", "send-video"]]);

    // or edit a built-in call type
    const updated = await client.video.updateCallType({
      name: "default",
      grants: {
        /* ... */
      },
    });
    assert.equal(updated.name, "default");
  });

  test("permissions, of older days: with the SDK's constants", async () => {
    const made = await client.video.createCallType({
      name: "call-type-of-older-days",
      grants: {
        admin: [
          OwnCapability.SEND_AUDIO, // was VideoOwnCapability
          OwnCapability.SEND_VIDEO,
          OwnCapability.MUTE_USERS,
        ],
        ["customrole"]: [
          OwnCapability.SEND_AUDIO,
          OwnCapability.SEND_VIDEO,
        ],
      },
    });
    assert.deepEqual(sorted(made.grants.admin), ["mute-users", "send-audio", "send-video"]);
  });

  test("permissions: the list", async () => {
    const response = await client.listPermissions();
    assert.ok(response.permissions.length > 50);
    const { call_types } = await client.video.listCallTypes();
    const known = new Set(response.permissions.map(({ id }) => id));
    for (const type of Object.values(call_types)) {
      for (const id of Object.values(type.grants).flat()) assert.ok(known.has(id) || Object.values(OwnCapability).includes(id), `${type.name} grants ${id}, which is not in the list`);
    }
  });

  /** The page names 23 capabilities: each may be granted. */
  test("permissions: the capabilities of the page", async () => {
    const capabilities = `join-call read-call create-call join-ended-call join-backstage update-call update-call-settings screenshare send-video send-audio
      start-record-call stop-record-call start-broadcast-call stop-broadcast-call end-call mute-users update-call-permissions block-users create-reaction
      pin-for-everyone remove-call-member start-transcription-call stop-transcription-call`.split(/\s+/);
    assert.equal(capabilities.length, 23);
    const { grants } = await client.video.createCallType({ name: "all-of-the-page", grants: { user: capabilities } });
    assert.deepEqual(sorted(grants.user), sorted(capabilities));
    await house.people("ann");
    const { own_capabilities } = await house.user("ann").video.call("all-of-the-page", "a").getOrCreate();
    assert.deepEqual(own_capabilities, sorted(capabilities));
  });

  describe("with cURL", () => {
    /** Runs a shell snippet with the variables of the documentation, its host being ours. */
    async function shell(snippet) {
      const environment = { ...process.env, API_KEY: KEY, TOKEN: client.apiClient.apiConfig.token };
      const local = snippet.replaceAll("https://video.stream-io-api.com", house.url).replaceAll("curl ", "curl --silent --show-error --fail-with-body --noproxy '*' ");
      const { stdout } = await promisify(execFile)("bash", ["-c", local], { env: environment });
      return JSON.parse(stdout);
    }

    test("a call type is made", async () => {
      const made = await shell(`curl -X POST "https://video.stream-io-api.com/api/v2/video/calltypes?api_key=\${API_KEY}" \\
  -H "Authorization: \${TOKEN}" \\
  -H "stream-auth-type: jwt" \\
  -H "Content-Type: application/json" \\
  -d '{
    "name": "by-curl",
    "settings": {
      "audio": {
        "mic_default_on": true,
        "default_device": "speaker"
      }
    },
    "grants": {
      "admin": ["send-audio", "send-video", "mute-users"],
      "customrole": ["send-audio", "send-video"]
    }
  }'`);
      assert.deepEqual([made.name, made.settings.audio.default_device, sorted(made.grants.customrole)], ["by-curl", "speaker", ["send-audio", "send-video"]]);
    });

    test("a built-in one is edited", async () => {
      const updated = await shell(`curl -X PUT "https://video.stream-io-api.com/api/v2/video/calltypes/default?api_key=\${API_KEY}" \\
  -H "Authorization: \${TOKEN}" \\
  -H "stream-auth-type: jwt" \\
  -H "Content-Type: application/json" \\
  -d '{
    "grants": {"customrole": ["join-call"]}
  }'`);
      assert.deepEqual(updated.grants.customrole, ["join-call"]);
    });

    test("permissions are listed", async () => {
      const { permissions } = await shell(`curl -X GET "https://video.stream-io-api.com/api/v2/video/permissions?api_key=\${API_KEY}" \\
  -H "Authorization: \${TOKEN}" \\
  -H "stream-auth-type: jwt"`);
      assert.ok(permissions.some(({ id }) => id === "mute-users"));
    });
  });

  test("multi-tenancy: the page from top to bottom", async () => {
    // shows the current status
    const appSettings = await client.getApp();
    assert.equal(appSettings.app.multi_tenant_enabled, false);

    // enables teams
    await client.updateApp({
      multi_tenant_enabled: true,
    });

    await client.upsertUsers([
      {
        id: "user-id",
        name: "Sara",
        teams: ["red", "blue"],
      },
    ]);

    // `client.call` in the page
    await client.video.call("default", "red-team-weekly").create({
      data: { team: "red", created_by_id: "user-id" },
    });

    await client.upsertUsers([{ id: "nick", name: "Nick", teams: ["blue"] }, { id: "tom", name: "Tom" }]);
    await client.video.call("default", "blue-team-weekly").create({ data: { team: "blue", created_by_id: "nick" } });
    await client.video.call("default", "teamless").create({ data: { created_by_id: "tom" } });

    // search for users by name and team
    const nick = await client.queryUsers({
      payload: {
        filter_conditions: {
          name: "Nick",
          teams: { $in: ["red", "blue"] },
        },
      },
    });
    assert.deepEqual(ids(nick.users), ["nick"]);

    // search for users that are not part of any team
    const tom = await client.queryUsers({
      payload: {
        filter_conditions: {
          name: "Tom",
          teams: null,
        },
      },
    });
    assert.deepEqual(ids(tom.users), ["tom"]);

    // All calls
    const all = await client.video.queryCalls();

    // Calls without team
    const without = await client.video.queryCalls({
      filter_conditions: {
        team: null,
      },
    });

    // Calls with specific team
    const blue = await client.video.queryCalls({
      filter_conditions: {
        team: "blue",
      },
    });
    const names = ({ calls }) => sorted(calls.map(({ call }) => call.id));
    for (const name of ["red-team-weekly", "blue-team-weekly", "teamless"]) assert.ok(names(all).includes(name), name);
    assert.ok(names(without).includes("teamless") && !names(without).some((name) => name.includes("weekly")));
    assert.deepEqual(names(blue), ["blue-team-weekly"]);
  });
});
