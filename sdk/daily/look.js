/** @file Looks up what access a room would give, over a socket of its own. Nobody comes in. */

import { frameOf } from "../calls.js";
import { closeReason, RolecallError } from "../error.js";
import { Link } from "../link.js";
import { endpointOf } from "../session.js";

/** @typedef {"full" | "lobby" | "none"} Level */

/**
 * Asks what would become of coming in.
 * @param {object} where
 * @param {string} where.url
 * @param {string} where.room
 * @param {string | undefined} where.token
 * @param {import("../link.js").WebSocketClass} where.WebSocket
 * @param {number} where.timeout milliseconds
 * @returns {Promise<Level>}
 */
export function lookUpAccess({ url, room, token, WebSocket, timeout }) {
  return new Promise((resolve, reject) => {
    const failed = (/** @type {string} */ why) => done(() => reject(RolecallError.local("connection-failed", `could not connect: ${why}`)));
    const timer = setTimeout(() => failed("timeout"), timeout);
    const link = new Link(WebSocket, endpointOf(url), {
      onOpen() {
        link.send(frameOf("access", "access", { room, token }));
      },
      onFrame({ id, result, error }) {
        if (id !== "access") return;
        const found = /** @type {{ access: Level, error: typeof error }} */ (result);
        // A private room without a lobby gives no access; whatever else keeps him out is told as such.
        const refusal = error ?? (found.access === "none" && found.error?.data.reason !== "private" ? found.error : undefined);
        done(() => (refusal ? reject(RolecallError.fromWire(refusal, "access")) : resolve(found.access)));
      },
      onEnd: (code, reason) => failed(`${code} ${closeReason(code, reason)}`),
      onGarbage: (error) => failed(error.message),
    });

    /** @param {() => void} settle */
    function done(settle) {
      clearTimeout(timer);
      link.end(1000);
      settle();
    }
  });
}
