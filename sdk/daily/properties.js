/** @file What `createCallObject`, `join` and their neighbours may be given. */

import { isPlain } from "./equal.js";

/** Characters of the user's data as JSON, as Daily bounds them. */
const USER_DATA_MAX = 4096;

/** Properties of Daily's that have a meaning here. @type {Record<string, { isGood: (value: any) => boolean, help: string }>} */
const PROPERTIES = {
  url: { isGood: isString, help: "url should be a string" },
  token: { isGood: isString, help: "token should be a string" },
  userName: { isGood: isString, help: "userName should be a string" },
  userData: { isGood: isUserData, help: "invalid userData type provided" },
  startVideoOff: { isGood: isBoolean, help: "startVideoOff should be a boolean" },
  startAudioOff: { isGood: isBoolean, help: "startAudioOff should be a boolean" },
  subscribeToTracksAutomatically: { isGood: isBoolean, help: "subscribeToTracksAutomatically should be a boolean" },
  videoSource: { isGood: isSource, help: "videoSource must be a MediaStreamTrack, boolean, or a string" },
  audioSource: { isGood: isSource, help: "audioSource must be a MediaStreamTrack, boolean, or a string" },
  allowMultipleCallInstances: { isGood: isBoolean, help: "allowMultipleCallInstances should be a boolean" },
  strictMode: { isGood: isBoolean, help: "strictMode should be a boolean" },
  rolecall: { isGood: isPlain, help: "rolecall should be an object of this client's own options" },
};

/** Properties of Daily's without a meaning here: accepted, and of no effect. */
const IDLE = new Set([
  "activeSpeakerMode", "aboutClient", "allowLocalAudio", "allowLocalVideo", "avoidEval", "baseUrl", "bodyClass", "cssFile", "cssText", "customIntegrations",
  "customLayout", "customTrayButtons", "dailyConfig", "dailyJsVersion", "emb", "iframeStyle", "inputSettings", "lang", "layout", "layoutConfig", "receiveSettings",
  "sendSettings", "showFullscreenButton", "showLeaveButton", "showLocalVideo", "showParticipantsBar", "showUserNameChangeUI", "theme",
]);

/**
 * Throws where one is wrong, and leaves out what nobody knows.
 * @template {object} Options
 * @param {Options} options
 * @returns {Options}
 */
export function checkProperties(options) {
  const known = Object.entries(options).filter(([name, value]) => {
    if (value === undefined || IDLE.has(name)) return false;
    const property = PROPERTIES[name];
    if (!property) {
      console.warn(`Ignoring unrecognized property '${name}'`);
      return false;
    }
    if (!property.isGood(value)) throw new Error(`property '${name}': ${property.help}`);
    return true;
  });
  return /** @type {Options} */ (Object.fromEntries(known));
}

/** Throws where it is no data that can be told. @param {unknown} data */
export function checkUserData(data) {
  if (data === undefined) return;
  let text;
  try {
    text = typeof data === "string" ? data : JSON.stringify(data);
  } catch (error) {
    throw new Error(`userData must be serializable to JSON: ${error}`);
  }
  if (text === undefined) throw new Error(`userData must be serializable to JSON: ${typeof data}`);
  if (text.length > USER_DATA_MAX) {
    throw new Error(`userData is too large (${text.length} characters). Maximum size suppported is ${USER_DATA_MAX}.`);
  }
}

/** @param {unknown} data */
function isUserData(data) {
  try {
    checkUserData(data);
    return true;
  } catch (error) {
    console.error(error);
    return false;
  }
}

/** @param {unknown} value */
function isString(value) {
  return typeof value === "string";
}

/** @param {unknown} value */
function isBoolean(value) {
  return typeof value === "boolean";
}

/** @param {any} value */
function isSource(value) {
  return typeof value === "boolean" || typeof value === "string" || typeof value?.stop === "function";
}
