/** @file A seat in a room over sockets that come and go: join, resume, calls, notices. The named calls live in `rolecall.js`. */

import { Backoff } from "./backoff.js";
import { Calls, frameOf } from "./calls.js";
import { Emitter } from "./emitter.js";
import { closeReason, isFinal, RolecallError, wordsOf } from "./error.js";
import { Link } from "./link.js";
import { NOTICES, View } from "./view.js";

/** @typedef {string | (() => string | Promise<string>)} Token a function is asked again at every join, resume and refresh */

/**
 * @typedef {object} Options
 * @property {string} room `type:id` or a bare id
 * @property {string} [url] of the server, `ws(s)://` or `http(s)://`; the page's own origin where absent
 * @property {Token} [token] absent: the anonymous user
 * @property {string} [name]
 * @property {any} [metadata]
 * @property {boolean} [create] `false`: refuse to create the room
 * @property {boolean} [knock] `true`: where the room lets in only who was invited, knock, and wait to be let in
 * @property {import("./link.js").WebSocketClass} [WebSocket] `globalThis.WebSocket` where absent
 * @property {boolean | import("./backoff.js").BackoffOptions} [reconnect] `false`: a lost socket ends the session
 * @property {number} [callTimeout] milliseconds for a call, and for one attempt to connect (15 000)
 * @property {number} [heartbeat] milliseconds of silence before the client asks whether the server is there (30 000); 0: never
 * @property {() => number} [random] uniform in [0, 1)
 */

/** A connection that held this long makes the next loss a first one. */
const STABLE_MS = 5_000;
/** How long `leave` waits for the server before it hangs up. */
const LEAVE_MS = 3_000;

/** @extends {Emitter<import("./wire.js").Events>} */
export class Session extends Emitter {
  #options;
  #url;
  #WebSocket;
  #token;
  #timeout;
  #view = new View();
  #calls;
  #backoff;
  /** @type {import("./wire.js").State} */
  #state = "idle";
  /** @type {string | null} */
  #secret = null;
  /** @type {Link | null} */
  #link = null;
  /** The handshake under way. @type {{ id: string, method: "join" | "resume" | "knock" } | null} */
  #handshake = null;
  /** The token shown on this socket. @type {string | undefined} */
  #shown;
  /** Whether it was knocked since `connect`: a way in that is lost is looked for anew. */
  #knocked = false;
  /** Under which id one waits to be let in. @type {string | null} */
  #waiting = null;
  /** Whether calls may go out. */
  #ready = false;
  /** @type {Promise<void> | null} */
  #leaving = null;
  /** Counts attempts to connect; what belongs to an older one is stale. */
  #turn = 0;
  #lostAt = 0;
  #joinedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {{ resolve: () => void, reject: (error: unknown) => void } | null} */
  #first = null;
  #online = () => {
    if (this.#state === "reconnecting" && !this.#link) this.#attempt();
  };

  /** @param {Options} options */
  constructor(options) {
    super();
    const random = options.random ?? Math.random;
    this.#options = { ...options };
    this.#url = endpointOf(options.url);
    this.#WebSocket = options.WebSocket ?? /** @type {any} */ (globalThis).WebSocket;
    if (!this.#WebSocket) throw new TypeError("no WebSocket here: pass one as the option `WebSocket`");
    this.#token = options.token;
    this.#timeout = options.callTimeout ?? 15_000;
    this.#calls = new Calls(this.#timeout, random);
    this.#backoff = new Backoff(typeof options.reconnect === "object" ? options.reconnect : {}, random);
  }

  /** Where the client stands. */
  get state() { return this.#state; }
  /** Own peer id; null before the first join. It changes where a lost session made the client join anew. */
  get peerId() { return this.#view.peerId; }
  /** Own participant. */
  get self() { return this.#view.self; }
  /** Whom this peer sees, himself included: one live map. @returns {ReadonlyMap<string, import("./wire.js").Participant>} */
  get participants() { return this.#view.participants; }
  get counts() { return this.#view.counts; }
  get roles() { return this.#view.roles; }
  /** The room itself; null before the first join. */
  get room() { return this.#view.room; }
  /** Pending requests: of roles, those this peer asked or is asked; of permissions, those he may see; who waits to be let in, where he may answer. */
  get requests() { return this.#view.requests; }
  /** Own subscriptions, by which end one is. */
  get subscriptions() { return this.#view.subscriptions; }
  /** What the session's peers keep together: one JSON object, replaced when it changes. @returns {Readonly<Record<string, any>>} */
  get sessionData() { return this.#view.sessionData; }
  get seq() { return this.#view.seq; }
  get epoch() { return this.#view.epoch; }

  /**
   * Connects and joins. A first attempt that fails rejects and is not repeated; later losses are, while one waits to be let in as well.
   * @returns {Promise<this>}
   */
  connect() {
    if (this.#state !== "idle" && this.#state !== "closed") {
      return Promise.reject(RolecallError.local("already-connected", `this session is ${this.#state}`));
    }
    this.#view.clear();
    this.#leaving = null;
    this.#knocked = false;
    this.#lostAt = Date.now();
    this.#backoff.reset();
    return new Promise((resolve, reject) => {
      this.#first = { resolve: () => resolve(this), reject };
      globalThis.addEventListener?.("online", this.#online);
      this.#become("connecting");
      if (this.#state === "connecting") this.#attempt();
    });
  }

  /**
   * Any call of the protocol, by its wire name.
   * @param {string} method
   * @param {object} [params]
   * @returns {Promise<any>} the `result` of the reply
   */
  call(method, params = {}) {
    if (this.#state === "idle" || this.#state === "closed" || this.#leaving) {
      return Promise.reject(RolecallError.local("not-connected", `\`${method}\` needs a connection`, { method }));
    }
    return this.#calls.make(method, params, this.#send);
  }

  /**
   * Renews the term of this session; the token is also used from now on, unless the option `token` is a function.
   * @param {string} token
   */
  async refreshToken(token) {
    const result = await this.call("refreshToken", { token });
    if (typeof this.#token !== "function") this.#token = token;
    return result;
  }

  /**
   * Leaves the room for good and settles every call. Never rejects.
   * @returns {Promise<void>}
   */
  leave() {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave() {
    if (this.#state === "idle" || this.#state === "closed") return;
    const turn = this.#turn;
    if (this.#ready) {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      const patience = new Promise((resolve) => (timer = setTimeout(resolve, Math.min(LEAVE_MS, this.#timeout))));
      const reply = this.#calls.make("leave", {}, this.#send).catch(() => {});
      await Promise.race([reply, patience]);
      clearTimeout(timer);
    }
    if (turn === this.#turn) this.#finish(1000, "left");
  }

  #send = (/** @type {string} */ text) => this.#ready && this.#link !== null && this.#link.send(text);

  // ---- connecting

  async #attempt() {
    const turn = ++this.#turn;
    if (!(await this.#present(turn))) return;
    try {
      this.#link = new Link(this.#WebSocket, this.#url, {
        onOpen: () => this.#greet(this.#secret === null ? "join" : "resume"),
        onFrame: (frame) => this.#onFrame(frame),
        onEnd: (code, reason) => this.#lost(code, reason),
        onGarbage: (error) => this.fail(error, "frame"),
      });
    } catch (error) {
      this.#lost(1006, "no-socket", error);
    }
  }

  async #askToken() {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  /** Gets a token to show, within the time of an attempt. @param {number} turn @returns {Promise<boolean>} whether to go on */
  async #present(turn) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(4002, "timeout"), this.#timeout);
    try {
      const token = await this.#askToken();
      if (turn === this.#turn) this.#shown = token;
    } catch (error) {
      if (turn !== this.#turn) return false;
      if (this.#patient) this.fail(error, "token");
      this.#lost(1006, "no-token", error);
    }
    return turn === this.#turn;
  }

  /** Whether what fails for now is tried again. */
  get #patient() {
    return !this.#first || this.#knocked;
  }

  /** The first call on a socket: take the seat again, join, or knock. @param {"join" | "resume" | "knock"} method @param {boolean} [admitted] to a name that is known */
  #greet(method, admitted) {
    const { room, name, metadata, create } = this.#options;
    const token = this.#shown;
    const params = {
      join: admitted ? { room, token, metadata } : { room, token, name, metadata, create },
      knock: { room, token, name },
      // The secret of the session is enough to resume; an old token could only spoil it.
      resume: { session: this.#secret, epoch: this.#view.epoch, seq: this.#view.seq, token: typeof this.#token === "function" ? token : undefined },
    }[method];
    this.#handshake = { id: this.#calls.nextId(), method };
    this.#link?.send(frameOf(this.#handshake.id, method, params));
  }

  /** @param {any} frame */
  #onHandshake(frame) {
    const method = /** @type {"join" | "resume" | "knock"} */ (this.#handshake?.method);
    this.#handshake = null;
    if (frame.error) return this.#onRefused(RolecallError.fromWire(frame.error, method), method);
    clearTimeout(this.#timer);
    this.#joinedAt = Date.now();
    const { heartbeat = 30_000 } = this.#options;
    if (heartbeat > 0) this.#link?.watch(heartbeat, frameOf(`${this.#calls.nextId()}-beat`, "ping", {}));
    if (method === "knock") return this.#onWaiting(frame.result.waitingId);
    if (frame.result.session) this.#secret = frame.result.session;
    this.#ready = true;
    if (method === "resume" && frame.result.resumed) this.#onResumed(frame.result);
    else this.#onJoined(frame.result, method);
  }

  /** @param {{ seq: number }} result */
  #onResumed(result) {
    this.#view.seq = Math.max(this.#view.seq, result.seq);
    this.#calls.flush(this.#send);
    this.#become("joined");
    this.emit("resumed", { resumed: true });
  }

  /** @param {any} reply @param {"join" | "resume"} method */
  #onJoined(reply, method) {
    const first = this.#first;
    // Only the room that took a call remembers its outcome: elsewhere it might be done twice.
    const remembered = method === "resume" && reply.epoch === this.#view.epoch;
    const differences = this.#view.reset(reply);
    if (!remembered) {
      this.#calls.rejectAll("connection-lost", "the session was lost, and with it the outcome", { sentOnly: true });
    }
    const doubtful = this.#calls.anySent;
    this.#calls.flush(this.#send);
    // An outcome of before may name a request that has ended since, and nobody will tell: look once more behind it.
    if (doubtful) this.call("state").catch(() => {});
    this.#first = null;
    first?.resolve();
    this.#become("joined");
    if (!first) this.#tell(differences);
    if (method === "join") this.emit("joined", reply);
    else this.emit("resumed", { resumed: false });
  }

  /** @param {string} waitingId */
  #onWaiting(waitingId) {
    this.#waiting = waitingId;
    this.#become("waiting");
    if (this.#waiting === waitingId) this.emit("waiting", { waitingId });
  }

  /** Who waited is let in, or not. @param {{ waitingId: string, admitted: boolean }} answer */
  async #onAnswered({ waitingId, admitted }) {
    if (waitingId !== this.#waiting) return;
    this.#waiting = null;
    if (!admitted) {
      return this.#finish(1000, "refused", new RolecallError({ code: 403, reason: "refused", message: "you were not let in", method: "knock", data: { waitingId } }));
    }
    // The token may have aged while one waited.
    if (await this.#present(this.#turn)) this.#greet("join", true);
  }

  /** @param {RolecallError} error @param {"join" | "resume" | "knock"} method */
  #onRefused(error, method) {
    if (method === "resume" && error.code === 410) {
      this.#secret = null;
      return this.#greet("join");
    }
    if (method === "join" && this.#options.knock && error.reason === "private" && error.data.knocking) {
      this.#knocked = true;
      return this.#greet("knock");
    }
    // The room was opened in between.
    if (method === "knock" && error.reason === "not-needed") return this.#greet("join");
    const passing = error.code === 429 || error.code === 500 || error.code === 503;
    if (passing && this.#patient) return this.#lost(4002, error.reason, error);
    const code = error.reason === "bad-token" ? 4500 : error.reason === "token-expired" ? 4501 : 1000;
    this.#finish(code, error.reason, error);
  }

  // ---- frames

  /** @param {any} frame */
  #onFrame(frame) {
    if (typeof frame.method === "string" && frame.id === undefined) return this.#onNotice(frame.method, frame.params ?? {});
    if (this.#handshake && frame.id === this.#handshake.id) return this.#onHandshake(frame);
    const call = this.#calls.take(frame.id);
    if (!call) {
      if (frame.id === null && frame.error) this.fail(RolecallError.fromWire(frame.error), "frame");
      return;
    }
    if (frame.error) {
      const error = RolecallError.fromWire(frame.error, call.method);
      this.#view.settle(call.method, call.params, undefined, error.reason);
      return call.reject(error);
    }
    this.#view.settle(call.method, call.params, frame.result);
    if (call.method === "setName" || call.method === "setMetadata") Object.assign(this.#options, call.params);
    call.resolve(frame.result);
    if (call.method === "state" && !this.#isPast(frame.result)) this.#tell(this.#view.reset(frame.result));
  }

  /** Whether the view is ahead of a state: it was asked for on an earlier socket, and is its first outcome. @param {any} reply */
  #isPast({ epoch, seq }) {
    return epoch === this.#view.epoch && seq < this.#view.seq;
  }

  /** @param {string} method @param {any} params */
  #onNotice(method, params) {
    const { seq } = params;
    if (typeof seq === "number") {
      // What precedes a join's reply is in that reply; what has been told is not told again.
      if (this.#handshake?.method === "join" || seq <= this.#view.seq) return;
      this.#view.seq = seq;
    }
    let told = params;
    try {
      told = this.#view.apply(method, params);
    } catch (error) {
      this.fail(error, method);
    }
    this.emit("notice", { method, params });
    if (NOTICES.has(method)) this.emit(/** @type {any} */ (method), told);
    if (method === "waiting-answered") void this.#onAnswered(params);
    if (method === "token-expiring" && typeof this.#token === "function") void this.#renew();
  }

  async #renew() {
    try {
      const token = await this.#askToken();
      if (token !== undefined && this.#state !== "closed") await this.refreshToken(token);
    } catch (error) {
      this.fail(error, "token-expiring");
    }
  }

  /** @param {import("./view.js").Difference[]} differences */
  #tell(differences) {
    for (const { name, params } of differences) this.emit(name, params);
  }

  // ---- losing and ending

  /** The socket, or the attempt to get one, is gone. @param {number} code @param {string} text @param {unknown} [cause] */
  #lost(code, text, cause) {
    const reason = code === 4002 && text ? text : closeReason(code, text);
    this.#unlink(4002);
    if (this.#leaving) return this.#finish(1000, "left");
    if (!this.#patient) {
      const message = `could not connect: ${code} ${reason}`;
      return this.#finish(code, reason, asError(cause) ?? RolecallError.local("connection-failed", message, { data: { code, reason }, cause }));
    }
    // An expired token leaves the seat for the grace, and a token function can take it again.
    const renewable = code === 4501 && typeof this.#token === "function";
    if (this.#options.reconnect === false || (isFinal(code) && !renewable)) return this.#finish(code, reason, asError(cause), wordsOf(code, text));
    if (this.#state === "joined" || this.#state === "waiting") {
      this.#lostAt = Date.now();
      if (this.#lostAt - this.#joinedAt >= STABLE_MS) this.#backoff.reset();
    }
    const delay = this.#backoff.next(Date.now() - this.#lostAt);
    if (delay === null) return this.#finish(code, "gave-up", asError(cause));
    const turn = this.#turn;
    this.#timer = setTimeout(() => this.#attempt(), delay);
    this.#become("reconnecting");
    if (turn === this.#turn) this.emit("reconnecting", { attempt: this.#backoff.attempt, delay, code, reason });
  }

  /** @param {number} code @param {string} reason @param {RolecallError} [error] @param {string} [text] what somebody said about it */
  #finish(code, reason, error, text) {
    if (this.#state === "closed") return;
    const first = this.#first;
    this.#first = null;
    this.#secret = null;
    this.#unlink(1000);
    globalThis.removeEventListener?.("online", this.#online);
    this.#calls.rejectAll("closed", `the connection closed: ${code} ${reason}`, { cause: error });
    this.#become("closed");
    this.emit("closed", { code, reason, willReconnect: false, ...(text && { text }), ...(error && { error }) });
    first?.reject(error ?? RolecallError.local("closed", `the connection closed: ${code} ${reason}`));
  }

  /** @param {number} code what the socket is closed with, where it still lives */
  #unlink(code) {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#ready = false;
    this.#handshake = null;
    this.#waiting = null;
    this.#link?.end(code);
    this.#link = null;
  }

  /** @param {import("./wire.js").State} state */
  #become(state) {
    const previous = this.#state;
    if (previous === state) return;
    this.#state = state;
    this.emit("state", { state, previous });
  }
}

/** @param {unknown} cause */
function asError(cause) {
  return cause instanceof RolecallError ? cause : undefined;
}

/** Where a server's sockets are. @param {string | undefined} url */
export function endpointOf(url) {
  const origin = /** @type {any} */ (globalThis).location?.origin;
  if (url === undefined && !origin) throw new TypeError("no page here: pass the server's address as the option `url`");
  const endpoint = new URL(url ?? origin);
  const scheme = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[endpoint.protocol];
  if (!scheme) throw new TypeError(`\`${url}\` is no http(s):// or ws(s):// address`);
  endpoint.protocol = scheme;
  endpoint.hash = "";
  if (endpoint.pathname === "/") endpoint.pathname = "/v1/connect";
  return endpoint.href;
}
