/** @file Tiles and live media: two pages see each other, a lost right stops picture and device, and devices that are refused or missing are told kindly. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openHouse, PHONE, setStage } from "./stage.mjs";

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

/** An owner, and people who may send everything. */
async function meet(t, names, options = {}) {
  const stage = await setStage(t, house);
  const owner = await stage.owner();
  const people = [];
  for (const name of names) {
    const person = await stage.participant(name, options[name]);
    await owner.gives(name, "attendee", "set-role");
    await person.sees("standing", { hidden: "false", role: "attendee" });
    people.push(person);
  }
  return { stage, owner, people };
}

const video = (actor, name, hook = "tile") => actor.at("tile-video", {}, actor.at(hook, { name }));

const PATIENCE_MS = 15_000;

/** Waits until a tile's picture moves, so that it is alive and no last frame. */
async function seesMoving(actor, name, hook) {
  const node = video(actor, name, hook);
  await node.waitFor();
  const element = await node.elementHandle();
  // Asked again and again from here: to `waitForFunction` a promise is true, whatever it holds.
  const until = Date.now() + PATIENCE_MS;
  while (!await element.evaluate(moves)) {
    assert.ok(Date.now() < until, `the picture of ${name} stands still`);
    await actor.page.waitForTimeout(100);
  }
}

/** Whether a picture is another a moment later. */
async function moves(element) {
  if (element.videoWidth === 0) return false;
  const canvas = new OffscreenCanvas(32, 18);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const look = () => {
    pen.drawImage(element, 0, 0, 32, 18);
    return pen.getImageData(0, 0, 32, 18).data.join();
  };
  const first = look();
  await new Promise((done) => { setTimeout(done, 400); });
  return first !== look();
}

test("two pages show each other's camera, and a right that is lost stops picture and device", async (t) => {
  const { stage, owner, people: [bo] } = await meet(t, ["Bo"]);
  await owner.sees("tile", { name: "Bo", picture: "off" });
  await bo.presses("live-video");
  await bo.sees("live-video", { state: "on" });
  await seesMoving(bo, "Bo");
  await seesMoving(owner, "Bo");
  await owner.presses("live-video");
  await seesMoving(bo, "Owner");
  await owner.photograph("owner-live");
  await bo.photograph("participant-live");

  const camera = await video(bo, "Bo").evaluateHandle((node) => node.srcObject.getVideoTracks()[0]);
  assert.equal(await camera.evaluate((track) => track.readyState), "live");
  await owner.pressesInRow("Bo", "send-video");
  await bo.sees("live-video", { state: "blocked" });
  await owner.sees("tile", { name: "Bo", picture: "off" });
  await bo.sees("tile", { name: "Bo", picture: "off" });
  assert.equal(await camera.evaluate((track) => track.readyState), "ended", "the camera's light goes off");

  // A blocked device says why instead of doing nothing.
  await bo.presses("live-video");
  await bo.reads("explain-title", "Why can't you show a camera?");
  await bo.page.keyboard.press("Escape");

  // What comes back starts off, and turned on it is seen again.
  await owner.pressesInRow("Bo", "send-video");
  await bo.sees("live-video", { state: "off" });
  await bo.presses("live-video");
  await seesMoving(owner, "Bo");

  // Whoever leaves takes his tile along; his devices stop with him.
  const again = await video(bo, "Bo").evaluateHandle((node) => node.srcObject.getVideoTracks()[0]);
  await bo.presses("leave");
  await owner.misses("tile", { name: "Bo" });
  await bo.page.waitForFunction((track) => track.readyState === "ended", again);
  stage.calm();
});

test("a shared screen and custom video have tiles of their own", async (t) => {
  const { stage, owner, people: [bo] } = await meet(t, ["Bo"]);
  await bo.presses("live-screenVideo");
  await owner.sees("extra-tile", { name: "Bo", kind: "screenVideo" });
  await seesMoving(owner, "Bo", "extra-tile");
  await bo.presses("live-screenVideo");
  await owner.misses("extra-tile", { kind: "screenVideo" });
  await bo.presses("toggle-customVideo");
  await owner.sees("extra-tile", { name: "Bo", kind: "customVideo" });
  await owner.pressesInRow("Bo", "mute");
  await owner.misses("extra-tile");
  await bo.sees("my-customVideo", { state: "off" });
  await bo.misses("extra-tile");
  stage.calm();
});

test("who is not shown has a tile for the owner alone; hands and microphones are on the tiles", async (t) => {
  const { stage, owner, people: [bo] } = await meet(t, ["Bo"], { Bo: { viewport: PHONE, colorScheme: "dark" } });
  const cy = await stage.participant("Cy");
  await owner.sees("tile", { name: "Cy", presence: "false", mic: "blocked" });
  await cy.sees("tile", { self: "", presence: "false" });
  assert.equal(await bo.count("tile", { name: "Cy" }), 0, "hidden from Bo");
  await bo.sees("tile", { name: "Owner" });
  await bo.presses("live-audio");
  await bo.presses("raise-hand");
  await owner.sees("tile", { name: "Bo", mic: "on" });
  await owner.at("tile-hand", {}, owner.at("tile", { name: "Bo" })).waitFor();
  await owner.at("tile-mic", {}, owner.at("tile", { name: "Bo" })).click();
  await owner.reads("explain-title", "Why may Bo speak?");
  await bo.fits();
  await bo.photograph("participant-live-phone-dark");
  stage.calm();
});

/** A browser that plays sound only after a press. The driver counts as one in Chromium, so its own rule cannot be met here. */
const QUIET = `
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; }, true);
  const { play } = HTMLMediaElement.prototype;
  HTMLMediaElement.prototype.play = function () {
    if (pressed || this.muted) return play.call(this);
    this.autoplay = false;
    this.pause();
    return Promise.reject(new DOMException("", "NotAllowedError"));
  };`;

test("the sound waits for a press where the browser wants one", async (t) => {
  const { stage, owner, people: [bo, cy] } = await meet(t, ["Bo", "Cy"], { Cy: { init: QUIET } });
  await bo.presses("live-audio");
  await owner.sees("tile", { name: "Bo", mic: "on" });
  const heard = cy.at("sound");
  await heard.waitFor({ state: "attached" });
  assert.equal(await heard.evaluate((audio) => audio.paused), true, "nothing was pressed on this page");
  await cy.presses("unlock-sound");
  await cy.misses("unlock-sound");
  await cy.page.waitForFunction((audio) => !audio.paused && audio.currentTime > 0, await heard.elementHandle());
  await owner.pressesInRow("Bo", "mute");
  await heard.waitFor({ state: "detached" });
  stage.calm();
});

test("a refused device is told kindly and nobody is said to send; a missing one has a stand-in", async (t) => {
  const failing = (name) => `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "${name}"); };`;
  const { stage, owner, people: [bo, cy] } = await meet(t, ["Bo", "Cy"], {
    Bo: { init: failing("NotAllowedError") }, Cy: { init: failing("NotFoundError") },
  });
  await bo.presses("live-video");
  await bo.reads("toast", "Your browser did not let this page use the camera");
  await bo.sees("live-video", { state: "off" });
  await bo.presses("live-audio");
  await bo.reads("toast", "did not let this page use the microphone");
  await bo.sees("my-audio", { state: "off" });
  await owner.sees("tile", { name: "Bo", mic: "off", picture: "off" });

  await cy.presses("live-video");
  await cy.reads("toast", "No camera was found");
  await owner.sees("tile", { name: "Cy", picture: "on" });
  await cy.presses("toggle-audio");
  await cy.reads("toast", "No microphone was found");
  await owner.sees("tile", { name: "Cy", mic: "on" });
  stage.calm();
});
