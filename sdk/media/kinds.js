/** @file The kinds of track, and whom one may receive: the law's own rule, foretold. Knows no connection and no room. */

/** @typedef {import("../wire.js").TrackKind} TrackKind */
/** @typedef {import("../wire.js").Participant} Participant */
/** @typedef {import("../wire.js").Reception} Reception */

/** Every kind, in the order of the protocol. @type {readonly TrackKind[]} */
export const KINDS = Object.freeze(["audio", "video", "screenVideo", "screenAudio", "customVideo", "customAudio"]);

/** Whether a kind is heard or seen, as browsers call it. @param {TrackKind} kind @returns {"audio" | "video"} */
export function sortOf(kind) {
  return kind.toLowerCase().endsWith("audio") ? "audio" : "video";
}

/**
 * Whether a participant may receive a kind of track from another: the most particular rule that speaks of the kind counts.
 * @param {Pick<Participant, "permissions"> | undefined} self who would receive
 * @param {Pick<Participant, "peerId" | "userId" | "role">} participant who would send
 * @param {TrackKind} kind
 * @returns {boolean}
 */
export function mayReceive(self, participant, kind) {
  if (!self) return false;
  const { base, byRole, byUserId, byParticipantId } = self.permissions.canReceive;
  for (const rule of [own(byParticipantId, participant.peerId), own(byUserId, participant.userId), own(byRole, participant.role), base]) {
    const says = saysOf(rule, kind);
    if (says !== undefined) return says;
  }
  return false;
}

/** The entry of a map, and never what every object has. @param {Record<string, Reception> | undefined} map @param {string} key */
function own(map, key) {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}

/** What a rule says of a kind, if it says anything. @param {Reception | undefined} rule @param {TrackKind} kind @returns {boolean | undefined} */
function saysOf(rule, kind) {
  if (rule === undefined || typeof rule === "boolean") return rule;
  const says = rule[kind];
  return typeof says === "object" ? says["*"] : says;
}
