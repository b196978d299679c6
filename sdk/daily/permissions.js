/** @file Permissions in Daily's words and in the server's, one made of the other. What Daily's words cannot say is never shown as more than it is. */

import { equal } from "./equal.js";
import { KINDS } from "../media/kinds.js";

/** @typedef {import("../wire.js").Reception} Reception */
/** @typedef {import("../wire.js").Permissions} Wire */
/** @typedef {import("../wire.js").PermissionsPatch} Patch */

/** @type {readonly import("./types.js").CanSend[]} */
export const SENDABLE = ["video", "audio", "screenVideo", "screenAudio", "customVideo", "customAudio"];
/** @type {readonly import("./types.js").CanAdmin[]} */
export const ADMINISTERED = ["participants", "streaming", "transcription"];

/** @param {Wire} permissions @returns {import("./types.js").Permissions} */
export function read(permissions) {
  const { byUserId, byParticipantId } = permissions.canReceive;
  const base = receivedOfAll(permissions);
  return {
    hasPresence: permissions.hasPresence,
    canSend: readSet(permissions.canSend, SENDABLE),
    canReceive: /** @type {any} */ ({ base, ...(byUserId && { byUserId }), ...(byParticipantId && { byParticipantId }) }),
    canAdmin: readSet(permissions.canAdmin, ADMINISTERED),
  };
}

/**
 * The update as a patch of the server's: what is not mentioned stays.
 * @param {import("./types.js").PermissionsUpdate} update
 * @param {Wire} [held] what he has, where one is known: what is only written as it was read stays, too
 * @returns {Patch}
 */
export function write(update, held) {
  /** @type {any} */
  const patch = {};
  if (update.hasPresence !== undefined) patch.hasPresence = update.hasPresence;
  if (update.canSend !== undefined) patch.canSend = writeSet(update.canSend);
  if (update.canReceive !== undefined) {
    const { base, ...particular } = update.canReceive;
    const asRead = held?.canReceive.byRole !== undefined && equal(base, receivedOfAll(held));
    patch.canReceive = base === undefined || asRead ? particular : update.canReceive;
  }
  if (update.canAdmin !== undefined) patch.canAdmin = writeSet(update.canAdmin);
  return patch;
}

/** Back to what the role and the room say. @type {Patch} */
export const RESET = { hasPresence: null, canSend: null, canReceive: null, canAdmin: null };

/**
 * What he receives of everybody, whatever their roles: Daily has no word for these.
 * @param {Wire} permissions
 * @returns {Reception}
 */
function receivedOfAll({ canReceive: { base, byRole = {} } }) {
  const rules = [base, ...Object.values(byRole)];
  if (base === false || rules.every((rule) => rule === true)) return base;
  /** @param {string} kind @param {string} [name] */
  const all = (kind, name) => rules.every((rule, i) => (saysOf(rule, kind, name) ?? i > 0));
  /** @type {Record<string, any>} */
  const received = {};
  for (const kind of KINDS) {
    const maps = rules.map((rule) => (typeof rule === "boolean" ? undefined : rule[kind])).filter((map) => typeof map === "object");
    received[kind] = kind.startsWith("custom")
      ? Object.fromEntries(["*", ...maps.flatMap((map) => Object.keys(map))].map((name) => [name, all(kind, name)]))
      : all(kind);
  }
  for (const uniform of [true, false]) {
    if (Object.values(received).flatMap((says) => (typeof says === "object" ? Object.values(says) : [says])).every((says) => says === uniform)) return uniform;
  }
  return received;
}

/** What a rule says of a kind, or of a custom track by its name. @param {Reception} rule @param {string} kind @param {string} [name] @returns {boolean | undefined} */
function saysOf(rule, kind, name) {
  if (typeof rule === "boolean") return rule;
  const says = rule[kind];
  return typeof says === "object" ? says[name ?? "*"] ?? says["*"] : says;
}

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
