/** @file Daily's words: a participant is hidden, shown with a microphone alone, and may hear one person only. `node daily.mjs URL OWNER_TOKEN` */
import Daily from "rolecall/daily.js";

const [url, token] = process.argv.slice(2);
const join = async (userName, more = {}) => {
  const call = Daily.createCallObject({ allowMultipleCallInstances: true });
  await call.join({ url: `${url}/example`, userName, startVideoOff: true, startAudioOff: true, ...more });
  return call;
};
const [owner, bo, cy] = [await join("Ann", { token }), await join("Bo"), await join("Cy")];
const told = (event) => new Promise((resolve) => cy.once(event, resolve));
const allow = (updatePermissions) => owner.updateParticipant(bo.participants().local.session_id, { updatePermissions });
const shown = new Promise((resolve) => {
  bo.on("participant-updated", ({ participant: { permissions } }) => permissions.hasPresence && permissions.canReceive.base === false && resolve(permissions));
});

allow({ hasPresence: false });
const left = await told("participant-left");
console.log(`cy: ${left.participant.user_name} left, ${left.reason}`);
allow({ canSend: ["audio"], canReceive: { base: false, byUserId: { [owner.participants().local.user_id]: true } } });
allow({ hasPresence: true });
const { participant } = await told("participant-joined");
console.log(`cy: ${participant.user_name} joined, may send ${[...participant.permissions.canSend]}`);
console.log("bo may receive", JSON.stringify((await shown).canReceive));
for (const call of [cy, bo, owner]) await call.destroy();
