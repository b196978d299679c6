/** @file Packs the client as npm would publish it, and makes empty projects that have nothing but that. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

export const SDK = resolve(import.meta.dirname, "../../sdk");
export const REPOSITORY = resolve(SDK, "..");
const run = promisify(execFile);

/** What `sdk/package.json` says. */
export const manifest = JSON.parse(await readFile(join(SDK, "package.json"), "utf8"));

/** The modules a user may import, as he writes them: `rolecall`, `rolecall/….js`. */
export const entries = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === "object")
  .map(([path, target]) => ({ specifier: path.replace(/^\./, manifest.name), file: target.default.slice(2), types: target.types.slice(2) }));

/** Runs a program to its end; fails with all it said. Resolves to its stdout. */
export async function runs(program, words, options = {}) {
  try {
    const { stdout } = await run(program, words, { maxBuffer: 1 << 26, ...options });
    return stdout;
  } catch (error) {
    throw new Error(`\`${[program, ...words].join(" ")}\` failed\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

/** `npm pack` in `sdk/`, whose own packages must be installed: types and all. Resolves to the tarball, the paths in it, and a `drop` that throws it away. */
export async function pack() {
  const home = await mkdtemp(join(tmpdir(), "rolecall-pack-"));
  const said = await runs("npm", ["pack", "--json", "--loglevel=error", "--foreground-scripts=false", "--pack-destination", home], { cwd: SDK });
  const [{ filename, files }] = JSON.parse(said.slice(said.indexOf("[")));
  return { tarball: join(home, filename), paths: files.map(({ path }) => path), drop: () => rm(home, { recursive: true, force: true }) };
}

/** A project of its own, outside the repository, in which nothing but the tarball is installed. It goes with the test. */
export async function emptyProject(t, tarball, files) {
  const home = await mkdtemp(join(tmpdir(), "rolecall-project-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  await writeFile(join(home, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  await runs("npm", ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", tarball], { cwd: home });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), text);
  }
  return home;
}
