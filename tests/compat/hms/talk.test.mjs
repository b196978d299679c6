/** @file What is said, and what the peers of a session keep together: through 100ms's SDK. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { select, Types } from "./client.mjs";
import { openHouse, refused, settled } from "./house.mjs";

const FOUR = { ann: "moderator", bo: "listener", cy: "listener", di: "guest" };

let house;
before(async () => { house = await openHouse(); });
after(() => house?.close());

/** The texts a client was told, marks left out. */
const texts = (client) => client.told(Types.NEW_MESSAGE).filter(({ data }) => data.type !== "mark").map(({ data }) => data.message);
/** A value of the session store, as a client has it. */
const kept = (client, key) => client.get(select.selectSessionStore(key));

describe("messages", () => {
  test("to everybody come to everybody else", async () => {
    const { ann, bo, cy, di } = await house.gathers(FOUR);
    await ann.actions.sendBroadcastMessage("hello all");
    for (const client of [bo, cy, di]) {
      const { data } = await client.hears(Types.NEW_MESSAGE);
      assert.deepEqual([data.message, data.type, data.sender, data.senderName, data.senderRole, data.senderUserId, data.recipientPeer, data.recipientRoles],
        ["hello all", "chat", ann.id, "ann", "moderator", "ann", undefined, undefined]);
      assert.ok(Math.abs(data.time.getTime() - Date.now()) < 60_000);
      await client.until(() => client.messages.length === 1, "keeps it");
    }
    await settled(bo, ann);
    assert.deepEqual(texts(ann), [], "no echo");
    assert.deepEqual(ann.messages.filter(({ type }) => type === "chat").map(({ message, sender }) => [message, sender]), [["hello all", ann.id]]);
  });

  test("to one come to him alone", async () => {
    const { ann, bo, cy, di } = await house.gathers(FOUR);
    await ann.actions.sendDirectMessage("between us", bo.id, "whisper");
    const { data } = await bo.hears(Types.NEW_MESSAGE);
    assert.deepEqual([data.message, data.type, data.recipientPeer, data.sender], ["between us", "whisper", bo.id, ann.id]);
    await settled(ann, cy, di);
    assert.deepEqual([cy, di].flatMap(texts), []);
    await bo.until(() => bo.get(select.selectMessagesByPeerID(ann.id)).length === 1, "keeps it");
    await assert.rejects(ann.actions.sendDirectMessage("to nobody", "nobody-knows"));
  });

  test("to roles come to those in them", async () => {
    const { ann, bo, cy, di } = await house.gathers(FOUR);
    await bo.actions.sendGroupMessage("to listeners", ["listener"]);
    const { data } = await cy.hears(Types.NEW_MESSAGE);
    assert.deepEqual([data.message, data.recipientRoles, data.recipientPeer], ["to listeners", ["listener"], undefined]);
    await bo.actions.sendGroupMessage("to two roles", ["guest", "moderator"]);
    for (const client of [ann, di]) await client.hears(Types.NEW_MESSAGE, ({ message }) => message === "to two roles");
    await settled(bo, ann, cy, di);
    assert.deepEqual([texts(ann), texts(bo), texts(cy), texts(di)], [["to two roles"], [], ["to listeners"], ["to two roles"]]);
  });

  test("each has an id of its own, and comes in order", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    const said = Array.from({ length: 20 }, (_, n) => `message ${n}`);
    for (const text of said) await ann.actions.sendBroadcastMessage(text);
    await settled(ann, bo);
    assert.deepEqual(texts(bo), said);
    for (const client of [ann, bo]) assert.equal(new Set(client.messages.map(({ id }) => id)).size, client.messages.length);
    await bo.until(() => bo.messages.length >= said.length, "keeps all");
  });

  test("the server's have no sender, and may be of any kind", async () => {
    const { room, ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await house.backEnd(room, "sendMessage", { data: { type: "news", message: { headline: "rain" } } });
    for (const client of [ann, bo]) {
      const { data } = await client.hears(Types.NEW_MESSAGE);
      assert.deepEqual([data.type, data.message, data.sender, data.senderName], ["news", { headline: "rain" }, undefined, undefined]);
    }
    await house.backEnd(room, "sendMessage", { data: "plain words", to: bo.id });
    const { data } = await bo.hears(Types.NEW_MESSAGE, ({ message }) => message === "plain words");
    assert.deepEqual([data.type, data.recipientPeer], ["chat", bo.id]);
    await settled(bo, ann);
    assert.equal(texts(ann).length, 1);
  });

  test("what is too large is refused", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await refused(ann.actions.sendBroadcastMessage("x".repeat(40_000)), 413, /message/);
    await settled(ann, bo);
    assert.deepEqual(texts(bo), []);
  });
});

describe("the session store", () => {
  test("a value reaches who observes its key, and nobody else", async () => {
    const { ann, bo, cy } = await house.gathers({ ann: "moderator", bo: "listener", cy: "guest" });
    await bo.actions.sessionStore.observe("topic");
    await cy.actions.sessionStore.observe(["pinned"]);
    await ann.actions.sessionStore.set("topic", { title: "roses", tags: [1, 2] });
    assert.deepEqual(kept(ann, "topic"), { title: "roses", tags: [1, 2] });
    await bo.until(() => kept(bo, "topic")?.title === "roses", "sees the topic");
    await ann.actions.sessionStore.set("pinned", "a note");
    await cy.until(() => kept(cy, "pinned") === "a note", "sees the note");
    await settled(ann, bo, cy);
    assert.deepEqual([kept(cy, "topic"), kept(bo, "pinned")], [undefined, undefined]);
  });

  test("whoever observes late is told what is there", async () => {
    const { room, ann } = await house.gathers({ ann: "moderator" });
    await ann.actions.sessionStore.set("topic", "roses");
    const bo = await house.joins("bo", room, "listener");
    await bo.actions.sessionStore.observe(["topic", "nothing-there"]);
    await bo.until(() => kept(bo, "topic") === "roses", "sees the topic");
    await ann.actions.sessionStore.set("nothing-there", 0);
    await bo.until(() => kept(bo, "nothing-there") === 0, "sees what came");
  });

  test("whoever observes no more is told no more", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await bo.actions.sessionStore.observe(["one", "two"]);
    await ann.actions.sessionStore.set("one", 1);
    await bo.until(() => kept(bo, "one") === 1, "sees one");
    await bo.actions.sessionStore.unobserve("one");
    await ann.actions.sessionStore.set("one", 2);
    await ann.actions.sessionStore.set("two", 2);
    await bo.until(() => kept(bo, "two") === 2, "sees two");
    assert.equal(kept(bo, "one"), 1);
  });

  test("a value is replaced whole, and may be taken away", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await bo.actions.sessionStore.observe("topic");
    await ann.actions.sessionStore.set("topic", { a: 1, b: 2 });
    await ann.actions.sessionStore.set("topic", { c: 3 });
    await bo.until(() => kept(bo, "topic")?.c === 3, "sees the second");
    assert.deepEqual(kept(bo, "topic"), { c: 3 });
    await ann.actions.sessionStore.set("topic", undefined);
    await bo.until(() => kept(bo, "topic") == null, "sees it gone");
  });

  test("what is too large is refused, and the value stays", async () => {
    const { ann, bo } = await house.gathers({ ann: "moderator", bo: "listener" });
    await bo.actions.sessionStore.observe("topic");
    await ann.actions.sessionStore.set("topic", "roses");
    // More than the session keeps, in pieces that a frame holds.
    await ann.actions.sessionStore.set("first half", "x".repeat(55_000));
    await refused(ann.actions.sessionStore.set("topic", "y".repeat(55_000)), 413);
    await settled(ann, bo);
    assert.equal(kept(bo, "topic"), "roses");
  });
});
