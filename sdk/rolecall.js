/**
 * @file The client of a Rolecall server: `connect` to a room, its calls by name, its state kept live.
 * No build step and no dependencies: browsers import it as it is, Node 20 passes a WebSocket class.
 */

import { RolecallError } from "./error.js";
import { Session } from "./session.js";

export { RolecallError };

/** @typedef {import("./session.js").Options} Options */
/** @typedef {import("./session.js").Token} Token */
/** @typedef {import("./wire.js").Participant} Participant */
/** @typedef {import("./wire.js").Permissions} Permissions */
/** @typedef {import("./wire.js").PermissionsPatch} PermissionsPatch */
/** @typedef {import("./wire.js").Role} Role */
/** @typedef {import("./wire.js").RoomInfo} RoomInfo */
/** @typedef {import("./wire.js").RoleRequest} RoleRequest */
/** @typedef {import("./wire.js").PermissionRequest} PermissionRequest */
/** @typedef {import("./wire.js").Waiting} Waiting */
/** @typedef {import("./wire.js").TrackKind} TrackKind */
/** @typedef {import("./wire.js").Subscriptions} Subscriptions */
/** @typedef {import("./wire.js").MediaInfo} MediaInfo */
/** @typedef {import("./wire.js").JoinReply} JoinReply */
/** @typedef {import("./wire.js").Events} Events */

/** @typedef {string | { requestId: string } | { request: { requestId: string } }} RequestOrId an id, a request, or the notice that brought it */

/** @typedef {string | { waitingId: string } | { waiting: { waitingId: string } }} WaitingOrId likewise, of somebody who waits */

/**
 * Connects to a room and joins it; with `knock`, once somebody lets one in.
 * @param {Options} options
 * @returns {Promise<Rolecall>}
 */
export async function connect(options) {
  return new Rolecall(options).connect();
}

/** One peer in one room. Every call resolves to the `result` of the wire and rejects with a `RolecallError`. */
export class Rolecall extends Session {
  /**
   * Whether this peer holds a capability, or may send a kind of track.
   * @param {string} what `mute-users`, …, or `audio`, `screenVideo`, …
   * @returns {boolean}
   */
  can(what) {
    const { self } = this;
    if (!self) return false;
    return self.capabilities.includes(what) || self.permissions.canSend.includes(/** @type {TrackKind} */ (what));
  }

  // ---- roles

  /**
   * On oneself, or with `force`, at once; otherwise the peer is asked and the reply names the request.
   * @param {string} peerId
   * @param {string} role
   * @param {{ force?: boolean }} [options]
   * @returns {Promise<{ requestId?: string, expiresAt?: string }>}
   */
  changeRoleOfPeer(peerId, role, { force = false } = {}) {
    return this.call("changeRoleOfPeer", { peerId, role, force });
  }

  /**
   * Moves every peer of `ofRoles` to `toRole`, at once and all together.
   * @param {string[]} ofRoles
   * @param {string} toRole
   * @returns {Promise<{ changed: any, skipped: any }>}
   */
  changeRoleOfPeersWithRoles(ofRoles, toRole) {
    return this.call("changeRoleOfPeersWithRoles", { ofRoles, toRole });
  }

  /** @param {RequestOrId} request @returns {Promise<{}>} */
  acceptChangeRole(request) {
    return this.call("acceptChangeRole", { requestId: idOf(request) });
  }

  /** @param {RequestOrId} request @param {string} [reason] @returns {Promise<{}>} */
  rejectChangeRole(request, reason) {
    return this.call("rejectChangeRole", { requestId: idOf(request), reason });
  }

  /** @param {RequestOrId} request @returns {Promise<{}>} */
  cancelChangeRole(request) {
    return this.call("cancelChangeRole", { requestId: idOf(request) });
  }

  // ---- permissions

  /** @param {string} peerId @param {PermissionsPatch} updatePermissions @returns {Promise<{}>} */
  updateParticipant(peerId, updatePermissions) {
    return this.call("updateParticipant", { peerId, updatePermissions });
  }

  /**
   * @param {Record<string, { updatePermissions: PermissionsPatch }>} updates by peer id; `*` is all others
   * @returns {Promise<{ changed: any, skipped: any }>}
   */
  updateParticipants(updates) {
    return this.call("updateParticipants", { updates });
  }

  /** @param {import("./wire.js").Askable[]} permissions @returns {Promise<{ requestId?: string }>} */
  requestPermissions(permissions) {
    return this.call("requestPermissions", { permissions });
  }

  /** @param {RequestOrId} request @param {boolean} grant @param {string} [reason] @returns {Promise<{}>} */
  answerPermissionRequest(request, grant, reason) {
    return this.call("answerPermissionRequest", { requestId: idOf(request), grant, reason });
  }

  /**
   * Why a right is held or not.
   * @param {{ peerId?: string, capability?: string, track?: TrackKind }} question
   * @returns {Promise<{ allowed: boolean, because: { rule: string, role?: string, override?: any, setting?: any }[] }>}
   */
  explain(question) {
    return this.call("explain", question);
  }

  // ---- tracks

  /** Turns own tracks on or off. @param {Partial<Record<TrackKind, boolean>>} tracks @returns {Promise<{}>} */
  setTracks(tracks) {
    return this.call("setTracks", tracks);
  }

  /**
   * Turns tracks off: of a peer, of some roles, or of everybody else.
   * @param {{ peerId?: string, roles?: string[], tracks: TrackKind[] }} which
   * @returns {Promise<{ muted: number }>}
   */
  mute(which) {
    return this.call("mute", which);
  }

  /**
   * Asks a peer, some roles or everybody else to turn tracks on; each decides for himself.
   * @param {{ peerId?: string, roles?: string[], tracks: TrackKind[] }} which
   * @returns {Promise<{ asked: number }>} how many tracks are off that may be on
   */
  requestUnmute(which) {
    return this.call("requestUnmute", which);
  }

  // ---- media between peers, which `media.js` makes of these

  /**
   * Asks to receive exactly these kinds of a peer; called again it replaces them.
   * @param {string} peerId
   * @param {TrackKind[]} tracks
   * @returns {Promise<{ subscriptionId: string, tracks: TrackKind[] }>}
   */
  subscribe(peerId, tracks) {
    return this.call("subscribe", { peerId, tracks });
  }

  /** Ends a subscription, from either end. @param {string} subscriptionId @returns {Promise<{}>} */
  unsubscribe(subscriptionId) {
    return this.call("unsubscribe", { subscriptionId });
  }

  /** Relays data to the other end of a subscription. @param {string} subscriptionId @param {any} data any JSON up to 32 KiB @returns {Promise<{}>} */
  signalSubscription(subscriptionId, data) {
    return this.call("signalSubscription", { subscriptionId, data });
  }

  /** How large a room may be for media between its peers, and the servers to find each other by. @returns {Promise<MediaInfo>} */
  media() {
    return this.call("media");
  }

  // ---- who may be here

  /** @param {string} peerId @param {{ reason?: string, block?: boolean }} [options] @returns {Promise<{}>} */
  removePeer(peerId, options = {}) {
    return this.call("removePeer", { peerId, ...options });
  }

  /** Lets in whoever knocked, or not. @param {WaitingOrId} waiting @param {boolean} admit @returns {Promise<{}>} */
  answerWaiting(waiting, admit) {
    const { waitingId } = typeof waiting === "string" ? { waitingId: waiting } : "waiting" in waiting ? waiting.waiting : waiting;
    return this.call("answerWaiting", { waitingId, admit });
  }

  /** @param {string} userId @returns {Promise<{}>} */
  blockUser(userId) {
    return this.call("blockUser", { userId });
  }

  /** @param {string} userId @returns {Promise<{}>} */
  unblockUser(userId) {
    return this.call("unblockUser", { userId });
  }

  /**
   * Ends the room for everyone. It stays ended, unless `lock` is false: then it may be entered again.
   * @param {string | { reason?: string, lock?: boolean }} [options] a text is the reason
   * @returns {Promise<{}>}
   */
  endRoom(options = {}) {
    return this.call("endRoom", typeof options === "string" ? { reason: options } : options);
  }

  /** Opens a backstage room to those who may join. @returns {Promise<{}>} */
  goLive() {
    return this.call("goLive");
  }

  /** Takes the room backstage again. @returns {Promise<{}>} */
  stopLive() {
    return this.call("stopLive");
  }

  // ---- oneself

  /** @param {string} name @returns {Promise<{}>} */
  setName(name) {
    return this.call("setName", { name });
  }

  /** @param {any} metadata any JSON up to 4 KiB @returns {Promise<{}>} */
  setMetadata(metadata) {
    return this.call("setMetadata", { metadata });
  }

  /** @param {boolean} [raised] @returns {Promise<{}>} */
  raiseHand(raised = true) {
    return this.call("raiseHand", { raised });
  }

  // ---- talk

  /**
   * @param {any} data any JSON up to 16 KiB
   * @param {string | { roles: string[] }} [to] a peer id, some roles, or everybody
   * @returns {Promise<{}>}
   */
  sendMessage(data, to = "*") {
    return this.call("sendMessage", { data, to });
  }

  /** Relays data to one peer, for setting up media. @param {string} to @param {any} data @returns {Promise<{}>} */
  signal(to, data) {
    return this.call("signal", { to, data });
  }

  /**
   * Changes what the session's peers keep together; everybody is told.
   * @param {Record<string, any>} data takes the place of all that is there or, with `merge`, is laid over it key by key
   * @param {{ merge?: boolean, remove?: string[] }} [options] `remove`: keys that go
   * @returns {Promise<{}>}
   */
  setSessionData(data, { merge = false, remove = [] } = {}) {
    return this.call("setSessionData", { data, merge, remove });
  }

  // ---- the connection

  /** Fetches the whole state anew; what differs is told as synthesized notices. @returns {Promise<JoinReply>} */
  refreshState() {
    return this.call("state");
  }

  /** @returns {Promise<{ at: string }>} */
  ping() {
    return this.call("ping");
  }
}

/** @param {RequestOrId} request @returns {string} */
function idOf(request) {
  if (typeof request === "string") return request;
  return "request" in request ? request.request.requestId : request.requestId;
}
