/** @file A small scripted server of the protocol for the client's tests: it seats, journals, replays and can be told to misbehave. */

import { once } from "node:events";
import { WebSocketServer } from "ws";

/**
 * @typedef {object} Seat
 * @property {string} peerId
 * @property {string} secret
 * @property {any[]} journal every notice told or due, in order
 * @property {Map<any, string>} outcomes first outcome of every call, by id
 * @property {import("ws").WebSocket | null} socket
 */

/**
 * @typedef {object} Waiter
 * @property {import("../wire.js").Waiting} waiting
 * @property {import("ws").WebSocket} socket
 * @property {boolean} admitted
 */

/** A whole participant. @param {string} peerId @param {object} [fields] @returns {any} */
export function participant(peerId, fields = {}) {
  return {
    peerId,
    userId: `user-${peerId}`,
    name: peerId.toUpperCase(),
    role: "guest",
    owner: false,
    joinedAt: "2026-01-01T00:00:00.000Z",
    metadata: null,
    permissions: { hasPresence: true, canSend: ["audio"], canReceive: { base: true }, canAdmin: [] },
    capabilities: ["send-audio"],
    tracks: { audio: "off", video: "blocked", screenVideo: "blocked", screenAudio: "blocked", customVideo: "blocked", customAudio: "off" },
    handRaised: false,
    connected: true,
    ...fields,
  };
}

/** An error for a handler to throw. @param {number} code @param {string} reason @param {object} [data] */
export function refusal(code, reason, data = {}) {
  return Object.assign(new Error(reason), { wire: { code, message: reason, data: { reason, ...data } } });
}

export class FakeServer {
  epoch = "epoch-1";
  seq = 0;
  /** Whether sockets are let in. */
  open = true;
  /** The next resumes find no journal. */
  shortJournal = false;
  /** Frames sent right before the next reply to a join. @type {any[]} */
  prelude = [];
  /** After how many notices the next replay is cut. @type {number | null} */
  cutReplay = null;
  /** Whether replies and notices reach the sockets, or only the journal. */
  deaf = false;
  /** What the next handshake is refused with. @type {any} */
  refuseNext = null;
  /** What new peers look like. @type {object} */
  newcomer = { capabilities: ["send-audio", "update-call-permissions"] };
  /** Where it is set, nobody comes in without a token, and `knocking` says whether one may knock. @type {{ knocking: boolean } | null} */
  door = null;
  /** Who knocked, by waiting id. @type {Map<string, Waiter>} */
  waiters = new Map();
  /** @type {Map<string, any>} */
  peers = new Map();
  /** @type {Map<string, Seat>} */
  seats = new Map();
  room = { cid: "default:demo", team: null, callType: "default", createdBy: "ann", custom: {}, endedAt: null, backstage: false };
  requests = { role: [], permission: [] };
  subscriptions = { receiving: [], sending: [] };
  /** @type {{ method: string, params: any }[]} */
  handshakes = [];
  /** Calls that were carried out. @type {{ id: any, method: string, params: any }[]} */
  calls = [];
  /** @type {Record<string, (params: any, seat: Seat) => any>} */
  handlers = { answerWaiting: ({ waitingId, admit }, seat) => this.answer(waitingId, admit, seat.peerId) };
  #ids = 0;
  /** @type {WebSocketServer} */
  #sockets;

  constructor() {
    this.#sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", verifyClient: () => this.open });
    this.#sockets.on("connection", (socket) => {
      /** @type {Seat | null} */
      let seat = null;
      socket.on("message", (data) => {
        seat = this.#receive(socket, seat, JSON.parse(data.toString()));
      });
      socket.on("close", (code) => {
        this.#unwait(this.#waiterOf(socket), "left");
        if (!seat || seat.socket !== socket) return;
        seat.socket = null;
        if (code === 1000 || code === 1001) this.unseat(seat, "left");
      });
    });
  }

  static async start() {
    const server = new FakeServer();
    await once(server.#sockets, "listening");
    return server;
  }

  get url() {
    return `ws://127.0.0.1:${/** @type {any} */ (this.#sockets.address()).port}`;
  }

  get sockets() {
    return this.#sockets.clients;
  }

  /** The seat taken last. @returns {Seat} */
  get seat() {
    return /** @type {Seat} */ ([...this.seats.values()].at(-1));
  }

  async stop() {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise((resolve) => this.#sockets.close(resolve));
  }

  // ---- the door

  /** Lets in who knocked, or not. @param {string} waitingId @param {boolean} admit @param {string} [by] */
  answer(waitingId, admit, by = "server") {
    const waiter = this.waiters.get(waitingId);
    if (!waiter || waiter.admitted) throw refusal(404, "unknown-waiting");
    this.#unwait(waiter, admit ? "admitted" : "refused", by);
    waiter.admitted = admit;
    if (admit) this.waiters.set(waitingId, waiter);
    this.#tellWaiter(waiter, { waitingId, admitted: admit, ...(admit && { expiresAt: "2026-01-01T00:01:00.000Z" }) });
  }

  /** @param {import("ws").WebSocket} socket */
  #waiterOf(socket) {
    return [...this.waiters.values()].find((waiter) => waiter.socket === socket);
  }

  /** @param {Waiter} waiter @param {object} params */
  #tellWaiter(waiter, params) {
    if (!this.deaf) waiter.socket.send(JSON.stringify({ jsonrpc: "2.0", method: "waiting-answered", params }));
  }

  /** @param {import("ws").WebSocket} socket @param {any} params */
  #knock(socket, { name }) {
    if (!this.door) throw refusal(409, "not-needed");
    if (!this.door.knocking) throw refusal(403, "private", { knocking: false });
    if (this.#waiterOf(socket)) throw refusal(409, "already-waiting");
    const waitingId = `waiting-${(this.#ids += 1)}`;
    /** @type {Waiter} */
    const waiter = { waiting: { waitingId, userId: waitingId, name: name ?? "", since: "2026-01-01T00:00:00.000Z" }, socket, admitted: false };
    this.waiters.set(waitingId, waiter);
    for (const seat of this.#holders()) this.tell(seat, "waiting-updated", { waiting: waiter.waiting });
    return { waitingId };
  }

  /** @param {Waiter | undefined} waiter @param {string} outcome @param {string | null} [by] */
  #unwait(waiter, outcome, by = null) {
    if (!waiter) return;
    const { waitingId } = waiter.waiting;
    this.waiters.delete(waitingId);
    if (waiter.admitted) return;
    for (const seat of this.#holders()) this.tell(seat, "waiting-left", { waitingId, outcome, by });
  }

  #waitingList() {
    return [...this.waiters.values()].filter(({ admitted }) => !admitted).map(({ waiting }) => waiting);
  }

  #holders() {
    return [...this.seats.values()].filter((seat) => this.#holds(seat));
  }

  /** @param {Seat} seat @returns {boolean} */
  #holds(seat) {
    return this.peers.get(seat.peerId)?.capabilities.includes("update-call-permissions") ?? false;
  }

  // ---- the room

  /** Tells one seat, journaled. @param {Seat} seat @param {string} method @param {any} params */
  tell(seat, method, params) {
    this.seq += 1;
    const notice = { jsonrpc: "2.0", method, params: { ...params, seq: this.seq, at: "2026-01-01T00:00:00.000Z" } };
    seat.journal.push(notice);
    this.send(seat, notice);
  }

  /** Sends as it is, not journaled. @param {Seat} seat @param {any} frame */
  send(seat, frame) {
    if (!this.deaf) seat.socket?.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** @param {Seat} seat @param {any} peer */
  sees(seat, peer) {
    const self = this.peers.get(seat.peerId);
    return peer.peerId === seat.peerId || peer.permissions.hasPresence || self.capabilities.includes("update-call-permissions");
  }

  /** Puts a peer in its new shape and tells everyone what he sees of it. @param {any} peer @param {string[]} [changed] @param {string | null} [by] */
  put(peer, changed = ["role"], by = "server") {
    const before = this.peers.get(peer.peerId);
    const held = before?.capabilities.includes("update-call-permissions");
    const saw = new Map([...this.seats.values()].map((seat) => [seat, before && this.peers.has(seat.peerId) && this.sees(seat, before)]));
    this.peers.set(peer.peerId, peer);
    for (const seat of this.seats.values()) {
      const sees = this.sees(seat, peer);
      if (saw.get(seat) && !sees) this.tell(seat, "participant-left", { peerId: peer.peerId, userId: peer.userId, reason: "hidden" });
      else if (!saw.get(seat) && sees) this.tell(seat, "participant-joined", { participant: peer });
      else if (sees) this.tell(seat, "participant-updated", { participant: peer, changed, by });
      if (seat.peerId === peer.peerId) this.#showHidden(seat, held);
    }
    this.#count();
  }

  /** Tells whom a seat sees more or less of by what it now holds. @param {Seat} seat @param {boolean} held */
  #showHidden(seat, held) {
    const holds = this.#holds(seat);
    if (holds === held) return;
    for (const waiting of this.#waitingList()) {
      if (holds) this.tell(seat, "waiting-updated", { waiting });
      else this.tell(seat, "waiting-left", { waitingId: waiting.waitingId, outcome: "hidden", by: null });
    }
    for (const peer of this.peers.values()) {
      if (peer.permissions.hasPresence || peer.peerId === seat.peerId) continue;
      if (holds) this.tell(seat, "participant-joined", { participant: peer });
      else this.tell(seat, "participant-left", { peerId: peer.peerId, userId: peer.userId, reason: "hidden" });
    }
  }

  /** @param {string} peerId @param {string} reason */
  remove(peerId, reason) {
    const peer = this.peers.get(peerId);
    if (!peer) return;
    for (const seat of this.seats.values()) {
      if (this.sees(seat, peer)) this.tell(seat, "participant-left", { peerId, userId: peer.userId, reason });
    }
    this.peers.delete(peerId);
    this.#count();
  }

  /** @param {Seat} seat @param {string} reason */
  unseat(seat, reason) {
    this.seats.delete(seat.secret);
    this.remove(seat.peerId, reason);
  }

  counts() {
    const hidden = [...this.peers.values()].filter((peer) => !peer.permissions.hasPresence).length;
    return { present: this.peers.size - hidden, hidden };
  }

  #count() {
    for (const seat of this.seats.values()) this.tell(seat, "counts-updated", this.counts());
  }

  /** The join reply as that seat sees the room now. @param {Seat} seat */
  snapshot(seat) {
    return {
      peerId: seat.peerId,
      session: seat.secret,
      epoch: this.epoch,
      seq: this.seq,
      room: this.room,
      roles: {},
      participants: [...this.peers.values()].filter((peer) => this.sees(seat, peer)),
      counts: this.counts(),
      requests: { ...this.requests, waiting: this.#holds(seat) ? this.#waitingList() : [] },
      subscriptions: this.subscriptions,
      protocol: "rolecall.v1",
      version: "0.0.0",
    };
  }

  // ---- frames

  /**
   * @param {import("ws").WebSocket} socket
   * @param {Seat | null} seat
   * @param {any} frame
   * @returns {Seat | null}
   */
  #receive(socket, seat, frame) {
    const { id, method, params } = frame;
    const reply = (/** @type {object} */ body) => socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...body }));
    if (seat) {
      this.#answer(seat, frame);
      return seat;
    }
    this.handshakes.push({ method, params });
    if (this.refuseNext) {
      const { close, ...error } = this.refuseNext;
      this.refuseNext = null;
      if (error.code) reply({ error });
      if (close) socket.close(close);
      return null;
    }
    if (method === "access") {
      const door = params.token ? null : this.door;
      const error = door && refusal(403, "private", { knocking: door.knocking }).wire;
      reply({ result: { access: door ? (door.knocking ? "lobby" : "none") : "full", error } });
      return null;
    }
    if (method === "knock" || method === "ping" || method === "leave") {
      try {
        if (method === "leave") this.#unwait(this.#waiterOf(socket), "left");
        reply({ result: method === "knock" ? this.#knock(socket, params) : {} });
      } catch (error) {
        reply({ error: /** @type {any} */ (error).wire });
      }
      return null;
    }
    if (method === "join") {
      const waiter = this.#waiterOf(socket);
      if (this.door && !params.token && !waiter?.admitted) {
        reply({ error: refusal(403, "private", { knocking: this.door.knocking }).wire });
        return null;
      }
      if (waiter) this.waiters.delete(waiter.waiting.waitingId);
      const taken = this.#seat(waiter ? { ...params, name: waiter.waiting.name } : params, waiter?.waiting.waitingId);
      taken.socket = socket;
      for (const early of this.prelude.splice(0)) this.send(taken, early);
      reply({ result: this.snapshot(taken) });
      return taken;
    }
    const known = this.seats.get(params.session);
    if (!known) {
      reply({ error: { code: 410, message: "the session is gone", data: { reason: "session-gone" } } });
      return null;
    }
    known.socket?.close(4504);
    known.socket = socket;
    if (this.shortJournal || params.epoch !== this.epoch) {
      reply({ result: { resumed: false, ...this.snapshot(known) } });
      return known;
    }
    for (const notice of known.journal.filter((due) => due.params.seq > params.seq)) {
      if (this.cutReplay === 0) {
        this.cutReplay = null;
        socket.close(4000);
        return known;
      }
      if (this.cutReplay !== null) this.cutReplay -= 1;
      socket.send(JSON.stringify(notice));
    }
    reply({ result: { resumed: true, peerId: known.peerId, seq: this.seq } });
    return known;
  }

  /** @param {any} params @param {string} [waitingId] @returns {Seat} */
  #seat(params, waitingId) {
    this.#ids += 1;
    const peerId = waitingId ?? `self-${this.#ids}`;
    /** @type {Seat} */
    const seat = { peerId, secret: `secret-${this.#ids}`, journal: [], outcomes: new Map(), socket: null };
    this.put(participant(peerId, { ...this.newcomer, name: params.name ?? null, metadata: params.metadata ?? null }));
    this.seats.set(seat.secret, seat);
    return seat;
  }

  /** @param {Seat} seat @param {any} frame */
  #answer(seat, { id, method, params }) {
    const first = seat.outcomes.get(id);
    if (first !== undefined) return this.send(seat, first);
    this.calls.push({ id, method, params });
    let body;
    try {
      if (method === "leave") this.unseat(seat, "left");
      const result = method === "state" ? this.snapshot(seat) : this.handlers[method]?.(params, seat);
      if (result === SILENT) return;
      body = { result: result ?? {} };
    } catch (error) {
      body = { error: /** @type {any} */ (error).wire };
    }
    const outcome = JSON.stringify({ jsonrpc: "2.0", id, ...body });
    seat.outcomes.set(id, outcome);
    this.send(seat, outcome);
    if (method === "leave" && !this.deaf) seat.socket?.close(1000);
  }
}

/** What a handler returns to give no reply. */
export const SILENT = Symbol("silent");
