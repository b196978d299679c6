/**
 * @file The complete example of Daily's page on permissions, as printed, in real browsers: an owner and two participants through the whole lifecycle.
 * Its text is Daily's and not in this repository: it is read from `SEEDS_FOLDER`, or from `../shared/seeds` beside it. Only where `Daily` comes from and the room's address are put in.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { openDailyHouse } from "./daily-house.mjs";
import { startProxy } from "./proxy.mjs";

const SEEDS = process.env.SEEDS_FOLDER ?? resolve(import.meta.dirname, "../../../shared/seeds");
const seed = existsSync(SEEDS) ? readdirSync(SEEDS).find((name) => name.startsWith("004_")) : undefined;
const skip = seed ? false : `Daily's example is not here: put it into ${SEEDS}, or name its folder in SEEDS_FOLDER`;
if (skip) console.log(`# SKIPPED: ${skip}`);

/** The page that the example is written for; it prints only the script. */
const BODY = `<div id="tracks"></div>
<section id="owner-panel" hidden>
  <select id="participant-select"></select>
  <label><input type="checkbox" id="check-hasPresence">presence</label>
  <label><input type="checkbox" id="check-audio">audio</label>
  <label><input type="checkbox" id="check-video">video</label>
  <button id="update-btn">Update</button>
  <div id="request-popup" hidden><p id="request-text"></p><button id="approve-btn">Approve</button><button id="deny-btn">Deny</button></div>
</section>
<section id="participant-panel" hidden><ul id="perms-list"></ul><button id="request-btn">Request presence</button></section>`;

/** The example, with the module's address and the room's put in. */
function example(sdk, room) {
  const text = readFileSync(join(SEEDS, seed), "utf8");
  const script = text.slice(text.indexOf("const ROOM_URL"));
  const [line] = script.match(/^const ROOM_URL = .*$/m);
  return `import Daily from ${JSON.stringify(sdk)};\n${script.replace(line, `const ROOM_URL = ${JSON.stringify(room)};`)}`;
}

describe("Daily's complete example", { skip }, () => {
  let house;
  before(async () => { house = await openDailyHouse(); });
  after(() => house?.close());

  test("locked out, asked, admitted, given sound and picture, cut off, revoked, denied, hidden, gone", async (t) => {
    const { server, pages } = house;
    const name = `standup-${randomUUID().slice(0, 8)}`;
    const sdk = `${server.origin}/sdk/daily.js`;
    const proxy = await startProxy(server.origin);
    t.after(proxy.stop);
    for (const [path, origin] of [["/", server.origin], ["/cut", proxy.origin]]) {
      pages.put(`${path}.js`, example(sdk, `${origin}/${name}`));
      pages.put(path, `<!doctype html><meta charset="utf-8"><title>example</title>${BODY}<script type="module" src="${path}.js"></script>`);
    }
    const token = await server.token("--user", "owner", "--name", "Owner", "--room", `daily:${name}`, "--owner");
    const open = async (path) => {
      const { page, complaints } = await house.open(`${pages.origin}${path}`);
      t.after(() => page.close());
      return Object.assign(page, { complaints });
    };
    const reads = (page, text) => page.waitForFunction((words) => document.getElementById("perms-list").innerText === words, text);
    const perms = (presence, audio, video) => [["Has presence", presence], ["Audio", audio], ["Video", video]].map(([what, on]) => `${what}: ${on ? "✓" : "✗"}`).join("\n");
    const listed = (id) => owner.evaluate((one) => [...document.getElementById("participant-select").options].some(({ value }) => value === one), id);
    const whenListed = (id, yes) => owner.waitForFunction(([one, wanted]) => [...document.getElementById("participant-select").options].some(({ value }) => value === one) === wanted, [id, yes]);
    const ownId = (page) => page.evaluate(() => window.call.participants().local.session_id);
    const sees = (page, id, yes) => page.waitForFunction(([one, wanted]) => (one in window.call.participants()) === wanted, [id, yes]);
    const own = "[id^=tile-]:has-text('You') video";

    // The owner has his panel, and sees himself.
    const owner = await open(`/?t=${token}`);
    await owner.locator("#owner-panel").waitFor();
    await owner.locator(own).waitFor();
    await owner.waitForFunction(() => document.querySelector("#tracks video").videoWidth > 0);

    // Newcomers are locked out: hidden, nothing to send, their pictures gone.
    const ann = await open("/cut");
    await ann.locator("#participant-panel").waitFor();
    await reads(ann, perms(false, false, false));
    await ann.locator(own).waitFor({ state: "detached" });
    const annId = await ownId(ann);
    assert.equal(await owner.evaluate((id) => window.participantIds.has(id), annId), true);
    await whenListed(annId, false);
    const bob = await open("/");
    await reads(bob, perms(false, false, false));
    const bobId = await ownId(bob);
    await sees(bob, annId, false);
    await whenListed(bobId, false);
    assert.deepEqual(await owner.evaluate(() => window.call.participantCounts()), { present: 1, hidden: 2 });
    assert.deepEqual(await owner.evaluate(() => Object.keys(window.call.hiddenParticipants()).sort()), [annId, bobId].sort());

    // She asks; the owner is told, and she does not hear herself. Somebody without rights can't approve.
    await ann.locator("#request-btn").click();
    await owner.locator("#request-popup").waitFor();
    assert.match(await owner.locator("#request-text").innerText(), new RegExp(annId.slice(0, 8)));
    assert.equal(await ann.locator("#request-popup").getAttribute("hidden"), "");
    assert.equal(await ann.locator("#request-btn").innerText(), "Request sent…");
    assert.equal(await ann.locator("#request-btn").isDisabled(), true);
    const refused = bob.evaluate(() => new Promise((done) => window.call.once("rolecall-refused", ({ reason, sessionId }) => done({ reason, sessionId }))));
    await bob.waitForFunction(() => !document.getElementById("request-popup").hidden);
    await bob.evaluate(() => document.getElementById("approve-btn").click());
    assert.deepEqual(await refused, { reason: "not-allowed", sessionId: annId });
    assert.ok(bob.complaints.some((text) => text.includes("not allowed to apply requested updates")), String(bob.complaints));
    await reads(ann, perms(false, false, false));

    // Approved: she is seen by everybody under the id she had, is not locked out again, and still sends nothing.
    await owner.locator("#approve-btn").click();
    await reads(ann, perms(true, false, false));
    await owner.locator("#request-popup").waitFor({ state: "hidden" });
    await whenListed(annId, true);
    await sees(bob, annId, true);
    assert.equal(await ownId(ann), annId);

    // Sound and picture, by the panel.
    await owner.locator("#participant-select").selectOption(annId);
    assert.deepEqual(await Promise.all(["hasPresence", "audio", "video"].map((what) => owner.locator(`#check-${what}`).isChecked())), [true, false, false]);
    await owner.locator("#check-audio").check();
    await owner.locator("#check-video").check();
    await owner.locator("#update-btn").click();
    await reads(ann, perms(true, true, true));
    await ann.locator(own).waitFor();
    await ann.waitForFunction(() => window.call.localVideo() && window.call.localAudio());
    for (const page of [owner, bob]) {
      await page.waitForFunction((id) => window.call.participants()[id].tracks.video.state === "playable", annId);
      await page.waitForFunction((id) => document.querySelector(`#tile-${CSS.escape(id)} video`)?.videoWidth > 0, annId);
    }
    assert.deepEqual(await owner.evaluate((id) => [...window.call.participants()[id].permissions.canSend].sort(), annId), ["audio", "video"]);

    // Her cable is pulled and put back: nobody hears of it, and the owner's unsaved ticks stay.
    await owner.evaluate(() => {
      window.heard = [];
      for (const event of ["participant-joined", "participant-left"]) window.call.on(event, ({ participant }) => window.heard.push([event, participant.session_id]));
    });
    await owner.locator("#check-audio").uncheck();
    const back = ann.evaluate(() => new Promise((done) => window.call.on("network-connection", ({ event }) => event === "connected" && done(event))));
    proxy.cut();
    await ann.waitForTimeout(300);
    proxy.mend();
    assert.equal(await back, "connected");
    assert.equal(await ownId(ann), annId);
    await reads(ann, perms(true, true, true));
    assert.deepEqual(await owner.evaluate(() => window.heard), []);
    assert.equal(await owner.locator("#check-audio").isChecked(), false);
    await owner.locator("#check-audio").check();

    // The picture is taken away again; the sound stays.
    await owner.locator("#check-video").uncheck();
    await owner.locator("#update-btn").click();
    await reads(ann, perms(true, true, false));
    await ann.locator(own).waitFor({ state: "detached" });
    assert.deepEqual(await ann.evaluate(() => [window.call.localAudio(), window.call.localVideo()]), [true, false]);
    for (const page of [owner, bob]) {
      await page.waitForFunction((id) => window.call.participants()[id].tracks.video.off?.byCanSendPermission === true, annId);
      await page.locator(`[id="tile-${annId}"]`).waitFor({ state: "detached" });
    }

    // Hidden: she leaves the others with the reason, and may ask again. Denied: nothing changes.
    const left = bob.evaluate(() => new Promise((done) => window.call.once("participant-left", ({ participant, reason }) => done([participant.session_id, reason]))));
    await owner.locator("#check-hasPresence").uncheck();
    await owner.locator("#update-btn").click();
    assert.deepEqual(await left, [annId, "hidden"]);
    await reads(ann, perms(false, true, false));
    await whenListed(annId, false);
    assert.equal(await owner.evaluate((id) => window.participantIds.has(id), annId), true, "hidden is not gone");
    await ann.waitForFunction(() => document.getElementById("request-btn").innerText === "Request presence");
    await ann.locator("#request-btn").click();
    await owner.locator("#request-popup").waitFor();
    await owner.locator("#deny-btn").click();
    await owner.locator("#request-popup").waitFor({ state: "hidden" });
    await owner.waitForTimeout(300);
    assert.equal(await listed(annId), false);
    await reads(ann, perms(false, true, false));

    // Shown once more, then gone for good.
    await owner.evaluate((id) => window.call.updateParticipant(id, { updatePermissions: { hasPresence: true, canSend: true } }), annId);
    await whenListed(annId, true);
    await reads(ann, perms(true, true, true));
    await ann.evaluate(() => window.call.leave());
    assert.equal(await ann.evaluate(() => window.call.meetingState()), "left-meeting");
    await whenListed(annId, false);
    await owner.waitForFunction((id) => !window.participantIds.has(id), annId);
    await sees(bob, annId, false);
    assert.deepEqual(owner.complaints, []);
  });
});

describe("pages of another origin", () => {
  const page = (sdk, room) => `<!doctype html><meta charset="utf-8"><title>elsewhere</title><script type="module">
    import Daily from ${JSON.stringify(sdk)};
    const call = Daily.createCallObject({ startVideoOff: true, startAudioOff: true });
    try {
      await call.join({ url: ${JSON.stringify(room)} });
      document.title = call.participants().local.session_id ? "joined" : "nobody";
    } catch (event) {
      document.title = \`\${event.action} \${event.error.type} \${event.error.details?.on}\`;
    }
  </script>`;
  const ELSEWHERE = "app.example.test";

  for (const [about, settings, title] of [
    ["load the module, and may not connect where they are not allowed", {}, "error connection-error join"],
    ["connect where every origin is allowed", { ROLECALL_ALLOWED_ORIGINS: "*" }, "joined"],
  ]) {
    test(about, async (t) => {
      const house = await openDailyHouse(settings, [`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`]);
      t.after(() => house.close());
      house.pages.put("/", page(`${house.server.origin}/sdk/daily.js`, `${house.server.origin}/standup`));
      const { page: tab } = await house.open(house.pages.origin.replace("127.0.0.1", ELSEWHERE));
      await tab.waitForFunction(() => document.title !== "elsewhere");
      assert.equal(await tab.title(), title);
    });
  }
});
