/** @file Daily's words: a participant is hidden, shown with a microphone alone, and may hear one person only. `node daily.mjs URL OWNER_TOKEN` */
import { connect } from "rolecall";

const [url, token] = process.argv.slice(2);
const owner = await connect({ url, room: "daily:example", token, name: "Ann" });
const bo = await connect({ url, room: "daily:example", name: "Bo" });
const cy = await connect({ url, room: "daily:example", name: "Cy" });
const stops = [
  cy.on("participant-left", ({ participant, reason }) => console.log(`cy: ${participant.name} left, ${reason}`)),
  cy.on("participant-joined", ({ participant }) => console.log(`cy: ${participant.name} joined, may send ${participant.permissions.canSend}`)),
];
await owner.updateParticipant(bo.peerId, { hasPresence: false });
await owner.updateParticipant(bo.peerId, { canSend: ["audio"], canReceive: { base: false, byUserId: { [owner.self.userId]: true } } });
await owner.updateParticipant(bo.peerId, { hasPresence: true });
await cy.ping();
console.log("bo may receive", JSON.stringify(bo.self.permissions.canReceive));
for (const stop of stops) stop();
for (const room of [cy, bo, owner]) await room.leave();
