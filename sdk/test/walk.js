/** @file The random walk of the chaos tests: who does what next, and answers what. It knows no proxy and asserts nothing. */

/** @typedef {import("../rolecall.js").Rolecall} Rolecall */
/** @typedef {(client: Rolecall, method: string, params: object, mark?: string) => void} Say */

/** Calls whose replies tell this peer of requests. */
export const ASKING = new Set(["changeRoleOfPeer", "acceptChangeRole", "rejectChangeRole", "cancelChangeRole", "requestPermissions", "answerPermissionRequest"]);
const ROLES = ["attendee", "waiting", "host"];

/**
 * One step: of the owner, of bo whose role and presence change all the time, or of cy who stays an attendee.
 * @param {number} step
 * @param {{ owner: Rolecall, bo: Rolecall, cy: Rolecall, say: Say, random: () => number }} cast
 */
export function walk(step, { owner, bo, cy, say, random }) {
  const draw = random();
  const peerId = bo.peerId;
  const mark = `m${String(step).padStart(5, "0")}`;
  const client = one([owner, bo, cy], random);
  const chance = (/** @type {number} */ p) => random() < p;
  if (draw < 0.14) say(client, "setMetadata", { metadata: { mark } }, mark);
  else if (draw < 0.26) say(client, "sendMessage", { data: { mark } }, mark);
  else if (draw < 0.38) say(owner, "changeRoleOfPeer", { peerId, role: one(ROLES, random), force: chance(0.5) });
  else if (draw < 0.41) say(owner, "changeRoleOfPeersWithRoles", { ofRoles: ["waiting"], toRole: "attendee" });
  else if (draw < 0.5) say(owner, "updateParticipant", { peerId, updatePermissions: { hasPresence: chance(0.6) } });
  else if (draw < 0.58) say(owner, "updateParticipant", { peerId: one([bo, cy], random).peerId, updatePermissions: { canSend: chance(0.7) ? ["audio", "video"] : [] } });
  else if (draw < 0.7) say(one([bo, cy], random), "setTracks", { audio: chance(0.7), video: chance(0.3) });
  else if (draw < 0.79) say(one([bo, cy], random), "requestPermissions", { permissions: [chance(0.5) ? "send-audio" : "presence"] });
  else if (draw < 0.84) say(owner, "mute", { peerId, tracks: ["audio"] });
  else if (draw < 0.89) say(client, "raiseHand", { raised: chance(0.5) });
  else if (draw < 0.93) say(client, "setName", { name: `${client.self?.userId} ${step}` });
  else if (draw < 0.95) say(owner, chance(0.5) ? "goLive" : "stopLive", {});
  else if (draw < 0.985) say(client, "subscribe", { peerId: one([owner, bo, cy], random).peerId, tracks: chance(0.5) ? ["audio"] : ["audio", "video"] });
  else say(client, "explain", { capability: "send-audio" });
}

/**
 * Bo answers offers, the owner answers requests, some of them.
 * @param {{ owner: Rolecall, bo: Rolecall, say: Say, random: () => number }} cast
 */
export function answer({ owner, bo, say, random }) {
  bo.on("role-change-request", ({ request: { requestId } }) => {
    const draw = random();
    if (draw < 0.4) say(bo, "acceptChangeRole", { requestId });
    else if (draw < 0.7) say(bo, "rejectChangeRole", { requestId, reason: "not now" });
    else if (draw < 0.8) say(owner, "cancelChangeRole", { requestId });
  });
  owner.on("permission-request", ({ requestId }) => {
    if (random() < 0.8) say(owner, "answerPermissionRequest", { requestId, grant: random() < 0.5 });
  });
}

/** @template T @param {T[]} of @param {() => number} random @returns {T} */
function one(of, random) {
  return /** @type {T} */ (of[Math.floor(random() * of.length)]);
}
