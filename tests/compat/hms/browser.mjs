/** @file Chromium with a camera that it makes up, and pages of 100ms's SDK in rooms, for roles with media. */
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { openHouse } from "./house.mjs";
import { until } from "./wait.mjs";

const PATIENCE_MS = 20_000;
const HTML = '<!doctype html><html lang="en"><meta charset="utf-8"><title>100ms</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script></html>';

/** The page's script, in which only 100ms's own package is bundled. */
async function bundle() {
  const { outputFiles } = await build({ entryPoints: [join(import.meta.dirname, "page.js")], bundle: true, write: false, format: "esm", logLevel: "error" });
  return outputFiles[0].text;
}

/** A server, pages of another origin than its own, and a browser. */
export async function openStage(settings) {
  const script = await bundle();
  const site = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html").end(isScript ? script : HTML);
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const [house, browser] = await Promise.all([openHouse(settings), chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  })]);
  return new Stage(house, browser, site);
}

class Stage {
  #browser;
  #site;

  constructor(house, browser, site) {
    this.house = house;
    this.#browser = browser;
    this.#site = site;
  }

  /** Somebody's page, in a room. It fails the test where an error went uncaught. */
  async joins(t, name, room, role, config = {}) {
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const actor = new Actor(name, page);
    t.after(async () => {
      await page.close();
      if (actor.complaints.length) throw new Error(actor.complaints.join("\n"));
    });
    // The SDK tells its makers of failures: not from here.
    await page.route(/100ms\.live/, (route) => route.abort());
    await page.goto(`http://127.0.0.1:${this.#site.address().port}/`);
    await page.waitForFunction(() => window.stage);
    await actor.do("join", { userName: name, ...this.house.config(name, room, role), ...config });
    actor.id = await actor.get("selectLocalPeerID");
    return actor;
  }

  async close() {
    await this.#browser.close();
    this.#site.close();
    await this.house.close();
  }
}

class Actor {
  complaints = [];

  constructor(name, page) {
    this.name = name;
    this.page = page;
    page.on("pageerror", (error) => this.complaints.push(`${name}: ${error.stack}`));
  }

  /** Asks the page. */
  #ask(what, ...words) {
    return this.page.evaluate(([one, all]) => window.stage[one](...all), [what, words]);
  }

  do(action, ...words) {
    return this.#ask("do", action, ...words);
  }

  get(selector, ...words) {
    return this.#ask("get", selector, ...words);
  }

  request() {
    return this.#ask("request");
  }

  accept() {
    return this.#ask("accept");
  }

  cut() {
    return this.#ask("cut");
  }

  connections() {
    return this.#ask("connections");
  }

  /** Every notification of these types, in order. */
  async told(...types) {
    const heard = await this.page.evaluate(() => window.stage.heard);
    return heard.filter(({ type }) => types.includes(type));
  }

  /** Waits for a notification of a type that fits. */
  hears(type, fits = () => true) {
    return until(async () => (await this.told(type)).find(({ data }) => fits(data)), `${this.name} hears ${type}`);
  }

  /** What he sends: microphone, camera; `undefined` where he has none. */
  async sends() {
    const { audioTrack, videoTrack } = await this.get("selectLocalPeer");
    const on = async (id) => (id ? (await this.get("selectTrackByID", id))?.enabled : undefined);
    return { audio: await on(audioTrack), video: await on(videoTrack) };
  }

  /** What he is shown of another's camera: on, off, or nothing. */
  async camera(of) {
    const track = await this.get("selectVideoTrackByPeerID", of.id);
    if (!track) return "none";
    return track.enabled ? "on" : "off";
  }
}
