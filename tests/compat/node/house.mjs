/** @file The house of a test file: a server of its own, Stream's SDK opened onto it, and native clients in its rooms. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { StreamClient } from "@stream-io/node-sdk";
import WebSocket from "ws";
import { connect } from "../../../sdk/rolecall.js";

export const KEY = "devkey";
export const SECRET = "devsecret-devsecret-devsecret-devsecret";
export const REPOSITORY = resolve(import.meta.dirname, "../../..");

const START_MS = 20_000;
const PATIENCE_MS = 10_000;
/** How long a request may take; the SDK's own three seconds are short on a machine that compiles meanwhile. */
const REQUEST_MS = 20_000;

/** The program under test: `ROLECALL_BIN`, else the newest place cargo puts it. */
function program() {
  const candidates = [process.env.ROLECALL_BIN, join(REPOSITORY, "target/release/rolecall"), join(REPOSITORY, "target/debug/rolecall")];
  const found = candidates.find((path) => path && existsSync(path));
  if (!found) throw new Error("no server to test: build it, or name it in ROLECALL_BIN");
  return resolve(found);
}

/** Starts a server on a free port, its data in a folder that goes with it. `settings` are further `ROLECALL_…` variables. */
export async function openHouse(settings = {}) {
  const home = await mkdtemp(join(tmpdir(), "rolecall-compat-"));
  // The server knows every ROLECALL_ variable and refuses others: the tests' own stay with the tests.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ROLECALL_")));
  Object.assign(environment, { ROLECALL_LISTEN: "127.0.0.1:0", ROLECALL_DATA: join(home, "data"), ...settings });
  const child = spawn(program(), ["serve"], { cwd: home, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let noise = "";
  child.stderr.on("data", (chunk) => void (noise = (noise + chunk).slice(-4_000)));
  const ended = new Promise((done) => {
    child.once("exit", done);
    child.once("error", (error) => done(error.message));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  const listening = new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the server did not listen within ${START_MS} ms\n${noise}`)), START_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = line.match(/^listening on (\S+)/)?.[1];
      if (!url) return;
      clearTimeout(timer);
      done(url);
    });
    void ended.then((code) => {
      clearTimeout(timer);
      fail(new Error(`the server ended with ${code} before it listened\n${noise}`));
    });
  });
  try {
    return new House(await listening, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

class House {
  #stop;
  #natives = [];

  constructor(url, stop) {
    this.url = url;
    this.#stop = stop;
    /** The backend: Stream's SDK with the secret. */
    this.client = new StreamClient(KEY, SECRET, { basePath: url, timeout: REQUEST_MS });
  }

  /** Stream's SDK speaking with a token of somebody's: the same client, its public configuration given that token. */
  as(token) {
    const client = new StreamClient(KEY, SECRET, { basePath: this.url, timeout: REQUEST_MS });
    for (const api of [client.apiClient, client.video.apiClient]) api.apiConfig.token = token;
    return client;
  }

  token(user_id, claims = {}) {
    return this.client.generateUserToken({ user_id, ...claims });
  }

  /** Stream's SDK speaking as a user. */
  user(id, claims) {
    return this.as(this.token(id, claims));
  }

  /** A native client in a room, as a user or (without an id) as nobody in particular. */
  async native(cid, id, { claims, ...options } = {}) {
    const token = id === undefined ? undefined : this.token(id, claims);
    const room = await connect({ url: this.url, room: cid, token, WebSocket, reconnect: false, ...options });
    this.#natives.push(room);
    return room;
  }

  /** A bare request, for what the SDK hides: the paths of browsers, headers, bytes. `{status, headers, body}`. */
  async ask(method, path, { token, body, headers = {}, query = {} } = {}) {
    const search = new URLSearchParams({ api_key: KEY, ...query });
    const auth = token ? { authorization: token, "stream-auth-type": "jwt" } : {};
    const content = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`${this.url}${path}?${search}`, {
      method,
      headers: { ...auth, ...content, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text.startsWith("{") ? JSON.parse(text) : undefined };
  }

  /** Makes users, by id, each perhaps with more than that. */
  async people(...users) {
    return this.client.upsertUsers(users.map((user) => (typeof user === "string" ? { id: user } : user)));
  }

  async close() {
    await Promise.all(this.#natives.map((room) => room.leave()));
    await this.#stop();
  }
}

/** A name nobody has. */
export const fresh = (what = "t") => `${what}-${randomUUID().slice(0, 8)}`;

const STATUS = { 2: 401, 4: 400, 5: 401, 16: 404, 17: 403, 40: 401, 41: 401, 43: 401 };

/** Asserts that a call of the SDK is refused the way Stream refuses: `code`, the status that goes with it, the operation, and what is said. */
export async function refused(promise, code, operation, ...says) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    assert.equal(error.metadata.responseCode, STATUS[code]);
    assert.ok(error.message.startsWith(`Stream error code ${code}: ${operation} failed with error: "`), error.message);
    for (const part of says) assert.ok(part instanceof RegExp ? part.test(error.message) : error.message.includes(part), `${error.message}\nlacks ${part}`);
    return true;
  });
}

/** The next event of a name that fits, of a native client. */
export function next(room, name, fits = () => true) {
  return new Promise((resolve, reject) => {
    const off = room.on(name, (payload) => {
      if (!fits(payload)) return;
      clearTimeout(timer);
      off();
      resolve(payload);
    });
    const timer = setTimeout(() => {
      off();
      reject(new Error(`no such \`${name}\` within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
  });
}

/** Waits until something holds. */
export async function until(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`still waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Asserts that this is a `Date` of the last minute. */
export function recent(date) {
  assert.ok(date instanceof Date && Math.abs(Date.now() - date.getTime()) < 60_000, `${date} is not a time of just now`);
}

/** Asserts that two times are the same: the SDK reads nanoseconds as a number that cannot hold them, and may be a millisecond short. */
export function same(read, written) {
  assert.ok(read instanceof Date && Math.abs(read - written) <= 1, `${read?.toISOString?.() ?? read} is not ${written.toISOString()}`);
}

export const ids = (list) => list.map((one) => one.user_id ?? one.id);
export const sorted = (list) => [...list].sort();
