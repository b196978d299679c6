/** @file The first page: four templates to choose from, doors that follow the choice, and a code by which a phone comes in. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import jsQR from "jsqr";
import { PNG } from "pngjs";
import { openHouse, PHONE, setStage } from "./stage.mjs";

const TYPES = ["lobby", "stage", "breakout", "classroom"];

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

/** What a camera would read from the code on a page. */
async function scan(actor) {
  const image = actor.at("invite-qr");
  await image.evaluate((node) => node.decode());
  const { data, width, height } = PNG.sync.read(await image.screenshot());
  return jsQR(new Uint8ClampedArray(data), width, height)?.data;
}

test("each template leads every door into its own room", async (t) => {
  const stage = await setStage(t, house);
  const first = await stage.open("first page", stage.server.owner.replace("owner.html", ""));
  await first.sees("template", { type: "lobby" });
  assert.equal(await first.count("template"), TYPES.length);
  for (const type of TYPES) {
    await first.at("template", { type }).click();
    await first.reads("room", `${type}:demo`);
    for (const door of ["open-owner", "open-participant"]) {
      const link = new URL(await first.at(door).getAttribute("href"));
      assert.equal(link.searchParams.get("room"), `${type}:demo`, `${door} of ${type}`);
    }
    assert.ok(await first.at("template", { type }).locator("img").evaluate((image) => image.decode().then(() => image.naturalWidth > 0)), `${type} has a picture`);
    assert.ok((await first.at("steps").innerText()).split("\n").length > 2, `${type} says what to try`);
    assert.equal(await scan(first), await first.at("invite-link").inputValue(), `the code of ${type} is its link`);
  }
  await first.misses("other-token");
  await first.photograph("first-page-chosen");

  // The choice outlives a reload; arrows choose, too.
  await first.page.reload();
  await first.reads("room", "classroom:demo");
  await first.page.locator("[data-testid=template-choice]:checked").focus();
  await first.page.keyboard.press("ArrowLeft");
  await first.reads("room", "breakout:demo");

  // The one owner link opens all four.
  await first.presses("open-owner");
  await first.sees("state", { state: "joined" });
  await first.sees("chip-owner");
  await first.reads("room-cid", "breakout:demo");
  stage.calm();
});

test("a token for other rooms is told so, and a missing one too", async (t) => {
  const stage = await setStage(t, house);
  const token = await stage.server.token("--user", "ann", "--room", "stage:keynote", "--owner");
  const ann = await stage.open("Ann", `${stage.server.origin}/?room=stage:keynote#token=${token}`);
  await ann.reads("room", "stage:keynote");
  await ann.misses("other-token");
  await ann.at("template", { type: "classroom" }).click();
  await ann.sees("other-token");
  await ann.reads("other-token", "--room classroom:keynote");
  const nobody = await stage.open("nobody", stage.server.origin);
  await nobody.reads("no-token", "--room lobby:demo");
  stage.calm();
});

test("the code opens the room on a phone, as a guest where the room wants a token", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.open("owner", stage.server.owner.replace("lobby:demo", "stage:demo"));
  await owner.sees("state", { state: "joined" });
  const link = await scan(owner);
  assert.equal(link, await owner.at("invite-link").inputValue());
  const phone = await stage.open("phone", link, { viewport: PHONE });
  await phone.writes("join-name", "Phoebe");
  await phone.presses("join-button");
  await phone.sees("standing", { role: "listener" });
  await phone.reads("my-name", "Phoebe");
  await owner.sees("row", { name: "Phoebe", role: "listener" });

  // Reloaded, it is the same guest.
  const user = await owner.at("row-user", {}, owner.row("Phoebe")).textContent();
  assert.match(user, /^guest-/);
  await phone.page.reload();
  await phone.sees("standing", { role: "listener" });
  await owner.at("row-user", {}, owner.row("Phoebe")).filter({ hasText: user }).first().waitFor();

  // The address that a phone finds the server by goes into the link and the code.
  await owner.writes("invite-host", "http://192.168.7.9:7400/somewhere");
  assert.equal(await owner.at("invite-link").inputValue(), "http://192.168.7.9:7400/participant.html?room=stage:demo");
  assert.equal(await scan(owner), "http://192.168.7.9:7400/participant.html?room=stage:demo");
  await owner.writes("invite-host", "javascript:alert(1)");
  assert.equal(await owner.at("invite-link").inputValue(), link);
  stage.calm();
});
