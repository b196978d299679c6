/** @file All that a client hears in a walk, held against what it should: each notice once and in order, a view that is the server's, events that add up to it. */

import assert from "node:assert/strict";
import WebSocket from "ws";

/** @typedef {import("../rolecall.js").Rolecall} Rolecall */
/** @typedef {{ method: string, params: any }} Notice */

/** What of a join reply is to be seen in a client. */
const SEEN = /** @type {const} */ (["peerId", "epoch", "seq", "room", "roles", "counts"]);

export class Ear {
  /** @type {Rolecall | null} */
  #client = null;
  /** The last `seq` on the wire, before the client could drop a repeated one. */
  #wireSeq = 0;
  #seq = 0;
  /** @type {Promise<any> | null} */
  #looking = null;
  /** Whether the view was rebuilt: the next `state` may mend what was asked before. */
  #doubt = false;
  /** Whether the server may forget what was missed, so that the client rebuilds its view. */
  #rebuilds;
  /** @type {Notice[]} */
  notices = [];
  /** Whether each resume told what was missed. @type {boolean[]} */
  resumed = [];
  /** What should not have been. @type {string[]} */
  wrongs = [];
  /** The `seq` of the join reply. */
  joinedAt = 0;
  /** How often the view was compared with the server's `state`. */
  looks = 0;
  /** How often the requests, too. */
  requestLooks = 0;
  /** Calls under way that ask or answer: until its reply is here, only the server knows what such a call has done. */
  asking = 0;
  /** Participants as the events alone tell them. @type {Map<string, any>} */
  mirror = new Map();
  /** A class of sockets at which this ear listens. */
  WebSocket;

  /** @param {{ rebuilds?: boolean }} [options] */
  constructor({ rebuilds = false } = {}) {
    this.#rebuilds = rebuilds;
    const hear = this.#hear.bind(this);
    this.WebSocket = class extends WebSocket {
      /** @param {string} url @param {string | string[]} [protocols] */
      constructor(url, protocols) {
        super(url, protocols);
        this.on("message", (data) => hear(JSON.parse(String(data))));
      }
    };
  }

  /** Listens to a client that was made with this ear's `WebSocket`. @param {Rolecall} client */
  of(client) {
    this.#client = client;
    client.on("notice", (notice) => {
      this.notices.push(notice);
      const { seq } = notice.params;
      if (typeof seq !== "number") return;
      if (seq <= this.#seq) this.wrongs.push(`${notice.method} of ${seq} after ${this.#seq}`);
      this.#seq = seq;
    });
    client.on("joined", (reply) => {
      if (this.joinedAt) this.wrongs.push("joined anew");
      this.joinedAt = this.#seq = reply.seq;
      for (const participant of reply.participants) this.mirror.set(participant.peerId, participant);
    });
    client.on("resumed", ({ resumed }) => {
      this.resumed.push(resumed);
      if (!resumed) {
        this.#seq = client.seq;
        this.#doubt = true;
      }
      if (!resumed && !this.#rebuilds) this.wrongs.push("told the state anew, not what was missed");
    });
    client.on("error", ({ error, event }) => this.wrongs.push(`${event}: ${error}`));
    client.on("participant-joined", (params) => {
      this.#expect("participant-joined", params, params.participant.peerId, false);
      this.mirror.set(params.participant.peerId, params.participant);
    });
    client.on("participant-updated", (params) => {
      this.#expect("participant-updated", params, params.participant.peerId, true);
      this.mirror.set(params.participant.peerId, params.participant);
    });
    client.on("participant-left", (params) => {
      this.#expect("participant-left", params, params.peerId, true);
      // Whoever hides himself still sees himself.
      if (!(params.reason === "hidden" && params.peerId === client.peerId)) this.mirror.delete(params.peerId);
    });
    for (const name of /** @type {const} */ (["counts-updated", "room-updated", "subscription-updated", "subscriber-updated"])) {
      client.on(name, (params) => this.#expect(name, params));
    }
    return this;
  }

  /** Asks for the server's `state`, to be compared; once, while an earlier question is open. */
  look() {
    this.#looking ??= /** @type {Rolecall} */ (this.#client).refreshState().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** What is wrong with it by now, the mirror included. */
  verdict() {
    const there = this.#client?.participants.values() ?? [];
    assert.deepEqual(byPeer(this.mirror.values()), byPeer(there), "the events add up to what is seen");
    return this.wrongs;
  }

  /** @param {string} name @param {any} params @param {string} [peerId] @param {boolean} [should] whether he should be known */
  #expect(name, { synthesized, seq }, peerId, should) {
    if (synthesized && !this.#rebuilds) this.wrongs.push(`${name} found by \`state\` only`);
    if (peerId && this.mirror.has(peerId) !== should) this.wrongs.push(`${name} of ${peerId}, at ${seq}, who was ${should ? "not " : ""}there`);
  }

  /** A frame, before the client has it. @param {any} frame */
  #hear({ method, params, result }) {
    if (result?.session && "resumed" in result === false && this.#client?.state === "joined") this.#look(result);
    if (result?.session) this.#wireSeq = result.seq;
    if (!method || typeof params?.seq !== "number") return;
    if (params.seq <= this.#wireSeq) this.wrongs.push(`the server repeats ${method} of ${params.seq} after ${this.#wireSeq}`);
    this.#wireSeq = params.seq;
  }

  /** A reply to `state`: what the client holds at this moment should be the same. @param {any} reply */
  #look(reply) {
    const client = /** @type {any} */ (this.#client);
    this.looks += 1;
    try {
      for (const field of SEEN) if (field !== "seq") assert.deepEqual(client[field], reply[field], field);
      // Its own `seq` is the last that was told to this client; the room's may be ahead by what others are told.
      assert.ok(client.seq <= reply.seq, `seq ${client.seq} is beyond the server's ${reply.seq}`);
      assert.deepEqual(byPeer(client.participants.values()), byPeer(reply.participants), "participants");
      for (const end of ["receiving", "sending"]) assert.deepEqual(byId(client.subscriptions[end], ""), byId(reply.subscriptions[end], ""), `subscriptions.${end}`);
      if (this.asking > 0) return;
      if (this.#doubt) {
        this.#doubt = false;
        return;
      }
      this.requestLooks += 1;
      for (const kind of ["role", "permission"]) assert.deepEqual(byId(client.requests[kind], client.peerId), byId(reply.requests[kind], client.peerId), `requests.${kind}`);
    } catch (error) {
      this.wrongs.push(`the view is not the server's: ${/** @type {Error} */ (error).message}`);
    }
  }
}

/** @param {Iterable<any>} participants */
export function byPeer(participants) {
  return [...participants].sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
}

/** @param {any} one @returns {string} */
function idOf({ requestId, subscriptionId }) {
  return requestId ?? subscriptionId;
}

/**
 * Requests, or subscriptions, in order. Which name of one's own stood when the server took a request, its reply does not say.
 * @param {any[]} requests
 * @param {string} self
 */
function byId(requests, self) {
  const nameless = (/** @type {any} */ who) => (who?.peerId === self ? { ...who, name: undefined } : who);
  return requests.map((request) => ({ ...request, by: nameless(request.by), from: nameless(request.from) })).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}
