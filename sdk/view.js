/** @file What this peer knows of the room: a reducer over join replies, notices and replies to own calls. No socket, clock or randomness. */

/** @typedef {import("./wire.js").Participant} Participant */
/** @typedef {import("./wire.js").JoinReply} JoinReply */
/** @typedef {import("./wire.js").PeerRef} PeerRef */
/** @typedef {{ name: "participant-joined" | "participant-updated" | "participant-left" | "counts-updated" | "room-updated" | "session-data-updated" | "subscription-updated" | "subscriber-updated", params: any }} Difference */
/** @typedef {import("./wire.js").Subscriptions} Subscriptions */

/** The notices of the protocol; what is not here reaches only `notice` handlers. @type {ReadonlySet<string>} */
export const NOTICES = new Set([
  "participant-joined",
  "participant-updated",
  "participant-left",
  "ROLE_UPDATED",
  "role-change-request",
  "role-change-answered",
  "role-change-cancelled",
  "permission-request",
  "permission-request-answered",
  "waiting-updated",
  "waiting-left",
  "waiting-answered",
  "counts-updated",
  "app-message",
  "signal",
  "unmute-request",
  "subscription-updated",
  "subscriber-updated",
  "subscription-signal",
  "room-updated",
  "session-data-updated",
  "room-ended",
  "token-expiring",
]);

const WATCHES_REQUESTS = "update-call-permissions";
/** Ids of ended requests kept, so that a reply repeated after a resume cannot revive one. */
const ENDED_MAX = 256;

export class View {
  /** @type {string | null} */
  peerId = null;
  /** @type {string | null} */
  epoch = null;
  seq = 0;
  /** @type {import("./wire.js").RoomInfo | null} */
  room = null;
  /** What the session's peers keep together. @type {Record<string, any>} */
  sessionData = {};
  /** @type {Record<string, import("./wire.js").Role>} */
  roles = {};
  /** The same map for the life of the view. @type {Map<string, Participant>} */
  participants = new Map();
  /** @type {import("./wire.js").Counts} */
  counts = { present: 0, hidden: 0 };
  /** @type {import("./wire.js").Requests} */
  requests = { role: [], permission: [], waiting: [] };
  /** @type {Subscriptions} */
  subscriptions = { receiving: [], sending: [] };
  /** @type {Set<string>} */
  #ended = new Set();

  get self() {
    return this.peerId === null ? undefined : this.participants.get(this.peerId);
  }

  /**
   * Takes a whole join reply; returns what differs from before, in the order to tell it.
   * @param {JoinReply} reply
   * @returns {Difference[]}
   */
  reset(reply) {
    const before = new Map(this.participants);
    const { counts, room, sessionData, subscriptions } = this;
    if (reply.epoch !== this.epoch) this.#ended.clear();
    this.peerId = reply.peerId;
    this.epoch = reply.epoch;
    this.seq = reply.seq;
    this.room = reply.room;
    this.sessionData = reply.sessionData ?? {};
    this.roles = reply.roles;
    this.counts = reply.counts;
    this.requests = { role: [...reply.requests.role], permission: [...reply.requests.permission], waiting: [...(reply.requests.waiting ?? [])] };
    this.subscriptions = { receiving: [...(reply.subscriptions?.receiving ?? [])], sending: [...(reply.subscriptions?.sending ?? [])] };
    this.participants.clear();
    for (const participant of reply.participants) this.participants.set(participant.peerId, participant);

    const differences = [...differencesOf(before, this.participants), ...changedSubscriptions(subscriptions, this.subscriptions)];
    if (!same(counts, reply.counts)) differences.push({ name: "counts-updated", params: { ...reply.counts, synthesized: true } });
    const changed = room ? changedFields(room, reply.room) : [];
    if (changed.length) differences.push({ name: "room-updated", params: { room: reply.room, changed, synthesized: true } });
    if (!same(sessionData, this.sessionData)) {
      differences.push({ name: "session-data-updated", params: { data: this.sessionData, by: null, synthesized: true } });
    }
    return differences;
  }

  /**
   * Takes one notice; returns what its handlers get.
   * @param {string} method
   * @param {any} params
   * @returns {any}
   */
  apply(method, params) {
    switch (method) {
      case "participant-joined":
      case "participant-updated":
        this.#seat(params.participant);
        return params;
      case "participant-left":
        return this.#leave(params);
      case "role-change-request":
        this.#put("role", { peerId: this.peerId, ...params.request });
        return params;
      case "role-change-answered":
      case "role-change-cancelled":
        this.#drop("role", params.requestId);
        return params;
      case "permission-request":
        this.#put("permission", permissionRequest(params, params.from));
        return params;
      case "permission-request-answered":
        this.#drop("permission", params.requestId);
        return params;
      case "waiting-updated":
        this.#wait(params.waiting.waitingId, params.waiting);
        return params;
      case "waiting-left":
        return this.#wait(params.waitingId, undefined, params);
      case "subscription-updated":
        this.#subscribe("receiving", params.subscriptionId, params.tracks, { peerId: params.peerId });
        return params;
      case "subscriber-updated":
        this.#subscribe("sending", params.subscriptionId, params.tracks);
        return params;
      case "counts-updated":
        this.counts = { present: params.present, hidden: params.hidden };
        return params;
      case "room-updated":
        this.room = params.room;
        return params;
      case "session-data-updated":
        this.sessionData = params.data;
        return params;
      case "room-ended":
        if (this.room) this.room = { ...this.room, endedAt: params.at ?? null };
        this.subscriptions = { receiving: [], sending: [] };
        return params;
      default:
        return params;
    }
  }

  /**
   * Takes the outcome of an own call, which alone tells the asker of his pending requests.
   * @param {string} method
   * @param {any} params
   * @param {any} result undefined where refused
   * @param {string} [refusal] the reason of the refusal
   */
  settle(method, params, result, refusal) {
    switch (method) {
      case "changeRoleOfPeer":
        if (!result?.requestId || this.#ended.has(result.requestId)) return;
        this.#put("role", { ...result, peerId: params.peerId, by: this.#ref(), role: params.role });
        return;
      case "requestPermissions":
        if (!result?.requestId || this.#ended.has(result.requestId)) return;
        this.#put("permission", permissionRequest({ ...params, ...result }, this.#ref()));
        return;
      case "acceptChangeRole":
      case "rejectChangeRole":
      case "cancelChangeRole":
        if (result !== undefined || refusal === "request-gone") this.#drop("role", params.requestId);
        return;
      case "answerPermissionRequest":
        if (result !== undefined || refusal === "request-gone") this.#drop("permission", params.requestId);
    }
  }

  /** Puts the tracks of a subscription; without any it is over. @param {"receiving" | "sending"} end @param {string} subscriptionId @param {string[]} tracks @param {object} [more] */
  #subscribe(end, subscriptionId, tracks, more) {
    const others = /** @type {any[]} */ (this.subscriptions[end]).filter((kept) => kept.subscriptionId !== subscriptionId);
    if (tracks.length) others.push({ subscriptionId, ...more, tracks });
    this.subscriptions = { ...this.subscriptions, [end]: others };
  }

  /** Puts who waits to be let in, or forgets him; returns what his leaving tells. @param {string} waitingId @param {import("./wire.js").Waiting} [waiting] @param {any} [params] */
  #wait(waitingId, waiting, params) {
    const known = this.requests.waiting.find((one) => one.waitingId === waitingId);
    const others = this.requests.waiting.filter((one) => one !== known);
    this.requests = { ...this.requests, waiting: waiting ? [...others, waiting] : others };
    return { ...params, waiting: known };
  }

  /** Forgets everything. */
  clear() {
    this.peerId = this.epoch = this.room = null;
    this.seq = 0;
    this.sessionData = {};
    this.roles = {};
    this.participants.clear();
    this.counts = { present: 0, hidden: 0 };
    this.requests = { role: [], permission: [], waiting: [] };
    this.subscriptions = { receiving: [], sending: [] };
    this.#ended.clear();
  }

  /** @param {Participant} participant */
  #seat(participant) {
    this.participants.set(participant.peerId, participant);
    if (participant.peerId === this.peerId && !participant.capabilities.includes(WATCHES_REQUESTS)) {
      this.#keepPermission((request) => request.from.peerId === this.peerId);
    }
  }

  /** @param {{ peerId: string, reason: string }} params */
  #leave(params) {
    const { peerId, reason } = params;
    const participant = this.participants.get(peerId);
    const hidden = reason === "hidden";
    if (!(hidden && peerId === this.peerId)) this.participants.delete(peerId);
    // Whoever hides is still there, and so is what he asked for.
    if (!hidden) this.#keepPermission((request) => request.from.peerId !== peerId);
    return { ...params, participant };
  }

  /** @param {(request: import("./wire.js").PermissionRequest) => boolean} keep */
  #keepPermission(keep) {
    if (!this.requests.permission.every(keep)) {
      this.requests = { ...this.requests, permission: this.requests.permission.filter(keep) };
    }
  }

  /** @param {"role" | "permission"} kind @param {any} request */
  #put(kind, request) {
    const others = /** @type {any[]} */ (this.requests[kind]).filter(({ requestId }) => requestId !== request.requestId);
    this.requests = { ...this.requests, [kind]: [...others, request] };
  }

  /** @param {"role" | "permission"} kind @param {string} requestId */
  #drop(kind, requestId) {
    this.#ended.add(requestId);
    if (this.#ended.size > ENDED_MAX) this.#ended.delete(/** @type {string} */ (this.#ended.values().next().value));
    const left = /** @type {any[]} */ (this.requests[kind]).filter((request) => request.requestId !== requestId);
    this.requests = { ...this.requests, [kind]: left };
  }

  /** @returns {PeerRef} */
  #ref() {
    const self = this.self;
    return { peerId: this.peerId, userId: self?.userId ?? null, name: self?.name ?? null };
  }
}

/**
 * @param {any} request
 * @param {PeerRef} from
 * @returns {import("./wire.js").PermissionRequest}
 */
function permissionRequest({ requestId, permissions }, from) {
  return { requestId, from, permissions };
}

/**
 * @param {Map<string, Participant>} before
 * @param {Map<string, Participant>} after
 * @returns {Difference[]} first who left, then who joined, then who changed
 */
function differencesOf(before, after) {
  /** @type {Difference[]} */
  const left = [];
  /** @type {Difference[]} */
  const joined = [];
  /** @type {Difference[]} */
  const updated = [];
  for (const [peerId, participant] of before) {
    if (after.has(peerId)) continue;
    const params = { peerId, userId: participant.userId, reason: "unknown", participant, synthesized: true };
    left.push({ name: "participant-left", params });
  }
  for (const [peerId, participant] of after) {
    const known = before.get(peerId);
    if (!known) {
      joined.push({ name: "participant-joined", params: { participant, synthesized: true } });
      continue;
    }
    const changed = changedFields(known, participant);
    if (changed.length) updated.push({ name: "participant-updated", params: { participant, changed, by: null, synthesized: true } });
  }
  return [...left, ...joined, ...updated];
}

/** @param {Subscriptions} before @param {Subscriptions} after @returns {Difference[]} */
function changedSubscriptions(before, after) {
  const changed = (/** @type {import("./wire.js").Sending[]} */ from, /** @type {import("./wire.js").Sending[]} */ to) => {
    const known = new Map(from.map((one) => [one.subscriptionId, one]));
    const left = from.filter(({ subscriptionId }) => !to.some((one) => one.subscriptionId === subscriptionId));
    return [...left.map((one) => ({ ...one, tracks: [] })), ...to.filter((one) => !same(known.get(one.subscriptionId), one))];
  };
  return [
    ...changed(before.receiving, after.receiving).map((one) => ({ name: /** @type {const} */ ("subscription-updated"), params: { ...one, synthesized: true } })),
    ...changed(before.sending, after.sending).map((one) => ({ name: /** @type {const} */ ("subscriber-updated"), params: { ...one, synthesized: true } })),
  ];
}

/** @param {object} a @param {object} b @returns {string[]} */
function changedFields(a, b) {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...fields].filter((field) => !same(/** @type {any} */ (a)[field], /** @type {any} */ (b)[field]));
}

/** Equality of JSON values. @param {any} a @param {any} b @returns {boolean} */
function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  return changedFields(a, b).length === 0;
}
