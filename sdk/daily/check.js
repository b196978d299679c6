/** @file Looks at the arguments of `updateParticipant` and its plural as Daily's client does, with its words, before anything is sent. */

import { ADMINISTERED, SENDABLE } from "./permissions.js";

const SUBSCRIPTIONS = [true, false, "staged"];
const SUBSCRIBABLE = ["audio", "video", "screenAudio", "screenVideo", "rmpAudio", "rmpVideo"];
const PLAIN_KINDS = ["video", "audio", "screenVideo", "screenAudio"];
const CUSTOM_KINDS = ["customVideo", "customAudio"];
const KINDS = [...PLAIN_KINDS, ...CUSTOM_KINDS];
const RECEIVE_FIELDS = ["base", "byUserId", "byParticipantId"];

/** @type {Record<string, { isGood: (value: any, automatic: boolean) => boolean, help: string }>} */
const PROPERTIES = {
  styles: {
    isGood: (value) => Object.entries(value).every(([part, styles]) =>
      ["cam", "screen"].includes(part) && Object.keys(styles ?? {}).every((key) => ["div", "overlay", "video"].includes(key))),
    help: "styles format should be a subset of: { cam: {div: {}, video: {}}, screen: {div: {}, video: {}} }",
  },
  setSubscribedTracks: {
    isGood: (value, automatic) => !automatic && isSubscription(value),
    help: "setSubscribedTracks cannot be used when setSubscribeToTracksAutomatically is enabled, and should be of the form: "
      + "true | 'avatar' | false | 'staged' | { [audio: true|false|'staged'], [video: true|false|'staged'], [screenAudio: true|false|'staged'], [screenVideo: true|false|'staged'] }",
  },
  setAudio: { isGood: () => true, help: "" },
  setVideo: { isGood: () => true, help: "" },
  setScreenShare: {
    isGood: (value) => value === false,
    help: "setScreenShare must be false, as it's only meant for stopping remote participants' screen shares",
  },
  eject: { isGood: () => true, help: "" },
  updatePermissions: {
    isGood: arePermissions,
    help: "updatePermissions can take hasPresence, canSend, canReceive, and canAdmin permissions. hasPresence must be a boolean. "
      + "canSend can be a boolean or an Array or Set of media types (video, audio, screenVideo, screenAudio, customVideo, customAudio). "
      + "canReceive must be an object specifying base, byUserId, and/or byParticipantId fields (see documentation for more details). "
      + "canAdmin can be a boolean or an Array or Set of admin types (participants, streaming, transcription).",
  },
};

/**
 * Throws where an update is not one. Arrays of permissions become sets in the caller's object.
 * @param {Record<string, any>} update
 * @param {boolean} automatic whether tracks are subscribed to automatically
 */
export function checkUpdate(update, automatic) {
  for (const [name, value] of Object.entries(update)) {
    const property = PROPERTIES[name];
    if (!property) throw new Error(`unrecognized updateParticipant property ${name}`);
    if (!property.isGood(value, automatic)) throw new Error(property.help);
  }
}

/** @param {any} value @param {boolean} [custom] @returns {boolean} */
function isSubscription(value, custom = false) {
  if (SUBSCRIPTIONS.includes(value) || value === "avatar") return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(([name, state]) => {
    if (name === "custom" && !custom) return SUBSCRIPTIONS.includes(state) || isSubscription(state, true);
    return (custom || SUBSCRIBABLE.includes(name)) && SUBSCRIPTIONS.includes(state);
  });
}

/** @param {any} permissions */
function arePermissions(permissions) {
  if (typeof permissions !== "object" || permissions === null) return false;
  for (const [name, value] of Object.entries(permissions)) {
    switch (name) {
      case "hasPresence":
        if (typeof value !== "boolean") return false;
        break;
      case "canSend":
      case "canAdmin":
        if (!isMembership(value, name === "canSend" ? SENDABLE : ADMINISTERED)) return false;
        if (Array.isArray(value)) permissions[name] = new Set(value);
        break;
      case "canReceive": {
        const fault = faultOfReception(value);
        if (!fault) break;
        console.error(fault);
        return false;
      }
      default:
        return false;
    }
  }
  return true;
}

/** @param {any} value @param {readonly string[]} all */
function isMembership(value, all) {
  if (value instanceof Set || Array.isArray(value)) return [...value].every((member) => all.includes(member));
  return typeof value === "boolean";
}

/** What is wrong with a `canReceive`. @param {any} value @returns {string | undefined} */
export function faultOfReception(value) {
  if (typeof value !== "object" || value === null) return "canReceive must be an object";
  for (const [field, rule] of Object.entries(value)) {
    if (!RECEIVE_FIELDS.includes(field)) return `canReceive can only contain keys (${RECEIVE_FIELDS.join(", ")})`;
    if (field === "base") {
      const fault = faultOfMedia(rule, true);
      if (fault) return fault;
      continue;
    }
    if (typeof rule !== "object" || rule === null) return `invalid (non-object) value for field '${field}' in canReceive`;
    for (const entry of Object.values(rule)) {
      const fault = faultOfMedia(entry, false);
      if (fault) return fault;
    }
  }
  return undefined;
}

/** @param {any} media @param {boolean} isBase @returns {string | undefined} */
function faultOfMedia(media, isBase) {
  if (typeof media === "boolean") return undefined;
  if (typeof media !== "object" || media === null) return "invalid (non-object, non-boolean) value in canReceive";
  for (const [kind, value] of Object.entries(media)) {
    if (!KINDS.includes(kind)) return `invalid media type '${kind}' in canReceive`;
    if (PLAIN_KINDS.includes(kind)) {
      if (typeof value !== "boolean") return `invalid (non-boolean) value for media type '${kind}' in canReceive`;
      continue;
    }
    if (typeof value !== "object" || value === null) return `invalid (non-object) value for media type '${kind}' in canReceive`;
    if (!Object.values(value).every((entry) => typeof entry === "boolean")) return `invalid (non-boolean) value for entry within '${kind}' in canReceive`;
    if (isBase && value["*"] === undefined) return `canReceive "base" permission must specify "*" as an entry within '${kind}'`;
  }
  if (isBase && !KINDS.every((kind) => kind in media)) {
    return `canReceive "base" permission must specify all media types: ${KINDS.join(", ")} (or be set to a boolean shorthand)`;
  }
  return undefined;
}
