/** @file What `updateParticipant` of Daily's facade takes, and the words with which it refuses the rest. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf } from "../daily/address.js";
import { checkUpdate, faultOfReception } from "../daily/check.js";
import { equal } from "../daily/equal.js";
import { read, write } from "../daily/permissions.js";
import { checkProperties } from "../daily/properties.js";

const FULL = { video: true, audio: true, screenVideo: true, screenAudio: true, customVideo: { "*": true }, customAudio: { "*": true } };

test("updates that are none throw with Daily's words", () => {
  /** @param {any} permissions */
  const permissions = (permissions) => () => checkUpdate({ updatePermissions: permissions }, true);
  const help = /^Error: updatePermissions can take hasPresence, canSend, canReceive, and canAdmin permissions\. hasPresence must be a boolean\./;
  assert.throws(() => checkUpdate({ mute: true }, true), /^Error: unrecognized updateParticipant property mute$/);
  assert.throws(() => checkUpdate({ setScreenShare: true }, true), /setScreenShare must be false/);
  for (const bad of [{ mayDance: true }, { hasPresence: 1 }, { canSend: "audio" }, { canSend: ["smell"] }, { canSend: new Set(["audio", "smell"]) }, { canAdmin: ["everything"] }, { canAdmin: null }, null]) {
    assert.throws(permissions(bad), help, JSON.stringify(bad));
  }
  for (const good of [{}, { hasPresence: false }, { canSend: true }, { canSend: [] }, { canSend: new Set(["audio"]) }, { canAdmin: ["participants", "streaming", "transcription"] }, { canReceive: { base: true } }]) {
    assert.doesNotThrow(permissions(good), JSON.stringify(good));
  }
  assert.doesNotThrow(() => checkUpdate({ setAudio: false, setVideo: true, eject: true, setScreenShare: false }, true));
});

test("lists become sets in the caller's own object", () => {
  /** @type {any} */
  const permissions = { canSend: ["audio"], canAdmin: ["participants"] };
  checkUpdate({ updatePermissions: permissions }, true);
  assert.deepEqual({ ...permissions }, { canSend: new Set(["audio"]), canAdmin: new Set(["participants"]) });
  assert.deepEqual(write(/** @type {any} */ (permissions)), { canSend: ["audio"], canAdmin: ["participants"] });
});

test("what is wrong with a `canReceive` is named", (t) => {
  for (const [value, fault] of /** @type {[any, string | undefined][]} */ ([
    [true, "canReceive must be an object"],
    [{ everybody: true }, "canReceive can only contain keys (base, byUserId, byParticipantId)"],
    [{ byUserId: 7 }, "invalid (non-object) value for field 'byUserId' in canReceive"],
    [{ byUserId: { ann: 7 } }, "invalid (non-object, non-boolean) value in canReceive"],
    [{ byUserId: { ann: { smell: true } } }, "invalid media type 'smell' in canReceive"],
    [{ byUserId: { ann: { audio: 1 } } }, "invalid (non-boolean) value for media type 'audio' in canReceive"],
    [{ byUserId: { ann: { customVideo: true } } }, "invalid (non-object) value for media type 'customVideo' in canReceive"],
    [{ byUserId: { ann: { customVideo: { slides: 1 } } } }, "invalid (non-boolean) value for entry within 'customVideo' in canReceive"],
    [{ base: { ...FULL, customVideo: { slides: true } } }, `canReceive "base" permission must specify "*" as an entry within 'customVideo'`],
    [{ base: { audio: true } }, 'canReceive "base" permission must specify all media types: video, audio, screenVideo, screenAudio, customVideo, customAudio (or be set to a boolean shorthand)'],
    [{}, undefined],
    [{ base: FULL }, undefined],
    [{ base: false, byUserId: { ann: { customVideo: { slides: true } } }, byParticipantId: { bo: true } }, undefined],
  ])) assert.equal(faultOfReception(value), fault, JSON.stringify(value));
  const said = t.mock.method(console, "error", () => {});
  assert.throws(() => checkUpdate({ updatePermissions: { canReceive: { base: 1 } } }, true));
  assert.equal(said.mock.calls[0]?.arguments[0], "invalid (non-object, non-boolean) value in canReceive");
});

test("all and none are booleans, in between is a set", () => {
  const wire = { hasPresence: false, canSend: [], canReceive: { base: true }, canAdmin: [] };
  assert.deepEqual(read(wire), { hasPresence: false, canSend: false, canReceive: { base: true }, canAdmin: false });
  const half = read({ ...wire, canSend: ["audio"], canAdmin: ["participants"] });
  assert.deepEqual([half.canSend, half.canAdmin], [new Set(["audio"]), new Set(["participants"])]);
});

test("values are the same by what they say, and tracks by who they are", () => {
  const track = new (class Track {})();
  assert.ok(equal({ a: new Set(["x", "y"]), d: new Date(5), t: track, l: [1, { b: undefined }] }, { a: new Set(["y", "x"]), d: new Date(5), t: track, l: [1, { b: undefined }] }));
  for (const [a, b] of [[new Set(["x"]), new Set(["y"])], [new Set(["x"]), true], [new Date(5), new Date(6)], [[1], [1, 2]], [{ a: 1 }, { a: 1, b: undefined }], [null, {}], [new (class {})(), new (class {})()]]) {
    assert.ok(!equal(a, b));
  }
});

test("an address is a server and a room", () => {
  assert.deepEqual(addressOf("https://rooms.example.com/standup?t=abc"), { server: "https://rooms.example.com", room: "daily:standup", name: "standup", token: "abc" });
  assert.deepEqual(addressOf("http://127.0.0.1:7400/stage:town-hall"), { server: "http://127.0.0.1:7400", room: "stage:town-hall", name: "stage:town-hall", token: undefined });
  assert.deepEqual(addressOf("https://example.com/rooms/standup/"), { server: "https://example.com/rooms/v1/connect", room: "daily:standup", name: "standup", token: undefined });
  for (const bad of ["", "standup", "ftp://example.com/a", "https://example.com", "https://example.com/"]) assert.throws(() => addressOf(bad), /is not the address of a room/, bad);
});

test("options: wrong ones throw, unknown ones are left out with a word", (t) => {
  const warned = t.mock.method(console, "warn", () => {});
  assert.deepEqual(checkProperties(/** @type {any} */ ({ url: "https://a.b/c", theme: {}, showLeaveButton: true, surprise: 1, token: undefined })), { url: "https://a.b/c" });
  assert.deepEqual(warned.mock.calls.map(({ arguments: [text] }) => text), ["Ignoring unrecognized property 'surprise'"]);
  t.mock.method(console, "error", () => {});
  for (const [options, message] of /** @type {[any, RegExp][]} */ ([
    [{ token: 1 }, /^Error: property 'token': token should be a string$/],
    [{ startVideoOff: "no" }, /startVideoOff should be a boolean/],
    [{ videoSource: {} }, /videoSource must be a MediaStreamTrack, boolean, or a string/],
    [{ userData: "x".repeat(4097) }, /invalid userData type provided/],
    [{ rolecall: [] }, /rolecall should be an object/],
  ])) assert.throws(() => checkProperties(options), message);
});
