/** @file The house of a test file: a server of its own with call types in 100ms's shape, tokens of 100ms's form, and clients of its SDK in rooms. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import WebSocket from "ws";
import { connect } from "../../../sdk/rolecall.js";
import { asBackEnd, realServer, sign } from "../../../sdk/test/real-server.js";
import { Client } from "./client.mjs";

export const KEY = "devkey";
const REPOSITORY = resolve(import.meta.dirname, "../../..");

/** The program under test: `ROLECALL_BIN`, else the newest place cargo puts it. */
const PROGRAM = [process.env.ROLECALL_BIN, ...["release", "debug"].map((profile) => join(REPOSITORY, "target", profile, "rolecall"))].find((path) => path && existsSync(path));
if (!PROGRAM) throw new Error("no server to test: build it, or name it in ROLECALL_BIN");
process.env.ROLECALL_BIN = resolve(PROGRAM);

/** A role as 100ms's templates have it, for `rolecall.toml`. */
function role(type, name, { publishes = [], hears = [], may = [], ...more } = {}) {
  const permissions = Object.fromEntries(may.map((flag) => [flag, true]));
  const shape = { priority: 3, publishParams: { allowed: publishes }, subscribeParams: { subscribeToRoles: hears }, permissions, ...more };
  const toml = (value) => {
    if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
    if (typeof value === "object") return `{ ${Object.entries(value).map(([key, of]) => `${key} = ${toml(of)}`).join(", ")} }`;
    return JSON.stringify(value);
  };
  return `[call_types.${type}.roles.${name}]\n${Object.entries(shape).map(([key, value]) => `${key} = ${toml(value)}`).join("\n")}\n`;
}

const MAY_ALL = ["changeRole", "mute", "removeOthers", "endRoom"];
const MEDIA = ["audio", "video", "screen"];
const SETTINGS = [
  // Without media, so that Node will do: who rules, who speaks, who looks on.
  role("meet", "moderator", { may: [...MAY_ALL, "canSeeNotes"], priority: 1 }),
  role("meet", "speaker", { may: ["mute"] }),
  role("meet", "listener"),
  role("meet", "guest"),
  role("meet", "caster", { maxPeerCount: 1 }),
  role("meet", "usher", { may: ["changeRole"] }),
  // Where a room is named without a call type.
  role("default", "auditor", { may: ["changeRole"] }),
  // With media: the page's "viewer (no audio/video)" who is made a host.
  role("show", "moderator", { publishes: MEDIA, hears: ["moderator", "speaker"], may: MAY_ALL, priority: 1 }),
  role("show", "speaker", { publishes: ["audio", "video"], hears: ["moderator", "speaker"] }),
  role("show", "viewer", { hears: ["moderator", "speaker"] }),
  role("show", "lobby"),
].join("\n");

/** A token as 100ms's back ends sign them. Its SDK reads it with `atob`, to which `-` and `_` are foreign: another `jti` is drawn. */
export function token(claims) {
  const now = Math.floor(Date.now() / 1000);
  for (;;) {
    const whole = { access_key: KEY, type: "app", version: 2, nbf: now - 1, jti: randomUUID(), ...claims };
    const signed = sign(whole);
    if (!/[-_]/.test(signed.split(".")[1])) return signed;
  }
}

/** A room nobody is in. */
export const fresh = (type = "meet") => `${type}:${randomUUID().slice(0, 8)}`;

export async function openHouse(settings = "") {
  const { url, stop } = await realServer(`${settings}\n${SETTINGS}`);
  return new House(url, stop);
}

class House {
  #stop;
  #natives = [];
  #clients = [];

  constructor(url, stop) {
    this.url = url;
    /** The text `https://` must be in it somewhere, or the SDK fails before it asks. */
    this.initEndpoint = `${url}/#https://local`;
    this.#stop = stop;
  }

  /** What the SDK needs to join as somebody. */
  config(user, room, role, claims = {}) {
    return { authToken: token({ room_id: room, user_id: user, role, ...claims }), initEndpoint: this.initEndpoint };
  }

  /** A client of the SDK that is in no room. */
  stranger(name) {
    const client = new Client(name);
    this.#clients.push(client);
    return client;
  }

  /** One in a room, in a role, under a name that is his user's id too. */
  async joins(name, room, role, { as, ...config } = {}) {
    const client = this.stranger(name);
    client.room = room;
    await client.join({ ...this.config(as ?? name, room, role), ...config });
    return client;
  }

  /** People in a room of their own, by name and role; each sees all when this returns. */
  async gathers(people, room = fresh()) {
    const there = { room };
    for (const [name, role] of Object.entries(people)) there[name] = await this.joins(name, room, role);
    const all = Object.values(there).slice(1);
    for (const client of all) await client.sees(...all);
    for (const client of all) client.heard.length = 0;
    return there;
  }

  /** A native client in a room. */
  async native(room, claims, options = {}) {
    const native = await connect({ url: this.url, room, token: sign({ user_id: claims.user_id, room, ...claims }), WebSocket, reconnect: false, ...options });
    this.#natives.push(native);
    return native;
  }

  /** A call to a room as the back end. */
  backEnd(room, method, params = {}) {
    return asBackEnd(this.url, room, method, params);
  }

  async close() {
    await Promise.all([...this.#clients.map((client) => client.leave()), ...this.#natives.map((native) => native.leave())]);
    await this.#stop();
  }
}

/** Waits until all that was said so far was heard: frames of a socket keep their order, so it is when a message of the first has come to the rest. */
export async function settled(first, ...others) {
  const mark = randomUUID();
  await first.actions.sendBroadcastMessage(mark, "mark");
  for (const other of others) await other.hears("NEW_MESSAGE", ({ message }) => message === mark);
}

/** Asserts that a request of the SDK was refused for good: a code below 500 and a sentence. */
export async function refused(promise, code, ...says) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, `${error.code} ${error.message}`);
    assert.equal(error.name, "ServerErrors");
    for (const part of says) assert.match(error.description, part);
    return true;
  });
}
