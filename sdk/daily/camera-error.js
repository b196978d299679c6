/** @file What it means when the browser gives no camera or microphone, in Daily's words. */

/** @typedef {import("./types.js").CameraErrorType} CameraErrorType */

/** @type {Record<string, CameraErrorType>} */
const TYPES = {
  NotAllowedError: "permissions",
  SecurityError: "permissions",
  NotFoundError: "not-found",
  OverconstrainedError: "constraints",
  TypeError: "constraints",
  UndefinedMediaDevices: "undefined-mediadevices",
};

/** @param {unknown} error @returns {import("./types.js").BlockedBy} */
export function blockOf(error) {
  const name = nameOf(error);
  if (name === "NotAllowedError" || name === "SecurityError") return { byPermissions: true };
  if (name === "NotReadableError" || name === "AbortError") return { byDeviceInUse: true };
  return { byDeviceMissing: true };
}

/**
 * The payload of `camera-error`.
 * @param {"audio" | "video"} kind
 * @param {unknown} error
 */
export function cameraError(kind, error) {
  const name = nameOf(error);
  const msg = error instanceof Error && error.message ? error.message : String(error);
  const inUse = name === "NotReadableError" || name === "AbortError";
  /** @type {CameraErrorType} */
  const type = inUse ? (kind === "video" ? "cam-in-use" : "mic-in-use") : TYPES[name] ?? "unknown";
  const more = {
    ...(type === "permissions" && { blockedBy: name === "SecurityError" ? "browser" : "user", blockedMedia: [kind] }),
    ...(type === "not-found" && { missingMedia: [kind] }),
    ...(type === "constraints" && { reason: "invalid", failedMedia: [kind] }),
  };
  return { errorMsg: { errorMsg: msg, [kind === "audio" ? "audioOk" : "videoOk"]: false }, error: { type, msg, ...more } };
}

/** What it means that the screen is not shown. @param {unknown} error */
export function shareError(error) {
  const errorMsg = error instanceof Error && error.message ? error.message : String(error);
  return { canceled: nameOf(error) === "NotAllowedError", errorMsg };
}

/** @param {unknown} error */
function nameOf(error) {
  return String(/** @type {any} */ (error)?.name ?? "");
}
