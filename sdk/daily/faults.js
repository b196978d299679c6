/** @file The end of a call, and what was refused, in Daily's words. */

import { RolecallError } from "../error.js";

/** @typedef {import("./types.js").FatalType} FatalType */

/** The server's reasons against coming in. @type {Record<string, FatalType>} */
const AT_THE_DOOR = {
  "token-expired": "exp-token",
  "bad-token": "not-allowed",
  "wrong-room": "not-allowed",
  "wrong-team": "not-allowed",
  "not-allowed": "not-allowed",
  private: "not-allowed",
  refused: "not-allowed",
  banned: "not-allowed",
  blocked: "not-allowed",
  "unknown-role": "not-allowed",
  "room-full": "meeting-full",
  "role-full": "meeting-full",
  "not-open": "nbf-room",
  closed: "exp-room",
  "unknown-room": "no-room",
  "unknown-call-type": "no-room",
  "bad-params": "no-room",
};

/** Close codes that end a call. @type {Record<number, { type: FatalType, msg: string }>} */
const ENDINGS = {
  4500: { type: "not-allowed", msg: "The meeting token is no longer accepted" },
  4501: { type: "exp-token", msg: "The meeting token has expired" },
  4502: { type: "ejected", msg: "Ejected from the meeting" },
  4503: { type: "exp-room", msg: "The meeting has ended" },
  4504: { type: "ejected", msg: "Somebody else took this seat" },
};

/** What a room that put everybody out when its time was over gives for a reason: a name, and not somebody's words. */
const CLOSED = "closed";

/** Why `join` failed, as the payload of `error`. @param {unknown} error @param {string} uri */
export function faultAtJoin(error, uri) {
  const msg = error instanceof Error ? error.message : String(error);
  const refusal = error instanceof RolecallError && error.code !== 0 ? error : undefined;
  const type = refusal && AT_THE_DOOR[refusal.reason];
  return type ? fault(type, msg) : connectionFault("join", msg, error, uri);
}

/** Whether a room let nobody in without having him knock first. @param {unknown} error */
export function isDoor(error) {
  return error instanceof RolecallError && error.reason === "private" && error.data.knocking === true;
}

/** Why nobody will be let in who knocked; nothing where he may try again. @param {unknown} error @param {string} uri */
export function faultAtDoor(error, uri) {
  // That the room's address is right is known: it is his name which is no good.
  const final = error instanceof RolecallError && error.reason !== "bad-params" && AT_THE_DOOR[error.reason];
  return final ? faultAtJoin(error, uri) : undefined;
}

/** Why a call that was joined is over. @param {{ code: number, reason: string, text?: string, error?: unknown }} closed @param {string} uri */
export function faultAtClose({ code, reason, text, error }, uri) {
  const ending = ENDINGS[code];
  if (ending) return fault(ending.type, text && text !== CLOSED ? text : ending.msg);
  return error instanceof RolecallError && AT_THE_DOOR[error.reason]
    ? faultAtJoin(error, uri)
    : connectionFault("reconnect", `The connection was lost: ${code} ${reason}`, error, uri);
}

/** @param {FatalType} type @param {string} msg @returns {{ errorMsg: string, error: any }} */
export function fault(type, msg) {
  return { errorMsg: msg, error: { type, msg } };
}

/** @param {"join" | "reconnect"} on @param {string} msg @param {unknown} cause @param {string} uri */
function connectionFault(on, msg, cause, uri) {
  const sourceError = cause instanceof RolecallError ? { message: cause.message, reason: cause.reason, code: cause.code, ...cause.data } : { message: msg };
  return { errorMsg: msg, error: { type: "connection-error", msg, details: { on, sourceError, uri } } };
}

/** What the console says of an update that was not made. @param {string} what @param {string | null} id @param {string} reason */
export function skipping(what, id, reason) {
  const whom = id === null ? "" : ` to participant ${id}`;
  switch (what) {
    case "updatePermissions":
      return reason === "unknown-peer"
        ? `not allowed to apply requested updates to unknown participant ${id}'s permissions; skipping`
        : `not allowed to apply requested updates${whom}'s permissions; skipping (${reason})`;
    case "eject":
      return reason === "self" ? "not allowed to eject local participant (use leave() instead); skipping" : `not allowed to eject participant ${id}; skipping (${reason})`;
    default:
      return `update ${what} can't be applied${whom}; skipping (${reason})`;
  }
}
