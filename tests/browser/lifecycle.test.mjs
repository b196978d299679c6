/** @file The permissions lifecycle in real browsers: locked out, admitted, promoted, demoted, hidden, denied, removed, reconnected. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startProxy } from "./proxy.mjs";
import { openHouse, setStage } from "./stage.mjs";

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

test("a newcomer is locked out, admitted, promoted, demoted and hidden again", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");

  // Locked out: hidden, nothing to send, and the owner sees him waiting.
  await bo.sees("standing", { hidden: "true", role: "waiting" });
  await bo.sees("can-send-audio", { allowed: "false" });
  await bo.sees("my-audio", { state: "blocked" });
  await bo.cannotPress("toggle-audio");
  await bo.reads("reason-audio", "you are hidden");
  await owner.seesInRow("Bo", "chip-waiting");
  await owner.sees("row", { name: "Bo", presence: "false", role: "waiting" });
  const cy = await stage.participant("Cy");
  await cy.sees("person");
  assert.equal(await cy.count("person", { name: "Bo" }), 0, "nobody sees whom no presence shows");
  await bo.photograph("participant-locked-out");

  // He asks; the owner is told and admits.
  await bo.presses("ask-presence");
  await bo.cannotPress("ask-presence");
  await bo.reads("waiting", "presence");
  await owner.sees("request", { name: "Bo" });
  await owner.seesInRow("Bo", "chip-asking", "presence");
  await owner.photograph("owner-request");
  await owner.at("admit", {}, owner.at("request", { name: "Bo" })).click();
  await bo.sees("standing-answer", { granted: "true" });
  await bo.sees("standing", { hidden: "false", role: "waiting" });
  await owner.sees("row", { name: "Bo", presence: "true" });
  await owner.sees("requests-empty");
  await cy.sees("person", { name: "Bo" });
  await bo.sees("my-audio", { state: "blocked" });
  await bo.reads("reason-audio", "may not send it");

  // The owner offers a role; he accepts; what he gains starts off.
  await owner.gives("Bo", "attendee", "offer-role");
  await bo.sees("role-offer", { role: "attendee" });
  await bo.reads("offer-term", /expires in \d+ s/);
  await owner.sees("offer", { role: "attendee" });
  await owner.seesInRow("Bo", "chip-offer", "attendee offered");
  await bo.photograph("participant-role-offer");
  await bo.presses("accept-role");
  await bo.misses("role-offer");
  await bo.sees("standing", { hidden: "false", role: "attendee" });
  await owner.sees("row", { name: "Bo", role: "attendee" });
  await owner.sees("offers-empty");
  await owner.reads("toast", "was accepted");
  await bo.sees("my-audio", { state: "off" });
  await bo.sees("can-send-audio", { allowed: "true" });

  // He turns his audio on, for everybody to see.
  await bo.presses("toggle-audio");
  await bo.sees("my-audio", { state: "on" });
  await owner.seesInRow("Bo", "track-audio", "on");
  await cy.at("person", { name: "Bo" }).filter({ hasText: "sends audio" }).waitFor();
  await bo.photograph("participant-sending");
  await owner.photograph("owner-participant-sending");

  // Demoted by force: the track stops at once. The presence he was given outlives the role.
  await owner.gives("Bo", "waiting", "set-role");
  await bo.sees("my-audio", { state: "blocked" });
  await bo.cannotPress("toggle-audio");
  await bo.sees("standing", { hidden: "false", role: "waiting" });
  await bo.sees("can-send-audio", { allowed: "false" });
  await owner.seesInRow("Bo", "track-audio", "blocked");
  await owner.sees("row", { name: "Bo", role: "waiting", presence: "true" });
  await cy.at("person", { name: "Bo" }).filter({ hasText: "sends nothing" }).waitFor();
  await bo.photograph("participant-demoted");

  // Hidden again by the switch: locked out as at the start, away for the others.
  await owner.pressesInRow("Bo", "presence");
  await bo.sees("standing", { hidden: "true", role: "waiting" });
  await owner.sees("row", { name: "Bo", role: "waiting", presence: "false" });
  await cy.misses("person", { name: "Bo" });
  await bo.photograph("participant-hidden-again");

  // Promoted again he stays hidden until he is shown, and his audio stays off until he turns it on.
  await owner.gives("Bo", "attendee", "set-role");
  await bo.sees("standing", { hidden: "true", role: "attendee" });
  await bo.sees("my-audio", { state: "blocked" });
  await owner.seesInRow("Bo", "chip-hidden");
  await owner.pressesInRow("Bo", "presence");
  await bo.sees("standing", { hidden: "false", role: "attendee" });
  await bo.sees("my-audio", { state: "off" });
  await cy.sees("person", { name: "Bo" });

  // Hidden in a role that shows: away for the others, marked for the owner.
  await owner.pressesInRow("Bo", "presence");
  await bo.sees("standing", { hidden: "true", role: "attendee" });
  await bo.sees("my-audio", { state: "blocked" });
  await owner.seesInRow("Bo", "chip-hidden");
  await cy.misses("person", { name: "Bo" });
  await bo.photograph("participant-hidden");
  await owner.pressesInRow("Bo", "presence");
  await bo.sees("standing", { hidden: "false" });
  await cy.sees("person", { name: "Bo" });

  for (const actor of [owner, bo, cy]) {
    const seqs = await actor.seqs();
    assert.ok(seqs.length > 3, `${actor.name} has a log`);
    assert.ok(seqs.every((seq, index) => index === 0 || seq > seqs[index - 1]), `${actor.name} is told in order: ${seqs}`);
  }
  for (const method of ["participant-joined", "participant-updated", "permission-request", "permission-request-answered", "role-change-answered", "ROLE_UPDATED", "counts-updated"]) {
    assert.ok(await owner.count("log-line", { method }), `the owner's log has ${method}`);
  }
  stage.calm();
});

test("a denied request tells why, and may be made again", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  await bo.presses("ask-presence");
  await owner.sees("request", { name: "Bo" });
  await owner.writes("answer-reason", "the class is full");
  await owner.presses("deny");
  await bo.sees("standing-answer", { granted: "false" });
  await bo.reads("standing-answer", "the class is full");
  await bo.sees("standing", { hidden: "true" });
  await owner.sees("row", { name: "Bo", presence: "false" });
  await owner.misses("request");
  await bo.photograph("participant-denied");

  await bo.presses("ask-presence");
  await bo.presses("ask-send-audio");
  await owner.reads("admit-all", "Admit all (2)");
  await owner.presses("admit-all");
  await bo.sees("standing", { hidden: "false" });
  await bo.sees("my-audio", { state: "off" });
  await bo.misses("ask-send-audio");
  await owner.sees("requests-empty");
  stage.calm();
});

test("an offer is rejected with a reason, and another one cancelled", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  await owner.gives("Bo", "attendee", "offer-role");
  await bo.sees("role-offer", { role: "attendee" });
  await bo.writes("reject-reason", "only listening today");
  await bo.presses("reject-role");
  await bo.misses("role-offer");
  await owner.reads("toast", "only listening today");
  await owner.misses("offer");
  await bo.sees("standing", { role: "waiting" });

  await owner.gives("Bo", "attendee", "offer-role");
  await bo.sees("role-offer");
  await owner.presses("cancel-offer");
  await bo.misses("role-offer");
  await owner.sees("offers-empty");
  await bo.sees("standing", { role: "waiting" });
  stage.calm();
});

test("roles change in bulk, and a bulk change onto its own source is refused", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const crowd = [];
  for (const name of ["Ana", "Bo", "Cy"]) crowd.push(await stage.participant(name));
  await owner.row("Cy").waitFor();

  await owner.page.locator("[data-testid=bulk-role][value=waiting]").check();
  await owner.at("bulk-to").selectOption("waiting");
  await owner.presses("bulk-apply");
  await owner.sees("toast", { kind: "error" });
  await owner.reads("toast", "target-in-source");
  await owner.photograph("owner-refused");

  await owner.at("bulk-to").selectOption("attendee");
  await owner.presses("bulk-apply");
  await owner.reads("toast", "3 changed, 0 skipped");
  for (const actor of crowd) {
    await actor.sees("standing", { hidden: "false", role: "attendee" });
    await owner.sees("row", { name: actor.name, role: "attendee", presence: "true" });
  }
  assert.equal(await owner.count("row", { role: "waiting" }), 0);
  stage.calm();
});

test("the owner ticks single tracks, mutes, and both sides talk", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  await owner.pressesInRow("Bo", "presence");
  await owner.pressesInRow("Bo", "send-video");
  await bo.sees("my-video", { state: "off" });
  await bo.sees("my-audio", { state: "blocked" });
  await bo.presses("toggle-video");
  await owner.seesInRow("Bo", "track-video", "on");

  await owner.pressesInRow("Bo", "mute");
  await bo.sees("my-video", { state: "off" });
  await bo.presses("toggle-video");
  await owner.seesInRow("Bo", "track-video", "on");
  await owner.pressesInRow("Bo", "send-video");
  await bo.sees("my-video", { state: "blocked" });

  await bo.presses("why-video");
  await bo.reads("explain-title", "Why can't you show a camera?");
  await bo.reads("explain-reason", "Role waiting does not allow it");
  await bo.presses("explain-close");
  await owner.gives("Bo", "attendee", "set-role");
  // Pressed before the role is there, the role would take it back.
  await owner.seesInRow("Bo", "track-audio", "off");
  await owner.pressesInRow("Bo", "send-audio");
  await bo.reads("reason-audio", "switched off for you");
  await bo.presses("raise-hand");
  await owner.seesInRow("Bo", "chip-hand");
  await bo.writes("message-input", "<b>hello</b> & good morning");
  await bo.page.keyboard.press("Enter");
  await owner.reads("message", "<b>hello</b> & good morning");
  await owner.writes("message-input", "welcome");
  await owner.presses("message-send");
  await bo.reads("message", "welcome");
  stage.calm();
});

test("a removed participant reads so and may come back; an ended room says so to everybody", async (t) => {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const bo = await stage.participant("Bo");
  const cy = await stage.participant("Cy");
  await owner.row("Cy").waitFor();

  await owner.pressesInRow("Bo", "remove");
  await owner.writes("ask-reason", "off topic");
  await owner.presses("ask-confirm");
  await bo.sees("ending", { code: "4502" });
  await bo.reads("ending-reason", "off topic");
  await owner.misses("row", { name: "Bo" });
  await bo.photograph("participant-removed");
  await bo.presses("join-again");
  await bo.sees("standing", { hidden: "true" });
  await owner.row("Bo").waitFor();

  await owner.presses("end-room");
  await owner.writes("ask-reason", "see you tomorrow");
  await owner.presses("ask-confirm");
  for (const actor of [owner, bo, cy]) {
    await actor.sees("ending", { code: "4503" });
    await actor.reads("ending-reason", "see you tomorrow");
  }
  await cy.photograph("participant-ended");
  stage.calm();
});

test("a cut connection shows a banner, and the same seat comes back with everything missed", async (t) => {
  const stage = await setStage(t, house, { tolerate: /WebSocket connection|ERR_/ });
  const proxy = await startProxy(stage.server.origin);
  t.after(proxy.stop);
  const owner = await stage.owner();
  const link = new URL(stage.link("participant.html", { name: "Bo", auto: "1" }));
  const bo = await stage.open("Bo", `${proxy.origin}${link.pathname}${link.search}`);
  await bo.sees("state", { state: "joined" });
  await owner.sees("row", { name: "Bo", connected: "true" });
  const seat = await owner.row("Bo").getAttribute("data-peer");

  proxy.cut();
  await bo.sees("banner");
  await bo.reads("banner", "Reconnecting");
  await bo.sees("state", { state: "reconnecting" });
  await owner.sees("row", { name: "Bo", connected: "false" });
  await owner.seesInRow("Bo", "chip-lost");
  await bo.photograph("participant-reconnecting");

  await owner.gives("Bo", "attendee", "set-role");
  await owner.sees("row", { name: "Bo", role: "attendee" });
  proxy.mend();
  await bo.sees("state", { state: "joined" });
  await bo.misses("banner");
  await bo.sees("standing", { hidden: "false", role: "attendee" });
  await bo.sees("log-line", { method: "ROLE_UPDATED" });
  await bo.reads("log-line", "nothing missed");
  await owner.sees("row", { name: "Bo", connected: "true", peer: seat });
  stage.calm();
});
