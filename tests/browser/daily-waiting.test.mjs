/** @file Daily's waiting room in real browsers: a page for whoever knocks and a page for who lets in, written as for Daily. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { openDailyHouse } from "./daily-house.mjs";

/** One page for both: the lobby with its question, the people, and who waits. */
const page = (sdk) => `<!doctype html><meta charset="utf-8"><title>waiting room</title>
<p id="access"></p><p id="answer"></p>
<form id="ask"><input id="name" aria-label="Your name"><button>Ask to join</button></form>
<ul id="people"></ul><ul id="waiting"></ul>
<script type="module">
  import Daily from ${JSON.stringify(sdk)};
  const at = (id) => document.getElementById(id);
  const asked = new URLSearchParams(location.search);
  const call = window.call = Daily.createCallObject({ url: asked.get("room"), userName: asked.get("name") ?? "" });
  window.told = [];
  const show = () => {
    at("access").textContent = JSON.stringify(call.accessState());
    at("people").replaceChildren(...Object.values(call.participants()).map((person) => {
      const item = document.createElement("li");
      item.textContent = person.user_name;
      item.dataset.id = person.session_id;
      return item;
    }));
    at("waiting").replaceChildren(...Object.values(call.waitingParticipants()).map(({ id, name }) => {
      const item = document.createElement("li");
      item.append(name, ...[["Admit", true], ["Refuse", false]].map(([text, grantRequestedAccess]) => {
        const button = document.createElement("button");
        button.textContent = text;
        button.onclick = () => call.updateWaitingParticipant(id, { grantRequestedAccess });
        return button;
      }));
      return item;
    }));
  };
  for (const event of ["joined-meeting", "access-state-updated", "participant-joined", "participant-updated", "participant-left", "waiting-participant-added",
    "waiting-participant-updated", "waiting-participant-removed", "error", "left-meeting"]) {
    call.on(event, ({ action, participant, error }) => {
      window.told.push([action, participant?.name ?? participant?.user_name, error?.type].filter(Boolean).join(" "));
      show();
    });
  }
  at("ask").onsubmit = async (event) => {
    event.preventDefault();
    const { granted } = await call.requestAccess({ name: at("name").value });
    at("answer").textContent = granted ? "granted" : "refused";
  };
  await call.join().catch(() => {});
</script>`;

describe("Daily's waiting room", () => {
  let house;
  before(async () => {
    house = await openDailyHouse();
    house.pages.put("/", page(`${house.server.origin}/sdk/daily.js`));
  });
  after(() => house?.close());

  /** An owner in a room of its own, with rules on who is let in. */
  async function stage(t, admission) {
    const name = `private-${randomUUID().slice(0, 8)}`;
    const cid = `daily:${name}`;
    const room = `${house.server.origin}/${name}`;
    const open = async (query) => {
      const opened = await house.open(`${house.pages.origin}/?${new URLSearchParams({ room, ...query })}`);
      t.after(() => opened.page.close());
      return opened.page;
    };
    const token = await house.server.token("--user", "ann", "--room", cid, "--owner");
    const owner = await open({ room: `${room}?t=${token}`, name: "Ann" });
    await people(owner, ["Ann"]);
    await house.server.call(cid, "setAdmission", admission);
    return { owner, open };
  }

  const texts = (page, list) => page.locator(`#${list} > li`).allInnerTexts();
  const until = (page, list, wanted) => page.waitForFunction(([id, names]) =>
    [...document.querySelectorAll(`#${id} > li`)].map((item) => item.firstChild.textContent).sort().join() === names, [list, [...wanted].sort().join()]);
  const people = (page, wanted) => until(page, "people", wanted);
  const waiting = (page, wanted) => until(page, "waiting", wanted);
  const access = (page, level) => page.waitForFunction((wanted) => document.getElementById("access").textContent === wanted, JSON.stringify({ access: { level } }));
  const ask = async (page, name) => {
    await page.locator("#name").fill(name);
    await page.getByRole("button", { name: "Ask to join" }).click();
  };
  const press = (page, text) => page.getByRole("button", { name: text }).first().click();

  test("a stranger knocks, is admitted, sees the others and their pictures; another is refused", async (t) => {
    const { owner, open } = await stage(t, { private: true, knocking: true });
    const bo = await open({});
    await access(bo, "lobby");
    assert.deepEqual(await texts(bo, "people"), [""]);
    await bo.waitForFunction(() => window.call.participants().local.tracks.video.state === "playable");
    assert.deepEqual(await bo.evaluate(() => window.call.participantCounts()), { present: 0, hidden: 0 });
    assert.deepEqual(await owner.evaluate(() => window.told.filter((text) => text.startsWith("waiting"))), []);

    await ask(bo, "Bo");
    await waiting(owner, ["Bo"]);
    await bo.waitForFunction(() => window.call.accessState().awaitingAccess?.level === "full");
    await press(owner, "Admit");
    await bo.waitForFunction(() => document.getElementById("answer").textContent === "granted");
    await access(bo, "full");
    for (const page of [owner, bo]) await people(page, ["Ann", "Bo"]);
    await waiting(owner, []);
    assert.deepEqual(await owner.evaluate(() => window.told.filter((text) => text.endsWith("Bo") && !text.startsWith("participant-updated"))),
      ["waiting-participant-added Bo", "waiting-participant-removed Bo", "participant-joined Bo"]);
    // The camera that was on in the lobby is seen in the room, and the owner's by him.
    for (const page of [owner, bo]) {
      await page.waitForFunction(() => Object.values(window.call.participants()).filter(({ local }) => !local).every(({ tracks }) => tracks.video.state === "playable"));
    }

    const cy = await open({ name: "Cy" });
    await access(cy, "lobby");
    await ask(cy, "");
    await waiting(owner, ["Cy"]);
    assert.deepEqual(await texts(bo, "waiting"), [], "whoever has no rights does not know");
    await press(owner, "Refuse");
    await cy.waitForFunction(() => document.getElementById("answer").textContent === "refused");
    assert.deepEqual((await cy.evaluate(() => window.told)).slice(-2), ["error not-allowed", "left-meeting"]);
    assert.equal(await cy.evaluate(() => window.call.meetingState()), "error");
    await waiting(owner, []);
    await people(owner, ["Ann", "Bo"]);
  });

  test("who closes his page waits no more; who comes with a token was never in the lobby", async (t) => {
    const { owner, open } = await stage(t, { private: true, knocking: true });
    const bo = await open({});
    await access(bo, "lobby");
    await ask(bo, "Bo");
    await waiting(owner, ["Bo"]);
    await bo.close();
    await waiting(owner, []);
    assert.deepEqual(await owner.evaluate(() => window.told.at(-1)), "waiting-participant-removed Bo");
    const room = await owner.evaluate(() => window.call.properties.url.split("?")[0]);
    const token = await house.server.token("--user", "cy", "--room", `daily:${room.split("/").pop()}`);
    const cy = await open({ room: `${room}?t=${token}`, name: "Cy" });
    await access(cy, "full");
    await people(cy, ["Ann", "Cy"]);
  });

  test("a private room where nobody may knock turns strangers away", async (t) => {
    const { open } = await stage(t, { private: true });
    const bo = await open({ name: "Bo" });
    await bo.waitForFunction(() => window.told.includes("left-meeting"));
    assert.deepEqual(await bo.evaluate(() => window.told), ["error not-allowed", "left-meeting"]);
  });
});
