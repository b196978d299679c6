/** @file The stage of a browser test: a room of its own on the file's one server and one Chromium, and actors who see and press by the pages' hooks. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { startServer } from "./server.mjs";

const SCREENSHOTS = resolve(import.meta.dirname, "../../target/screenshots");
const PATIENCE_MS = 15_000;
export const DESK = { width: 1320, height: 900 };
export const PHONE = { width: 360, height: 740 };

/** The house of a test file, shared by its tests: a server and a browser. Close it when the file is done. */
export async function openHouse() {
  await mkdir(SCREENSHOTS, { recursive: true });
  const [server, browser] = await Promise.all([startServer(), launch()]);
  return {
    server,
    screenshots: SCREENSHOTS,
    /** A page in a context of its own: pages that share one draw seconds late while another is in front. */
    newPage: (viewport, colorScheme) => browser.newPage({ viewport, colorScheme, reducedMotion: "reduce", locale: "en-GB" }),
    async close() {
      await browser.close();
      await server.stop();
    },
  };
}

function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      // A camera and a microphone that are always there and allowed, and connections within this machine.
      "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection"],
  });
}

/** A fresh room, and actors in it. The test fails if any page logged an error. */
export async function setStage(t, house, { type = "lobby", tolerate } = {}) {
  const { server } = house;
  const room = `${type}:${randomUUID().slice(0, 8)}`;
  const pages = [];
  const complaints = [];
  t.after(() => Promise.all(pages.map((page) => page.close())));
  const link = (page, query = {}) => linkFor(`${server.origin}/${page}`, { room, ...query });
  const ownerLink = async () => `${link("owner.html")}#token=${await server.token("--user", "owner", "--name", "Owner", "--room", room, "--owner")}`;

  async function open(name, url, { viewport = DESK, colorScheme = "light", init } = {}) {
    const page = await house.newPage(viewport, colorScheme);
    pages.push(page);
    if (init) await page.addInitScript(init);
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !tolerate?.test(message.text())) complaints.push(`${name}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(`${name}: ${error.stack}`));
    page.on("response", (response) => {
      if (response.status() >= 400) complaints.push(`${name}: ${response.status()} ${response.url()}`);
    });
    await page.goto(url);
    return new Actor(page, name);
  }

  return {
    server,
    room,
    link,
    ownerLink,
    open,
    /** The owner of the room, with a token of his own. */
    owner: async (options) => {
      const owner = await open("owner", await ownerLink(), options);
      await owner.sees("state", { state: "joined" });
      return owner;
    },
    /** A participant who joins at once under a name. */
    participant: async (name, options) => {
      const actor = await open(name, link("participant.html", { name, auto: "1" }), options);
      await actor.sees("state", { state: "joined" });
      await actor.reads("my-name", name);
      return actor;
    },
    /** Asserts that no page logged an error or warning so far. */
    calm: () => assert.deepEqual(complaints, []),
  };
}

/** A link with more in its query. */
export function linkFor(link, more) {
  const url = new URL(link);
  for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
  return url.href;
}

/** `[data-testid="row"][data-name="Bo"]`. */
function selector(hook, data = {}) {
  const rest = Object.entries(data).map(([name, value]) => `[data-${name}=${JSON.stringify(value)}]`);
  return `[data-testid="${hook}"]${rest.join("")}`;
}

class Actor {
  constructor(page, name) {
    this.page = page;
    this.name = name;
  }

  at(hook, data, within = this.page) {
    return within.locator(selector(hook, data));
  }

  /** The owner's row of a participant. */
  row(name, data = {}) {
    return this.at("row", { name, ...data });
  }

  /** Waits until a hook with this data is to be seen. */
  async sees(hook, data) {
    await this.at(hook, data).first().waitFor();
  }

  /** Waits until no such hook is to be seen. */
  async misses(hook, data) {
    await this.at(hook, data).first().waitFor({ state: "hidden" });
  }

  /** Waits until a hook reads so. */
  async reads(hook, text) {
    await this.at(hook).filter({ hasText: text }).first().waitFor();
  }

  /** Waits until a row shows a hook, with a text where one is given. */
  async seesInRow(name, hook, text) {
    const place = this.at(hook, {}, this.row(name));
    await (text ? place.filter({ hasText: text }) : place).first().waitFor();
  }

  /** Waits until a control is disabled. */
  async cannotPress(hook) {
    await this.page.locator(`${selector(hook)}[aria-disabled="true"]`).waitFor();
  }

  async presses(hook, data) {
    await this.at(hook, data).click();
  }

  async pressesInRow(name, hook) {
    await this.at(hook, {}, this.row(name)).click();
  }

  async writes(hook, text) {
    await this.at(hook).fill(text);
  }

  /** Chooses a role in a row and presses `offer-role` or `set-role`. */
  async gives(name, role, how) {
    const row = this.row(name);
    await this.at("role-select", {}, row).selectOption(role);
    await this.at(how, {}, row).click();
  }

  /** How often a hook is to be seen right now. */
  async count(hook, data) {
    return this.at(hook, data).count();
  }

  /** The `seq` of every line of the log, in order. */
  async seqs() {
    return this.page.locator("[data-testid=log-line][data-seq]").evaluateAll((lines) => lines.map((line) => Number(line.dataset.seq)));
  }

  async photograph(file) {
    // A picture of the whole page starts at its top, where the header sticks.
    await this.page.evaluate(() => window.scrollTo(0, 0));
    await this.page.screenshot({ path: join(SCREENSHOTS, `${file}.png`), fullPage: true, animations: "disabled" });
  }

  /** Asserts that the page is no wider than its window, and names what sticks out. */
  async fits() {
    const wide = await this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return null;
      const out = [...document.querySelectorAll("body *")].filter((node) => node.getBoundingClientRect().right > clientWidth + 1);
      return { scrollWidth, clientWidth, out: out.slice(0, 5).map((node) => node.dataset.testid ?? node.className ?? node.tagName) };
    });
    assert.equal(wide, null, `${this.name} scrolls sideways: ${JSON.stringify(wide)}`);
  }
}
