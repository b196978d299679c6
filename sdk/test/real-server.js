/** @file A real server for tests: the one at ROLECALL_URL, or one of their own that runs the program ROLECALL_BIN. */

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 20_000;

/** Why the tests over a real server are skipped; false where there is one. @type {string | false} */
export const NO_SERVER = process.env.ROLECALL_URL || process.env.ROLECALL_BIN ? false : "set ROLECALL_BIN or ROLECALL_URL to walk over a real server";

/**
 * @param {string} [settings] a `rolecall.toml`, for a server of one's own
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function realServer(settings = "") {
  const { ROLECALL_URL: url, ROLECALL_BIN: program } = process.env;
  if (url) return { url, stop: async () => {} };
  const home = await mkdtemp(join(tmpdir(), "rolecall-sdk-"));
  await writeFile(join(home, "rolecall.toml"), settings);
  // The server knows every ROLECALL_ variable and refuses others: the tests' own stay with the tests.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ROLECALL_")));
  const child = spawn(resolve(program ?? ""), ["serve", "--listen", "127.0.0.1:0", "--data", ":memory:"], { cwd: home, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let noise = "";
  child.stderr.on("data", (chunk) => void (noise = (noise + chunk).slice(-4_000)));
  /** @type {Promise<number | string | null>} */
  const ended = new Promise((done) => {
    child.once("exit", done);
    child.once("error", (error) => done(error.message));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  try {
    return { url: await listening(), stop };
  } catch (error) {
    await stop();
    throw error;
  }

  /** @returns {Promise<string>} */
  function listening() {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`the server did not listen within ${START_MS} ms\n${noise}`)), START_MS);
      createInterface({ input: child.stdout }).on("line", (line) => {
        const address = line.match(/^listening on (\S+)/)?.[1];
        if (!address) return;
        clearTimeout(timer);
        done(address);
      });
      void ended.then((code) => {
        clearTimeout(timer);
        fail(new Error(`the server ended with ${code} before it listened\n${noise}`));
      });
    });
  }
}

const SECRET = process.env.ROLECALL_API_SECRET ?? "devsecret-devsecret-devsecret-devsecret";

/** A token of that server: signed with ROLECALL_API_SECRET, by default that of the public development pair. @param {object} claims */
export function sign(claims) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (/** @type {object} */ part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const head = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ iat: now, exp: now + 600, ...claims })}`;
  return `${head}.${createHmac("sha256", SECRET).update(head).digest("base64url")}`;
}

/** A call to a room as the back end. @param {string} url @param {string} cid @param {string} method @param {object} params @returns {Promise<any>} */
export async function asBackEnd(url, cid, method, params) {
  const response = await fetch(`${url}/v1/rooms/${encodeURIComponent(cid)}/calls`, {
    method: "POST",
    headers: { authorization: `Bearer ${sign({})}`, "content-type": "application/json" },
    body: JSON.stringify({ method, params }),
  });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
  return result;
}
