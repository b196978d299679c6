/** @file What Daily's words cannot say never widens a right: rows of the table in docs/VOCABULARY.md that only this facade can test. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { participantOf } from "../daily/participant.js";
import { read, write } from "../daily/permissions.js";
import { KINDS, mayReceive } from "../media/kinds.js";

const ONLY_SOUND = { audio: true, video: false, screenVideo: false, screenAudio: true, customVideo: { "*": false, slides: true }, customAudio: { "*": true } };

/** Whom somebody receives, as roles and people say it. @type {import("../wire.js").CanReceive[]} */
const RECEPTIONS = [
  { base: true },
  { base: false },
  { base: ONLY_SOUND },
  { base: false, byRole: { speaker: true } },
  { base: true, byRole: { speaker: false } },
  { base: true, byRole: { speaker: { video: false }, listener: { customAudio: { "*": true, music: false } } } },
  { base: ONLY_SOUND, byRole: { speaker: { audio: false, customVideo: { "*": false } }, listener: true }, byUserId: { bo: true } },
  { base: true, byRole: { speaker: true, listener: false }, byParticipantId: { "p-bo": { audio: true } } },
];

/** @param {import("../wire.js").CanReceive} canReceive @returns {any} */
const permissions = (canReceive) => ({ hasPresence: true, canSend: ["audio"], canAdmin: [], canReceive });

const SENDERS = ["speaker", "listener", "host"].flatMap((role) => [{ peerId: "p-bo", userId: "bo", role }, { peerId: "p-cy", userId: "cy", role }]);

test("receiving_by_role", () => {
  for (const canReceive of RECEPTIONS) {
    const so = { permissions: permissions(canReceive) };
    const shown = /** @type {any} */ (read(so.permissions));
    assert.ok(!("byRole" in shown.canReceive));
    for (const sender of SENDERS) {
      for (const kind of KINDS) {
        const says = mayReceive({ permissions: shown }, sender, kind);
        assert.ok(!says || mayReceive(so, sender, kind), `${kind} of ${JSON.stringify(sender)} by ${JSON.stringify(canReceive)}`);
        if (!canReceive.byRole) assert.equal(says, mayReceive(so, sender, kind));
      }
    }
  }
  const { canReceive } = read(permissions({ base: true, byRole: { speaker: { customVideo: { "*": true, slides: false } } } }));
  assert.deepEqual(/** @type {any} */ (canReceive.base).customVideo, { "*": true, slides: false });
});

test("receiving_by_role_written_back", () => {
  for (const canReceive of RECEPTIONS) {
    const held = permissions(canReceive);
    const patch = /** @type {any} */ (write(read(held), held).canReceive);
    if (canReceive.byRole) assert.ok(!("base" in patch), "what the role says by role stays");
    else assert.deepEqual(patch.base, canReceive.base);
    assert.deepEqual([patch.byUserId, patch.byParticipantId], [canReceive.byUserId, canReceive.byParticipantId]);
    const other = canReceive.base === false;
    assert.deepEqual(write({ canReceive: { base: other } }, held).canReceive, read(held).canReceive.base === other ? {} : { base: other }, "what is not as it was read is said");
  }
});

test("a_role_in_daily", () => {
  const held = permissions({ base: true });
  const wire = /** @type {any} */ ({
    peerId: "p-bo", userId: "bo", name: "Bo", role: "moderator", owner: false, joinedAt: "2026-01-01T00:00:00.000Z", metadata: null,
    permissions: { ...held, canSend: [] }, capabilities: ["end-call", "mute-users"], tracks: Object.fromEntries(KINDS.map((kind) => [kind, "blocked"])), handRaised: true, connected: true,
  });
  const shown = participantOf(wire, { local: false, stateOf: () => /** @type {any} */ ({ state: "off", subscribed: true }) });
  assert.deepEqual([shown.permissions.canAdmin, shown.permissions.canSend, shown.owner], [false, false, false]);
  assert.ok(!/moderator|end-call|mute-users/.test(JSON.stringify(shown)), "neither a role nor what it gives beside Daily's words");
});
