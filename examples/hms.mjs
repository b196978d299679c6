/** @file 100ms's words: a role is offered and accepted, another refused, everybody of a role moved at once. `node hms.mjs URL OWNER_TOKEN BO_TOKEN` */
import { connect } from "rolecall";

const [url, ownerToken, boToken] = process.argv.slice(2);
const owner = await connect({ url, room: "stage:hms", token: ownerToken });
const bo = await connect({ url, room: "stage:hms", token: boToken });
bo.on("role-change-request", ({ request }) => (request.role === "speaker" ? bo.acceptChangeRole(request) : bo.rejectChangeRole(request, "too much honour")));
owner.on("ROLE_UPDATED", ({ from, to, forced }) => console.log(`bo was ${from}, is ${to}${forced ? ", unasked" : ""}`));
for (const role of ["speaker", "moderator"]) {
  const answered = new Promise((resolve) => owner.once("role-change-answered", resolve));
  await owner.changeRoleOfPeer(bo.peerId, role);
  console.log(`${role}: ${(await answered).outcome}`);
}
console.log(await owner.changeRoleOfPeersWithRoles(["speaker"], "listener"));
await Promise.all([bo.leave(), owner.leave()]);
