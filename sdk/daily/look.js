/** @file Looks up what access a room would give, over a socket of its own. Nobody comes in. */

import { frameOf } from "../calls.js";
import { closeReason, RolecallError } from "../error.js";
import { Link } from "../link.js";
import { endpointOf } from "../session.js";

/** @typedef {"full" | "lobby" | "none"} Level */

/** What the server says of a knock, and what access that means. @type {Record<string, Level>} */
const LEVELS = { "not-needed": "full", "unknown-room": "full", private: "none", "rate-limited": "lobby", "too-many": "lobby" };

/**
 * Knocks, and takes it back in the same breath: the only question that the server answers without letting somebody in.
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
        link.send(frameOf("knock", "knock", { room, token }));
        link.send(frameOf("leave", "leave", {}));
      },
      onFrame({ id, error }) {
        if (id !== "knock") return;
        const refusal = error && RolecallError.fromWire(error, "knock");
        const level = refusal ? LEVELS[refusal.reason] : "lobby";
        done(() => (level ? resolve(level) : reject(refusal)));
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
