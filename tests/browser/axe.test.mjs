/** @file axe-core looks at every page in every state that matters, dark and light, at a desk and on a phone. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { DESK, openHouse, PHONE, setStage } from "./stage.mjs";

const GRAVE = ["serious", "critical"];

let house;
let source;
before(async () => {
  source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  house = await openHouse();
});
after(() => house?.close());

/** Asserts that axe finds nothing grave on a page as it is, and that it looked. */
async function inspect(actor, state) {
  if (!await actor.page.evaluate(() => "axe" in window)) await actor.page.evaluate(source);
  const { violations, passes } = await actor.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations", "passes"] }));
  assert.ok(passes.length > 10, `axe looked at ${state}`);
  const grave = violations.filter(({ impact }) => GRAVE.includes(impact))
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 4).map(({ html, failureSummary }) => `${html}\n    ${failureSummary}`).join("\n  ")}`);
  assert.deepEqual(grave, [], `${actor.name}, ${state}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of [["desk", DESK], ["phone", PHONE]]) {
    test(`nothing grave on any page, ${colorScheme}, ${size}`, async (t) => {
      const stage = await setStage(t, house);
      const look = { colorScheme, viewport };
      const first = await stage.open("first page", stage.server.owner.replace("owner.html", ""), look);
      await first.sees("template");
      await inspect(first, "templates");
      const bare = await stage.open("first page", stage.server.origin, look);
      await bare.sees("no-token");
      await inspect(bare, "no token");
      const form = await stage.open("form", stage.link("participant.html"), look);
      await form.sees("join-name");
      await inspect(form, "join form");

      const owner = await stage.owner(look);
      const bo = await stage.participant("Bo", look);
      await inspect(bo, "locked out");
      await bo.presses("ask-presence");
      await owner.sees("request");
      await owner.gives("Bo", "attendee", "offer-role");
      await bo.sees("role-offer");
      await inspect(owner, "request and offer");
      await inspect(bo, "asked and offered");
      await owner.pressesInRow("Bo", "why-audio");
      await owner.sees("explain-reason");
      await inspect(owner, "explain");
      await owner.page.keyboard.press("Escape");
      await owner.pressesInRow("Bo", "rights");
      await owner.sees("rights-list");
      await inspect(owner, "rights");
      await owner.page.keyboard.press("Escape");

      await bo.presses("accept-role");
      await bo.sees("standing", { role: "attendee" });
      await bo.presses("toggle-audio");
      await bo.sees("my-audio", { state: "on" });
      await bo.presses("live-video");
      await owner.sees("tile", { name: "Bo", picture: "on" });
      await bo.presses("raise-hand");
      await bo.writes("message-input", "hello");
      await bo.presses("message-send");
      await owner.sees("message");
      await inspect(bo, "sending");
      await inspect(owner, "somebody sends");
      await owner.pressesInRow("Bo", "remove");
      await owner.sees("ask");
      await inspect(owner, "question");
      await owner.presses("ask-confirm");
      await bo.sees("ending");
      await inspect(bo, "removed");
      stage.calm();
    });
  }
}
