/** @file Stream's words: a call type's grants are the own_capabilities of a user, and change under his feet. `node stream.mjs URL KEY SECRET` */
import { StreamClient } from "@stream-io/node-sdk";
import { connect } from "rolecall";

const [basePath, key, secret] = process.argv.slice(2);
const client = new StreamClient(key, secret, { basePath });
await client.upsertUsers([{ id: "ann" }, { id: "bo" }]);
await client.video.createCallType({ name: "example", grants: { user: ["join-call", "read-call", "send-audio", "send-video"] } });
const call = client.video.call("example", "weekly");
await call.getOrCreate({ data: { created_by_id: "ann" } });
const bo = await connect({ url: basePath, room: "example:weekly", token: client.generateUserToken({ user_id: "bo" }) });
const say = () => console.log(`own_capabilities: ${bo.self.capabilities.join(" ")}`);
say();
bo.on("participant-updated", say);
await call.updateUserPermissions({ user_id: "bo", revoke_permissions: ["send-video"] });
await client.video.updateCallType({ name: "example", grants: { user: ["join-call", "read-call"] } });
await bo.ping();
await bo.leave();
