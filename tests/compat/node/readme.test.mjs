/** @file The lines of README.md that say how to use the server from Stream's SDK for Node, run as they stand there. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import WebSocket from "ws";
import { connect } from "../../../sdk/rolecall.js";
import { openHouse, REPOSITORY } from "./house.mjs";

const HEADING = "## Use it from Stream's SDKs";

describe("README.md", () => {
  let house;
  before(async () => { house = await openHouse(); });
  after(() => house?.close());

  test("its lines for Node make a user, a call and a token that joins it", async () => {
    const readme = await readFile(join(REPOSITORY, "README.md"), "utf8");
    const section = readme.split(`\n${HEADING}\n`)[1]?.split("\n## ")[0];
    assert.ok(section, `README.md has no section \`${HEADING}\``);
    const snippets = section.split("```js\n").slice(1).map((rest) => rest.split("```")[0]);
    assert.equal(snippets.length, 1, "one snippet for JavaScript");
    assert.ok(snippets[0].includes("http://127.0.0.1:7400"), "it names the address the server has by default");
    // A folder from which the SDK is found, and that is in nobody's commit.
    const folder = join(import.meta.dirname, "node_modules/.readme");
    await mkdir(folder, { recursive: true });
    const file = join(folder, "snippet.mjs");
    await writeFile(file, snippets[0].replaceAll("http://127.0.0.1:7400", house.url));
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    const token = stdout.trim().split("\n").at(-1);
    const room = await connect({ url: house.url, room: "default:standup", token, WebSocket, create: false });
    assert.deepEqual([room.self.userId, room.self.role, room.can("mute-users")], ["ann", "admin", true]);
    await room.leave();
  });
});
