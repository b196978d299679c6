/** @file "Why can't Bo speak?": the popover on every right, for owners and participants, by mouse, keyboard and thumb. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openHouse, PHONE, setStage } from "./stage.mjs";

const KINDS = ["audio", "video", "screenVideo", "screenAudio", "customVideo", "customAudio"];

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

test("the owner asks why, is told in plain words, and sees the answer follow", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  await owner.row("Bo").waitFor();
  for (const kind of KINDS) {
    const name = await owner.at(`why-${kind}`, {}, owner.row("Bo")).getAttribute("aria-label");
    assert.match(name, /^Why can't Bo .+\?$/, kind);
  }

  await owner.pressesInRow("Bo", "why-audio");
  await owner.sees("explain", { allowed: "false", right: "audio" });
  await owner.reads("explain-title", "Why can't Bo speak?");
  await owner.reads("explain-verdict", "Not allowed. Bo is hidden, and whoever is hidden sends nothing.");
  await owner.sees("explain-reason", { rule: "role-lacks", speaks: "against" });
  await owner.sees("explain-reason", { rule: "hidden", decides: "" });
  await owner.reads("explain-hint", "Turn on presence to show Bo.");
  await owner.photograph("owner-explain");

  // It stays open while the rights change elsewhere, and says what holds now.
  await bo.presses("ask-presence");
  const other = await stage.owner();
  await other.presses("admit-all");
  await owner.reads("explain-verdict", "Not allowed. Role waiting does not allow it.");
  await owner.reads("explain-hint", "Give Bo a role that allows it: admin, host and attendee, or tick it for Bo on the owner page.");
  await other.gives("Bo", "attendee", "set-role");
  await owner.reads("explain-title", "Why may Bo speak?");
  await owner.reads("explain-verdict", "Allowed. Role attendee allows it.");
  await other.seesInRow("Bo", "track-audio", "off");
  await other.pressesInRow("Bo", "send-audio");
  await owner.reads("explain-verdict", "Not allowed. It was taken from Bo in person.");
  await owner.sees("explain-reason", { rule: "role-grants", speaks: "for" });

  // Whoever is asked about leaves: nothing is left to say.
  await bo.presses("leave");
  await owner.misses("explain");
  stage.calm();
});

test("every right of everybody is in the list, and each is a question", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  await bo.sees("person", { name: "Owner" });

  await owner.pressesInRow("Bo", "rights");
  await owner.reads("explain-title", "What Bo may do");
  await owner.reads("rights-list", "Bo is hidden from the others: role waiting hides whoever holds it.");
  await owner.reads("rights-list", "Receives nothing from everybody.");
  const told = await owner.page.evaluate(() => [...document.querySelectorAll("[data-testid=right]")].map((node) => node.dataset.right));
  for (const right of [...KINDS, "end-call", "mute-users", "update-call-permissions", "start-record-call"]) assert.ok(told.includes(right), right);
  assert.equal(new Set(told).size, told.length, "no right is there twice");
  await owner.presses("right", { right: "end-call" });
  await owner.reads("explain-title", "Why can't Bo end the room for everybody?");
  await owner.sees("explain", { allowed: "false", right: "end-call" });
  await owner.presses("explain-back");
  await owner.sees("rights-list");
  await owner.presses("explain-close");
  await owner.misses("explain");

  // A participant may ask about himself and about whom he sees.
  await bo.at("rights", {}, bo.at("person", { name: "Owner" })).click();
  await bo.reads("explain-title", "What Owner may do");
  await bo.presses("right", { right: "mute-users" });
  await bo.reads("explain-title", "Why may Owner mute others?");
  await bo.reads("explain-verdict", "Allowed. Role host allows it.");
  await bo.page.keyboard.press("Escape");
  await bo.misses("explain");
  await bo.presses("my-rights");
  await bo.reads("explain-title", "What you may do");
  await bo.photograph("participant-rights");
  stage.calm();
});

test("the popover is reached, read and left from the keyboard, and is a sheet on a phone", async (t) => {
  const stage = await setStage(t, house);
  await stage.owner();
  const bo = await stage.participant("Bo", { viewport: PHONE });
  await bo.at("why-video").focus();
  await bo.page.keyboard.press("Enter");
  await bo.page.locator("[data-testid=explain-title]:focus").waitFor();
  await bo.reads("explain-title", "Why can't you show a camera?");
  await bo.reads("explain-hint", "Ask for presence");
  const { sheet, height, width } = await bo.at("explain").evaluate((node) => ({ sheet: node.getBoundingClientRect().toJSON(), height: window.innerHeight, width: window.innerWidth }));
  assert.ok(Math.abs(sheet.bottom - height) < 1 && sheet.left === 0 && Math.abs(sheet.right - width) < 1, JSON.stringify(sheet));
  await bo.fits();
  await bo.page.screenshot({ path: `${house.screenshots}/participant-explain-phone.png` });
  await bo.page.keyboard.press("Escape");
  await bo.misses("explain");
  await bo.page.locator("[data-testid=why-video]:focus").waitFor();
  stage.calm();
});
