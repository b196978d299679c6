/** @file The facade has Daily's types: held against the official typings under `--strict`, and facades that are wrong on purpose are found out. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { after, before, test } from "node:test";
import ts from "typescript";

const HERE = import.meta.dirname;
const FACADE = resolve(HERE, "../../sdk/daily.js");

let folder;
before(async () => { folder = await mkdtemp(join(HERE, "check-")); });
after(() => rm(folder, { recursive: true, force: true }));

/** The names under which `subset.ts` knows the facade's types. */
const NAMES = (from) => `
export { default } from ${JSON.stringify(from)};
import type { DailyCall } from ${JSON.stringify(from)};
import type * as Types from ${JSON.stringify(from.replace("daily.js", "daily/types.js"))};
export type Facade = DailyCall;
export type Events = Types.CallEvents;
export type { Participant, Participants, Permissions, PermissionsUpdate, ParticipantUpdate } from ${JSON.stringify(from.replace("daily.js", "daily/types.js"))};
`;

/** What the compiler says of the subset over a facade. */
async function complaints(facade, name) {
  const text = await readFile(join(HERE, "subset.ts"), "utf8");
  const [facadeFile, subsetFile] = [join(folder, `${name}-facade.ts`), join(folder, `${name}.ts`)];
  await writeFile(facadeFile, facade);
  await writeFile(subsetFile, text.replace('"FACADE"', `"./${name}-facade.ts"`));
  const program = ts.createProgram([subsetFile], {
    strict: true, noEmit: true, allowJs: true, checkJs: false, allowImportingTsExtensions: true, skipLibCheck: true,
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"], types: [],
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? `${relative(folder, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : "";
    return line + ts.flattenDiagnosticMessageText(messageText, "\n");
  });
}

const path = relative(join(HERE, "check-xxxxxx"), FACADE);

test("the facade is assignable to Daily's client, as far as it serves it", async () => {
  assert.deepEqual(await complaints(NAMES(path), "right"), []);
});

/** A facade of which something is another. */
const wrong = (members, types = "") => `
import Right, { type Facade as RightFacade, type Events as RightEvents, type Participant as RightParticipant, type Permissions as RightPermissions } from "./right-facade.ts";
export type { Participants, PermissionsUpdate, ParticipantUpdate } from "./right-facade.ts";
type Change = { ${members} };
export type Facade = Omit<RightFacade, keyof Change> & Change;
${types.includes("type Events") ? "" : "export type Events = RightEvents;"}
${types.includes("type Participant ") ? "" : "export type Participant = RightParticipant;"}
${types.includes("type Permissions ") ? "" : "export type Permissions = RightPermissions;"}
${types}
declare const Daily: Omit<typeof Right, "createCallObject" | "getCallInstance"> & { createCallObject(options?: any): Facade; getCallInstance(id?: string): Facade | undefined };
export default Daily;
`;

for (const [name, facade] of Object.entries({
  "an update that is a promise": wrong("updateParticipant(id: string, update: any): Promise<void>;"),
  "a join that tells a number": wrong("join(options?: any): Promise<number>;"),
  "counts without the hidden": wrong("participantCounts(): { present: number };"),
  "a state that Daily does not know": wrong('meetingState(): "here" | "there";'),
  "messages to one only": wrong("sendAppMessage(data: any, to: number): Facade;"),
  "a local flag that is a number": wrong("localVideo(): number;"),
  "no waiting room": wrong("waitingParticipants(): string[];"),
  "permissions as lists": wrong("", "export type Permissions = { hasPresence: boolean; canSend: string[]; canReceive: RightPermissions['canReceive']; canAdmin: boolean };"),
  "a participant without an id": wrong("", "export type Participant = Omit<RightParticipant, 'session_id'>;"),
  "an event with another reason": wrong("", "export type Events = Omit<RightEvents, 'participant-left'> & { 'participant-left': { action: 'participant-left'; callClientId: string; participant: RightParticipant; reason: 'kicked' } };"),
  "an event that Daily does not have": wrong("", "export type Events = RightEvents & { 'participant-danced': { action: 'participant-danced'; callClientId: string } };"),
})) {
  test(`found out: ${name}`, async () => {
    const said = await complaints(facade, name.replace(/\W/g, "-"));
    assert.notDeepEqual(said, []);
    // It is Daily's typings that object, and not the facade that does not compile.
    assert.ok(said.every((line) => !/-facade\.ts:/.test(line)), said.join("\n"));
  });
}
