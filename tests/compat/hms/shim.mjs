/** @file What 100ms's SDK needs of a browser where no media flows, for Node: import it before the SDK. A role that neither publishes nor subscribes never opens a connection. */
import { setMaxListeners } from "node:events";
import WebSocket from "ws";

/** Sockets of the SDK by the id of their peer, the newest last: a test cuts them. */
export const sockets = new Map();

class Socket extends WebSocket {
  #deferred = new Map();

  constructor(address) {
    super(address);
    const peer = new URL(address).searchParams.get("peer");
    sockets.set(peer, [...(sockets.get(peer) ?? []), this]);
  }

  /** Each event is a task of its own, as in a browser: what the SDK promised itself at `open` is done before a message comes that came along with it. */
  addEventListener(type, listener) {
    const deferred = (event) => void setImmediate(() => this.#deferred.has(listener) && listener(event));
    this.#deferred.set(listener, deferred);
    super.addEventListener(type, deferred);
  }

  removeEventListener(type, listener) {
    super.removeEventListener(type, this.#deferred.get(listener));
    this.#deferred.delete(listener);
  }
}

/** Requests to anywhere but this machine fail: the SDK tells 100ms of its failures. */
const send = globalThis.fetch;
async function fetch(address, options) {
  if (new URL(address).hostname !== "127.0.0.1") throw new TypeError("Failed to fetch");
  return send(address, options);
}

class Element extends EventTarget {
  style = {};
  append() {}
  remove() {}
  pause() {}
  removeAttribute() {}
}

class Page extends EventTarget {
  title = "";
  visibilityState = "visible";
  body = new Element();
  createElement() {
    return new Element();
  }
  getElementById() {
    return null;
  }
}

class Storage {
  #items = new Map();
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  setItem(key, value) {
    this.#items.set(key, String(value));
  }
  removeItem(key) {
    this.#items.delete(key);
  }
}

class MediaDevices extends EventTarget {
  async enumerateDevices() {
    return [];
  }
}

/** The SDK wires its playlists to one when it joins; nothing is played. */
class AudioContext {
  createMediaElementSource() {
    return { connect() {}, disconnect() {} };
  }
  createMediaStreamDestination() {
    return { stream: { getAudioTracks: () => [] } };
  }
  async resume() {}
  async close() {}
}

class NoConnection {
  constructor() {
    throw new Error("a role without media opened a connection");
  }
}

const window = Object.assign(new EventTarget(), {
  setTimeout,
  clearTimeout,
  localStorage: new Storage(),
  location: { hostname: "127.0.0.1", origin: "http://127.0.0.1" },
});
const navigator = { userAgent: "", onLine: true, mediaDevices: new MediaDevices() };
const all = { window, navigator, document: new Page(), WebSocket: Socket, AudioContext, RTCPeerConnection: NoConnection, fetch };
for (const [name, value] of Object.entries(all)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
// Every client in a test's process listens here.
setMaxListeners(0, window, document, navigator.mediaDevices);
// The SDK times its store's changes on the console.
console.time = console.timeEnd = () => {};
