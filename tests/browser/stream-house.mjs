/** @file Pages of another origin that have Stream's SDK for browsers, unmodified: the tests drive it, and read its call's state. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { openDailyHouse } from "./daily-house.mjs";

const FOLDER = join(import.meta.dirname, "stream");

/** The page of a folder as one script, the vendor's SDK in it as it is published. */
export async function bundle(folder = FOLDER) {
  const { build } = createRequire(join(folder, "package.json"))("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(folder, "page.js")],
    bundle: true, write: false, format: "esm", platform: "browser", define: { "process.env.NODE_ENV": '"production"' }, logLevel: "error",
  });
  return outputFiles[0].text;
}

/** A server, and a browser with a camera: `enter(t, user, id, how)` opens a page that is connected as a user and has the call of that id at hand. */
export async function openStreamHouse(settings = {}) {
  const house = await openDailyHouse(settings);
  const { server, pages } = house;
  pages.put("/page.js", await bundle());
  pages.put("/hint", "");
  pages.put("/", '<!doctype html><meta charset="utf-8"><title>stream</title><script type="module" src="/page.js"></script>');
  return {
    ...house,
    async enter(t, user, id, { type = "default", claims = [] } = {}) {
      const { page } = await house.open(`${pages.origin}/`);
      t.after(() => page.close());
      const token = user && await server.token("--user", user, ...claims);
      await page.evaluate((how) => window.begin(how), { address: server.origin, apiKey: "devkey", user: user && { id: user, name: user.toUpperCase() }, token });
      await page.evaluate(([its, one]) => window.open_call(one, its), [type, id]);
      return page;
    },
  };
}
