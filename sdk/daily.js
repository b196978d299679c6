/**
 * @file Daily's client over Rolecall: `Daily.createCallObject()` for pages that were written for Daily, with rooms of a Rolecall server.
 * What it serves and what it does not: the README beside it.
 */

import { DailyCall } from "./daily/call.js";
import { notSupported } from "./daily/unsupported.js";

export { DailyCall };

/** @typedef {import("./daily/types.js").FactoryOptions} FactoryOptions */
/** @typedef {import("./daily/types.js").CallEvents} CallEvents */
/** @typedef {import("./daily/types.js").Participant} DailyParticipant */
/** @typedef {import("./daily/types.js").Participants} DailyParticipantsObject */
/** @typedef {import("./daily/types.js").Permissions} DailyParticipantPermissions */
/** @typedef {import("./daily/types.js").PermissionsUpdate} DailyParticipantPermissionsUpdate */
/** @typedef {import("./daily/types.js").ParticipantUpdate} DailyParticipantUpdateOptions */

/** The release of Daily's client whose manners this one has, and its own. */
const VERSION = "0.92.2+rolecall.0.1.0";

/** @type {Map<string, DailyCall>} */
const instances = new Map();

/** @param {FactoryOptions} [properties] @returns {DailyCall} */
function createCallObject(properties = {}) {
  if (instances.size && !properties.allowMultipleCallInstances) {
    if (properties.strictMode !== false) throw new Error("Duplicate DailyIframe instances are not allowed");
    console.warn("Using strictMode: false to allow multiple call instances is now deprecated. Set `allowMultipleCallInstances: true`");
  }
  const call = new DailyCall(properties, () => instances.delete(call.callClientId));
  instances.set(call.callClientId, call);
  return call;
}

/** The call of that id, or the one there is. @param {string} [callClientId] @returns {DailyCall | undefined} */
function getCallInstance(callClientId) {
  return callClientId === undefined ? instances.values().next().value : instances.get(callClientId);
}

/** What this browser can do for a call. */
function supportedBrowser() {
  const mediaDevices = globalThis.navigator?.mediaDevices;
  return {
    supported: typeof WebSocket === "function",
    mobile: Boolean(/** @type {any} */ (globalThis.navigator)?.userAgentData?.mobile),
    name: String(/** @type {any} */ (globalThis.navigator)?.userAgentData?.brands?.at(-1)?.brand ?? "unknown"),
    version: String(/** @type {any} */ (globalThis.navigator)?.userAgentData?.brands?.at(-1)?.version ?? "unknown"),
    supportsFullscreen: false,
    supportsScreenShare: typeof mediaDevices?.getDisplayMedia === "function",
    supportsSfu: false,
    supportsVideoProcessing: false,
    supportsAudioProcessing: false,
  };
}

/** @param {string} name @returns {(...given: unknown[]) => never} */
function refusing(name) {
  return () => {
    throw notSupported(name);
  };
}

const Daily = {
  createCallObject,
  getCallInstance,
  supportedBrowser,
  version: () => VERSION,
  createFrame: refusing("createFrame"),
  createTransparentFrame: refusing("createTransparentFrame"),
  wrap: refusing("wrap"),
};

export default Daily;
