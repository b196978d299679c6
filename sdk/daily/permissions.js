/** @file Permissions in Daily's words and in the server's, one made of the other. */

/** @typedef {import("../wire.js").Permissions} Wire */
/** @typedef {import("../wire.js").PermissionsPatch} Patch */

/** @type {readonly import("./types.js").CanSend[]} */
export const SENDABLE = ["video", "audio", "screenVideo", "screenAudio", "customVideo", "customAudio"];
/** @type {readonly import("./types.js").CanAdmin[]} */
export const ADMINISTERED = ["participants", "streaming", "transcription"];

/** @param {Wire} permissions @returns {import("./types.js").Permissions} */
export function read(permissions) {
  const { base, byUserId, byParticipantId } = permissions.canReceive;
  return {
    hasPresence: permissions.hasPresence,
    canSend: readSet(permissions.canSend, SENDABLE),
    canReceive: /** @type {any} */ ({ base, ...(byUserId && { byUserId }), ...(byParticipantId && { byParticipantId }) }),
    canAdmin: readSet(permissions.canAdmin, ADMINISTERED),
  };
}

/** The update as a patch of the server's: what is not mentioned stays. @param {import("./types.js").PermissionsUpdate} update @returns {Patch} */
export function write(update) {
  /** @type {any} */
  const patch = {};
  if (update.hasPresence !== undefined) patch.hasPresence = update.hasPresence;
  if (update.canSend !== undefined) patch.canSend = writeSet(update.canSend);
  if (update.canReceive !== undefined) patch.canReceive = update.canReceive;
  if (update.canAdmin !== undefined) patch.canAdmin = writeSet(update.canAdmin);
  return patch;
}

/** Back to what the role and the room say. @type {Patch} */
export const RESET = { hasPresence: null, canSend: null, canReceive: null, canAdmin: null };

/**
 * All and none are booleans; in between there is a set.
 * @template {string} Member
 * @param {readonly string[]} list
 * @param {readonly Member[]} all
 * @returns {Set<Member> | boolean}
 */
function readSet(list, all) {
  const members = all.filter((member) => list.includes(member));
  if (members.length === all.length) return true;
  return members.length > 0 && new Set(members);
}

/** @param {Iterable<string> | boolean} value @returns {string[] | boolean} */
function writeSet(value) {
  return typeof value === "boolean" ? value : [...value];
}
