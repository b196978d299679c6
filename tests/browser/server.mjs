/** @file Starts a server and reads its address and links from what it prints; mints tokens for it. */
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const START_MS = 20_000;
/** Of the public pair that a server without settings uses. */
const SECRET = "devsecret-devsecret-devsecret-devsecret";

/** A token that names neither a user nor rooms: the back end's own. */
function serverToken() {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const head = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ iat: Math.floor(Date.now() / 1000) })}`;
  return `${head}.${createHmac("sha256", SECRET).update(head).digest("base64url")}`;
}

/** The program under test: `ROLECALL_BIN`, else the newest place cargo puts it. */
function program() {
  const candidates = [process.env.ROLECALL_BIN, join(REPOSITORY, "target/release/rolecall"), join(REPOSITORY, "target/debug/rolecall")];
  const found = candidates.find((path) => path && existsSync(path));
  if (!found) throw new Error("no server to test: build it, or name it in ROLECALL_BIN");
  return found;
}

/**
 * A running server: `{ origin, owner, participant, token, call, room, stream, stop }`, the links as printed; `token(...arguments)` is `rolecall token`,
 * `call(cid, method, params)` a call as the back end, `stream("POST /video/call/…", body)` a request of its to Stream's REST API.
 * `settings` are `ROLECALL_` variables of its own.
 */
export async function startServer(settings = {}) {
  const home = await mkdtemp(join(tmpdir(), "rolecall-browser-"));
  // The server knows every ROLECALL_ variable and refuses others: the tests' own stay with the tests.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ROLECALL_")));
  const token = async (...words) => (await promisify(execFile)(program(), ["token", ...words], { cwd: home, env: environment })).stdout.trim();
  const child = spawn(program(), ["serve", "--listen", "127.0.0.1:0", "--data", ":memory:"], {
    cwd: home,
    env: { ...environment, ...settings, ROLECALL_DATA: join(home, "data") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let noise = "";
  child.stderr.on("data", (chunk) => { noise = (noise + chunk).slice(-4_000); });
  const ended = new Promise((done) => child.once("exit", done));

  async function stop() {
    child.kill("SIGTERM");
    await ended;
    await rm(home, { recursive: true, force: true });
  }

  const links = new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the server printed no links in ${START_MS} ms\n${noise}`)), START_MS);
    const told = {};
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = line.match(/https?:\/\/\S+/)?.[0];
      if (line.startsWith("listening on ")) told.origin = url;
      else if (url?.includes("owner.html")) told.owner = url;
      else if (url?.includes("participant.html")) told.participant = url;
      if (told.origin && told.owner && told.participant) {
        clearTimeout(timer);
        done(told);
      }
    });
    ended.then((code) => {
      clearTimeout(timer);
      fail(new Error(`the server ended with ${code} before it was ready\n${noise}`));
    });
  });
  try {
    const told = await links;
    const call = async (cid, method, params) => {
      const response = await fetch(`${told.origin}/v1/rooms/${encodeURIComponent(cid)}/calls`, {
        method: "POST",
        headers: { authorization: `Bearer ${serverToken()}`, "content-type": "application/json" },
        body: JSON.stringify({ method, params }),
      });
      const { result, error } = await response.json();
      if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
      return result;
    };
    /** The live state as the server shows it. */
    const room = async (cid) => (await fetch(`${told.origin}/v1/rooms/${encodeURIComponent(cid)}`, { headers: { authorization: `Bearer ${serverToken()}` } })).json();
    const stream = async (line, body) => {
      const [method, path] = line.split(" ");
      const response = await fetch(`${told.origin}/api/v2${path}?api_key=devkey`, {
        method,
        headers: { authorization: serverToken(), "stream-auth-type": "jwt", "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${line}: ${answer.message}`);
      return answer;
    };
    return { ...told, token, call, room, stream, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
