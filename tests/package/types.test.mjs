/** @file The tarball's types in a TypeScript project: both ways to resolve modules, without DOM for a backend, every name typed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { emptyProject, entries, pack, runs } from "./packed.mjs";

const TSC = join(import.meta.dirname, "node_modules/typescript/bin/tsc");

let packed;
before(async () => { packed = await pack(); });
after(() => packed?.drop());

/** Says what a program that uses the client means; where it is wrong on purpose, the compiler must say so. */
const CONSUMER = `
import { connect, RolecallError, type Participant, type Rolecall, type TrackKind } from "rolecall";

class Socket {
  constructor(readonly url: string, readonly protocols?: string | string[]) {}
  onopen: unknown; onmessage: unknown; onclose: unknown; onerror: unknown;
  send(data: string): void {}
  close(code?: number, reason?: string): void {}
}

export async function talk(token: () => Promise<string>): Promise<string | null> {
  const room: Rolecall = await connect({ url: "http://localhost", room: "daily:typed", token, WebSocket: Socket, reconnect: { maxDelay: 1000 } });
  const peers: ReadonlyMap<string, Participant> = room.participants;
  const stop: () => void = room.on("participant-updated", ({ participant, changed }) => changed.includes(participant.role));
  room.on("closed", ({ code, willReconnect }) => { const never: false = willReconnect; return void [code.toFixed(), never]; });
  const kinds: TrackKind[] = room.self?.permissions.canSend ?? [];
  const { requestId } = await room.changeRoleOfPeer("p", "host", { force: false });
  await room.updateParticipant("p", { hasPresence: true, canSend: ["audio"], canReceive: { base: { audio: true } }, canAdmin: null });
  // @ts-expect-error no such option
  void connect({ room: "daily:typed", tokens: "" });
  // @ts-expect-error a room is needed
  void connect({});
  // @ts-expect-error no such event
  room.on("participant-vanished", () => {});
  // @ts-expect-error a peer id is a text
  void room.changeRoleOfPeer(7, "host");
  // @ts-expect-error no such kind of track
  void room.setTracks({ smell: true });
  // @ts-expect-error the map is not to be written
  peers.clear();
  stop();
  return requestId ?? (kinds.length ? null : new RolecallError({ code: 0, message: "" }).reason);
}
`;

/** Imports every entry, and fails where one of them came out as \`any\`. */
const EVERY = `
type Typed<T> = 0 extends 1 & T ? never : true;
${entries.map(({ specifier }, at) => `import * as entry${at} from "${specifier}";\nexport const typed${at}: Typed<typeof entry${at}> = true;\nexport const whole${at}: { [Name in keyof typeof entry${at}]: Typed<(typeof entry${at})[Name]> } extends Record<string, true> ? true : never = true;`).join("\n")}
`;

for (const [resolution, module] of [["node16", "node16"], ["bundler", "esnext"]]) {
  test(`a consumer with \`moduleResolution: ${resolution}\` is checked`, async (t) => {
    const common = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, target: "es2022", module, moduleResolution: resolution, skipLibCheck: false };
    const home = await emptyProject(t, packed.tarball, {
      "consumer.ts": CONSUMER,
      "every.ts": EVERY,
      "backend.json": JSON.stringify({ compilerOptions: { ...common, lib: ["es2022"], types: [] }, files: ["consumer.ts"] }),
      "page.json": JSON.stringify({ compilerOptions: { ...common, lib: ["es2022", "dom", "dom.iterable"], types: [] }, files: ["consumer.ts", "every.ts"] }),
    });
    for (const project of ["backend.json", "page.json"]) await runs(process.execPath, [TSC, "--project", project], { cwd: home });
  });
}

test("a consumer that is wrong is told", async (t) => {
  const home = await emptyProject(t, packed.tarball, { "wrong.ts": `import { connect } from "rolecall";\nexport const name: number = (await connect({ room: "daily:x" })).state;\n` });
  const words = ["--noEmit", "--strict", "--target", "es2022", "--module", "node16", "--skipLibCheck", "wrong.ts"];
  await assert.rejects(runs(process.execPath, [TSC, ...words], { cwd: home }), /wrong\.ts\(2,14\).*TS2322/s);
});
