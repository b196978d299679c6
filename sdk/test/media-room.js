/** @file A room without a server for the tests of media: peers, their rights, and subscriptions by the law of the protocol. */

import { Emitter } from "../emitter.js";
import { RolecallError } from "../error.js";
import { KINDS, mayReceive } from "../media/kinds.js";
import { View } from "../view.js";
import { participant, refusal } from "./fake-server.js";

/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {{ id: string, from: string, to: string, tracks: TrackKind[] }} Subscription `from` sends */

const OFF = Object.fromEntries(KINDS.map((kind) => [kind, "off"]));

export class MediaRoom {
  meshMax = 12;
  iceServers = [{ urls: ["stun:stun.example"] }];
  /** @type {Map<string, any>} */
  participants = new Map();
  /** @type {Map<string, Seat>} */
  seats = new Map();
  /** @type {Map<string, Subscription>} */
  subscriptions = new Map();
  /** Calls that reached the room, as `who method`. @type {string[]} */
  calls = [];
  /** Signals that were relayed, as they went. @type {{ to: string, data: any }[]} */
  signals = [];
  /** What calls are refused with, by method, one after the other. @type {Record<string, any[]>} */
  refusals = {};
  seq = 0;
  #ids = 0;

  /** A peer who may send and receive everything, and is joined. @param {string} peerId @param {object} [fields] */
  join(peerId, fields = {}) {
    const canSend = [...KINDS];
    const permissions = { hasPresence: true, canSend, canReceive: { base: true }, canAdmin: [] };
    const seat = new Seat(this, peerId);
    this.seats.set(peerId, seat);
    this.#put(participant(peerId, { permissions, tracks: { ...OFF }, ...fields }));
    seat.reset();
    return seat;
  }

  /** Changes what a peer may; a track he may not send is blocked, one he may again is off. @param {string} peerId @param {object} permissions */
  allow(peerId, permissions) {
    const before = this.participants.get(peerId);
    const after = { ...before, permissions: { ...before.permissions, ...permissions }, tracks: { ...before.tracks } };
    for (const kind of KINDS) {
      const may = after.permissions.hasPresence && after.permissions.canSend.includes(kind);
      after.tracks[kind] = !may ? "blocked" : after.tracks[kind] === "blocked" ? "off" : after.tracks[kind];
    }
    this.#put(after);
  }

  /** Turns tracks on or off, whoever does it. @param {string} peerId @param {Partial<Record<TrackKind, boolean>>} tracks */
  tracks(peerId, tracks) {
    const before = this.participants.get(peerId);
    const now = Object.fromEntries(Object.entries(tracks).map(([kind, on]) => [kind, on ? "on" : "off"]));
    this.#put({ ...before, tracks: { ...before.tracks, ...now } });
  }

  /** @param {string} peerId */
  leave(peerId) {
    const seat = this.seats.get(peerId);
    const gone = this.participants.get(peerId);
    this.participants.delete(peerId);
    this.seats.delete(peerId);
    for (const other of this.seats.values()) {
      if (gone.permissions.hasPresence) other.tell("participant-left", { peerId, userId: gone.userId, reason: "left" });
    }
    this.#law();
    this.#count();
    seat?.end();
  }

  /** The socket of a peer is lost. @param {string} peerId */
  lose(peerId) {
    /** @type {Seat} */ (this.seats.get(peerId)).state = "reconnecting";
    this.#put({ ...this.participants.get(peerId), connected: false }, ["connected"]);
  }

  /** And found again. @param {string} peerId @param {boolean} [resumed] whether what was missed can be told */
  find(peerId, resumed = true) {
    const seat = /** @type {Seat} */ (this.seats.get(peerId));
    this.#put({ ...this.participants.get(peerId), connected: true }, ["connected"]);
    seat.back(resumed);
  }

  /** @param {any} after @param {string[]} [changed] */
  #put(after, changed = ["tracks", "permissions"]) {
    const { peerId } = after;
    const before = this.participants.get(peerId);
    this.participants.set(peerId, after);
    for (const seat of this.seats.values()) {
      const saw = before && (before.permissions.hasPresence || seat.peerId === peerId);
      const sees = after.permissions.hasPresence || seat.peerId === peerId;
      if (saw && !sees) seat.tell("participant-left", { peerId, userId: after.userId, reason: "hidden" });
      else if (!saw && sees) seat.tell("participant-joined", { participant: after });
      else if (sees) seat.tell("participant-updated", { participant: after, changed, by: null });
    }
    this.#law();
    if (!before || before.permissions.hasPresence !== after.permissions.hasPresence) this.#count();
  }

  counts() {
    const present = [...this.participants.values()].filter(({ permissions }) => permissions.hasPresence).length;
    return { present, hidden: this.participants.size - present };
  }

  #count() {
    for (const seat of this.seats.values()) seat.tell("counts-updated", this.counts());
  }

  /** @param {string} from @param {string} to @param {TrackKind} kind */
  #may(from, to, kind) {
    const sender = this.participants.get(from);
    const { hasPresence, canSend } = sender.permissions;
    return hasPresence && canSend.includes(kind) && mayReceive(this.participants.get(to), sender, kind);
  }

  /** Takes from every subscription what is not allowed any more, and tells both ends. */
  #law() {
    for (const subscription of [...this.subscriptions.values()]) {
      const { id, from, to } = subscription;
      const stands = this.participants.has(from) && this.participants.has(to) && this.participants.size <= this.meshMax;
      const tracks = stands ? subscription.tracks.filter((kind) => this.#may(from, to, kind)) : [];
      if (tracks.length === subscription.tracks.length) continue;
      subscription.tracks = tracks;
      if (tracks.length === 0) this.subscriptions.delete(id);
      this.#tellEnds(id, from, to, tracks);
    }
  }

  /** @param {string} subscriptionId @param {string} from @param {string} to @param {TrackKind[]} tracks */
  #tellEnds(subscriptionId, from, to, tracks) {
    this.seats.get(to)?.tell("subscription-updated", { subscriptionId, peerId: from, tracks });
    this.seats.get(from)?.tell("subscriber-updated", { subscriptionId, tracks });
  }

  // ---- calls

  /** @param {string} who @param {string} method @param {any} params */
  answer(who, method, params) {
    this.calls.push(`${who} ${method}`);
    const refused = this.refusals[method]?.shift();
    if (refused) throw refusal(refused.code, refused.reason, refused.data);
    if (method === "media") return { meshMax: this.meshMax, iceServers: this.iceServers };
    if (method === "subscribe") return this.#subscribe(who, params);
    const subscription = this.subscriptions.get(params.subscriptionId);
    if (!subscription || (subscription.from !== who && subscription.to !== who)) throw refusal(404, "unknown-subscription");
    const { id, from, to } = subscription;
    const other = this.seats.get(who === from ? to : from);
    if (method === "unsubscribe") {
      this.subscriptions.delete(id);
      this.#tellEnds(id, from, to, []);
    } else {
      const data = JSON.parse(JSON.stringify(params.data));
      this.signals.push({ to: who === from ? to : from, data });
      if (other?.state === "joined") other.hear("subscription-signal", { subscriptionId: id, data });
    }
    return {};
  }

  /** @param {string} to @param {{ peerId: string, tracks: TrackKind[] }} params */
  #subscribe(to, { peerId: from, tracks }) {
    if (this.participants.size > this.meshMax) throw refusal(403, "no-mesh", { limit: this.meshMax });
    const sender = this.participants.get(from);
    if (!sender?.permissions.hasPresence) throw refusal(404, "unknown-peer");
    const lacking = tracks.find((kind) => !this.#may(from, to, kind));
    if (lacking) throw refusal(403, "not-allowed", { track: lacking });
    const known = [...this.subscriptions.values()].find((one) => one.from === from && one.to === to);
    const id = known?.id ?? `sub-${(this.#ids += 1)}`;
    this.subscriptions.set(id, { id, from, to, tracks: [...tracks] });
    this.#tellEnds(id, from, to, tracks);
    return { subscriptionId: id, tracks };
  }
}

/** One peer's view of the room, with the calls of a `Rolecall`. @extends {Emitter<any>} */
class Seat extends Emitter {
  /** @type {import("../wire.js").State} */
  state = "joined";
  #room;
  #view = new View();
  /** @type {any[]} */
  #missed = [];
  /** Notices and replies reach a peer in order. */
  #line = Promise.resolve();

  /** @param {MediaRoom} room @param {string} peerId */
  constructor(room, peerId) {
    super();
    this.#room = room;
    this.peerId = peerId;
  }

  get self() { return this.#view.self; }
  get participants() { return this.#view.participants; }
  get counts() { return this.#view.counts; }
  get subscriptions() { return this.#view.subscriptions; }

  /** The view starts anew from what the room is. */
  reset() {
    const { participants, subscriptions, seq } = this.#room;
    const own = [...subscriptions.values()];
    return this.#view.reset(/** @type {any} */ ({
      peerId: this.peerId,
      seq,
      room: { cid: "default:demo" },
      roles: {},
      participants: [...participants.values()].filter(({ peerId, permissions }) => permissions.hasPresence || peerId === this.peerId),
      counts: this.#room.counts(),
      requests: { role: [], permission: [] },
      subscriptions: {
        receiving: own.filter(({ to }) => to === this.peerId).map(({ id, from, tracks }) => ({ subscriptionId: id, peerId: from, tracks })),
        sending: own.filter(({ from }) => from === this.peerId).map(({ id, tracks }) => ({ subscriptionId: id, tracks })),
      },
    }));
  }

  /** A notice that is kept for whoever is away. @param {string} method @param {any} params */
  tell(method, params) {
    this.#room.seq += 1;
    if (this.state === "reconnecting") this.#missed.push([method, params]);
    else this.hear(method, params);
  }

  /** @param {string} method @param {any} params */
  hear(method, params) {
    this.#line = this.#line.then(() => {
      this.emit(method, this.#view.apply(method, params));
    });
  }

  /** @param {boolean} resumed */
  back(resumed) {
    const missed = this.#missed.splice(0);
    this.#line = this.#line.then(() => {
      if (resumed) for (const [method, params] of missed) this.emit(method, this.#view.apply(method, params));
      const differences = resumed ? [] : this.reset();
      this.state = "joined";
      for (const { name, params } of differences) this.emit(name, params);
      this.emit("resumed", { resumed });
    });
  }

  end() {
    this.#line = this.#line.then(() => {
      this.state = "closed";
      this.emit("closed", { code: 1000, reason: "left", willReconnect: false });
    });
  }

  /** @param {string} method @param {any} params @returns {Promise<any>} */
  #call(method, params) {
    if (this.state !== "joined") return Promise.reject(RolecallError.local("not-connected", method));
    /** @type {any} */
    let result;
    /** @type {any} */
    let error;
    try {
      result = this.#room.answer(this.peerId, method, params);
    } catch (thrown) {
      error = RolecallError.fromWire(/** @type {any} */ (thrown).wire ?? { code: 500, message: String(thrown) }, method);
    }
    return new Promise((resolve, reject) => {
      this.#line = this.#line.then(() => {
        this.#view.settle(method, params, result, error?.reason);
        if (error) reject(error);
        else resolve(result);
      });
    });
  }

  /** @param {string} peerId @param {TrackKind[]} tracks */
  subscribe(peerId, tracks) {
    return this.#call("subscribe", { peerId, tracks });
  }
  /** @param {string} subscriptionId */
  unsubscribe(subscriptionId) {
    return this.#call("unsubscribe", { subscriptionId });
  }
  /** @param {string} subscriptionId @param {any} data */
  signalSubscription(subscriptionId, data) {
    return this.#call("signalSubscription", { subscriptionId, data });
  }
  media() {
    return this.#call("media", {});
  }
}
