/** @file The pages themselves: a phone's width, both colour schemes, the keyboard, hostile names, missing and bad tokens. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openHouse, PHONE, setStage } from "./stage.mjs";

const LONG = "Maximiliane-Alexandra".repeat(6);
const MARKUP = '<img src=x onerror="window.hacked=true"><b>Mal</b>';

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

test("every page fits a phone, dark and light, whatever the names", async (t) => {
  const stage = await setStage(t, house);
  const phone = { viewport: PHONE, colorScheme: "dark" };
  const first = await stage.open("first page", stage.server.origin, phone);
  await first.sees("open-owner");
  await first.fits();
  await first.photograph("first-page-phone");
  const desk = await stage.open("first page", stage.server.origin);
  await desk.sees("open-participant");
  await desk.photograph("first-page");

  const owner = await stage.owner(phone);
  const wide = await stage.owner();
  const form = await stage.open("form", stage.link("participant.html"), phone);
  await form.sees("join-name");
  await form.fits();
  const bo = await stage.participant(LONG, phone);
  const mal = await stage.participant(MARKUP, { viewport: PHONE });
  await bo.fits();
  await bo.presses("ask-presence");
  await mal.presses("ask-presence");
  await owner.at("request").nth(1).waitFor();
  await owner.fits();
  await owner.presses("admit-all");
  for (const name of [LONG, MARKUP]) await owner.gives(name, "attendee", "offer-role");
  await bo.sees("role-offer");
  await mal.sees("role-offer");
  await bo.fits();
  await mal.fits();
  await owner.fits();
  await bo.writes("message-input", "x".repeat(500));
  await bo.presses("message-send");
  await owner.sees("message");
  await owner.fits();
  await owner.page.locator("[data-testid=log-line] summary").first().click();
  await owner.fits();
  await owner.photograph("owner-phone-dark");
  await bo.photograph("participant-phone-dark");
  await mal.photograph("participant-phone-light");
  await wide.row(MARKUP).waitFor();
  await wide.photograph("owner-long-names");
  for (const actor of [owner, wide, bo, mal]) assert.equal(await actor.page.evaluate(() => window.hacked), undefined, "a name is never markup");
  await bo.presses("accept-role");
  await bo.sees("standing", { role: "attendee" });
  await bo.fits();
  stage.calm();
});

test("everything works from the keyboard", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.open("Bo", stage.link("participant.html", { name: "Bo" }));
  await bo.sees("join-name");
  await bo.page.keyboard.press("Enter");
  await bo.reads("my-name", "Bo");

  // An offer takes the focus only where nothing else has it, and gives it back.
  await bo.page.locator("h1:focus").waitFor();
  await owner.gives("Bo", "attendee", "offer-role");
  await bo.page.locator("[data-testid=accept-role]:focus").waitFor();
  await bo.page.keyboard.press("Enter");
  await bo.sees("standing", { role: "attendee" });
  await bo.page.locator("h1:focus").waitFor();

  await bo.at("message-input").focus();
  await owner.gives("Bo", "waiting", "offer-role");
  await bo.sees("role-offer");
  assert.equal(await bo.page.evaluate(() => document.activeElement.dataset.testid), "message-input", "whoever writes is not interrupted");
  await bo.at("reject-role").focus();
  await bo.page.keyboard.press("Space");
  await bo.misses("role-offer");

  // The modal question keeps the focus, and Escape gives it back.
  await owner.at("remove", {}, owner.row("Bo")).focus();
  await owner.page.keyboard.press("Enter");
  await owner.sees("ask");
  assert.ok(await owner.page.evaluate(() => document.querySelector("[data-testid=ask]").contains(document.activeElement)));
  await owner.page.keyboard.press("Escape");
  await owner.misses("ask");
  await owner.page.locator("[data-testid=remove]:focus").waitFor();
  await owner.row("Bo").waitFor();
  stage.calm();
});

test("every control of both pages has a name", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  await bo.presses("ask-presence");
  await owner.sees("request");
  for (const actor of [owner, bo]) {
    const nameless = await actor.page.evaluate(() => [...document.querySelectorAll("button, input, select, a")]
      .filter((node) => node.checkVisibility())
      .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() || node.closest("label")?.textContent.trim()))
      .map((node) => node.outerHTML));
    assert.deepEqual(nameless, [], `${actor.name} has controls without a name`);
  }
  stage.calm();
});

test("the log is filtered, paused and cleared", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  await stage.participant("Bo");
  await owner.sees("log-line", { method: "participant-joined" });
  await owner.writes("log-filter", "counts");
  await owner.misses("log-line", { method: "participant-joined" });
  await owner.sees("log-line", { method: "counts-updated" });
  await owner.writes("log-filter", "");
  await owner.presses("log-pause");
  const before = await owner.count("log-line");
  await stage.participant("Cy");
  await owner.reads("log-count", "new while paused");
  assert.equal(await owner.count("log-line"), before);
  await owner.presses("log-pause");
  await owner.reads("log-line", "Cy");
  await owner.presses("log-clear");
  await owner.reads("log-count", "0 of 0 lines");
  stage.calm();
});

test("links carry the token along, out of the query", async (t) => {
  const stage = await setStage(t, house);
  const url = new URL(stage.server.owner); // as the server printed it
  const token = url.searchParams.get("token") ?? new URLSearchParams(url.hash.slice(1)).get("token");
  const room = url.searchParams.get("room");
  const first = await stage.open("first page", `${stage.server.origin}/?room=${room}&token=${token}`);
  await first.misses("no-token");
  const door = await first.at("open-participant").getAttribute("href");
  assert.ok(!door.includes(token) && door.includes(room), "a guest's door keeps the room but not the owner's token");
  await first.presses("open-owner");
  await first.sees("row");
  await first.sees("chip-owner");
  const opened = new URL(first.page.url());
  assert.equal(opened.searchParams.get("token"), null);
  assert.equal(new URLSearchParams(opened.hash.slice(1)).get("token"), token);
  assert.equal(opened.searchParams.get("room"), room);
  const invite = await first.at("invite-link").inputValue();
  assert.ok(!invite.includes(token), "an invite never carries the owner's token");
  assert.equal(invite, stage.server.participant, "the invite is the printed link");
  const guest = await stage.open("guest", stage.server.participant);
  await guest.sees("join-name");
  stage.calm();
});

test("a missing token is explained, a bad one refused", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const stranger = await stage.open("stranger", stage.link("owner.html"));
  await stranger.sees("state", { state: "joined" });
  await stranger.sees("no-rights");
  await owner.at("row", { role: "waiting" }).waitFor();
  await stranger.presses("mute-all");
  await stranger.sees("toast", { kind: "error" });
  await stranger.reads("toast", "not-allowed");
  await stranger.fits();

  const forger = await stage.open("forger", `${stage.link("owner.html")}#token=not.a.token`);
  await forger.sees("ending", { code: "bad-token" });
  await forger.sees("ending-home");
  await forger.photograph("bad-token");
  stage.calm();
});
