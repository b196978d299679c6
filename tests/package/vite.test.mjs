/** @file The tarball in a Vite build: a bundle holds what is used and nothing else, the whole client is small, and Chromium runs it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { build, preview } from "vite";
import { startServer } from "../browser/server.mjs";
import { emptyProject, entries, pack, SDK } from "./packed.mjs";

/** The whole native client with live media, minified and compressed. */
const CLIENT_BYTES_MAX = 12 * 1024;
const CLIENT = ["rolecall", "rolecall/media.js"];
const PATIENCE_MS = 20_000;

let packed;
before(async () => { packed = await pack(); });
after(() => packed?.drop());

/** Builds a project as Vite does by default. Resolves to its code, and to the package's modules of which something is in it. */
async function bundle(home, input) {
  const { output } = await build({
    root: home,
    configFile: false,
    logLevel: "error",
    // What an entry of a library exports stays; an index.html has nothing to export.
    build: { minify: "esbuild", rollupOptions: { input: join(home, input), preserveEntrySignatures: "strict" } },
  });
  const chunks = output.filter(({ type }) => type === "chunk");
  const used = chunks.flatMap(({ modules }) => Object.entries(modules))
    .filter(([id, { renderedLength }]) => renderedLength > 0 && id.includes("/node_modules/"))
    .map(([id]) => relative(join(home, "node_modules/rolecall"), id));
  return { code: chunks.map(({ code }) => code).join("\n"), used };
}

/** The modules that an entry reaches by its imports, itself included. */
async function reach(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  const text = (await readFile(join(SDK, file), "utf8")).replace(/\/\*[^]*?\*\//g, "");
  for (const [, path] of text.matchAll(/^(?:import|export)[^;]*?from "(\.[^"]+)";/gms)) await reach(join(file, "..", path), found);
  return found;
}

const importAll = entries.map(({ specifier }, at) => `import * as entry${at} from "${specifier}";`).join("\n");

for (const [at, { specifier, file }] of entries.entries()) {
  test(`who uses \`${specifier}\` alone has no other entry in the bundle`, async (t) => {
    const home = await emptyProject(t, packed.tarball, { "main.js": `${importAll}\nexport default Object.keys(entry${at});` });
    const { used } = await bundle(home, "main.js");
    const may = await reach(file);
    assert.ok(used.includes(file), `${file} is in it`);
    assert.deepEqual(used.filter((path) => !may.has(path)), []);
  });
}

test("an import that is not used leaves nothing, one name leaves its module alone", async (t) => {
  const home = await emptyProject(t, packed.tarball, {
    "none.js": `${importAll}\nexport default "nothing";`,
    "one.js": `${importAll}\nexport { RolecallError } from "rolecall";`,
  });
  assert.deepEqual((await bundle(home, "none.js")).used, []);
  assert.deepEqual((await bundle(home, "one.js")).used, ["error.js"]);
});

test(`the whole native client has at most ${CLIENT_BYTES_MAX} bytes, compressed`, async (t) => {
  const measure = async (specifiers) => {
    const home = await emptyProject(t, packed.tarball, { "main.js": specifiers.map((specifier) => `export * from "${specifier}";`).join("\n") });
    const { code } = await bundle(home, "main.js");
    const bytes = gzipSync(code, { level: 9 }).length;
    t.diagnostic(`${specifiers.join(" and ")}: ${bytes} bytes gzipped, ${code.length} minified`);
    return { code, bytes };
  };
  for (const { specifier } of entries) await measure([specifier]);
  const { code, bytes } = await measure(CLIENT);
  for (const part of [/rolecall\.v1/, /setRemoteDescription/]) assert.match(code, part, "it is the client that is measured");
  assert.ok(bytes <= CLIENT_BYTES_MAX, `${bytes} bytes`);
});

test("Chromium runs the bundle: two pages meet in a room", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const home = await emptyProject(t, packed.tarball, {
    "index.html": `<!doctype html><title>packed</title><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>`,
    "main.js": `
      import { connect } from "rolecall";
      const asked = new URLSearchParams(location.search);
      const room = await connect({ url: asked.get("url"), room: "daily:vite", name: asked.get("name") });
      const show = () => { document.title = [...room.participants.values()].map(({ name }) => name).sort().join(" and "); };
      for (const event of ["participant-joined", "participant-left"]) room.on(event, show);
      show();
    `,
  });
  await bundle(home, "index.html");
  const site = await preview({ root: home, configFile: false, logLevel: "error", preview: { host: "127.0.0.1", port: 0 } });
  t.after(() => site.close());
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
  t.after(() => browser.close());
  const complaints = [];
  const open = async (name) => {
    const page = await browser.newPage();
    page.on("pageerror", (error) => complaints.push(`${name}: ${error.stack}`));
    page.on("console", (message) => message.type() === "error" && complaints.push(`${name}: ${message.text()}`));
    await page.goto(`${site.resolvedUrls.local[0]}?${new URLSearchParams({ url: server.origin, name })}`);
    return page;
  };
  const ann = await open("Ann");
  const bo = await open("Bo");
  for (const page of [ann, bo]) await page.waitForFunction(() => document.title === "Ann and Bo", null, { timeout: PATIENCE_MS });
  await bo.close();
  assert.deepEqual(complaints, []);
});
