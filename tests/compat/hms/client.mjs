/** @file A client of 100ms's SDK in Node, and what a test asks of it. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { sockets } from "./shim.mjs";
import { until } from "./wait.mjs";

// Its ES module is for bundlers: it takes names from CommonJS modules that Node does not find there.
const sdk = createRequire(import.meta.url)("@100mslive/hms-video-store");

export const { HMSNotificationTypes: Types } = sdk;
/** Every selector by its name. */
export const select = Object.fromEntries(Object.entries(sdk).filter(([name]) => name.startsWith("select")));

export class Client {
  constructor(name) {
    this.name = name;
    const hms = new sdk.HMSReactiveStore();
    this.actions = hms.getActions();
    this.store = hms.getStore();
    this.actions.setLogLevel(sdk.HMSLogLevel.NONE);
    /** Every notification, in order. */
    this.heard = [];
    hms.getNotifications().onNotification((notification) => void this.heard.push(notification));
  }

  async join(config) {
    await this.actions.join({ userName: this.name, ...config });
    assert.equal(this.get(select.selectRoomState), "Connected");
  }

  get(selector) {
    return this.store.getState(selector);
  }

  get id() {
    return this.get(select.selectLocalPeerID);
  }

  get role() {
    return this.get(select.selectLocalPeerRoleName);
  }

  get permissions() {
    return this.get(select.selectPermissions);
  }

  get names() {
    return this.get(select.selectPeers).map((peer) => peer.name).sort();
  }

  get request() {
    return this.get(select.selectRoleChangeRequest);
  }

  get messages() {
    return this.get(select.selectHMSMessages);
  }

  peer(of) {
    return this.get(select.selectPeerByID(of.id ?? of.peerId));
  }

  /** What was heard of these types. */
  told(...types) {
    return this.heard.filter(({ type }) => types.includes(type));
  }

  until(condition, what) {
    return until(() => condition(this), `${this.name}: ${what}`);
  }

  /** Waits until exactly these are in the list. */
  sees(...people) {
    const names = people.map((one) => one.name).sort();
    return this.until(() => String(this.names) === String(names), `sees ${names}`);
  }

  /** Waits until somebody has a role, as this one sees it. */
  seesRole(of, role) {
    return this.until(() => this.peer(of)?.roleName === role, `sees ${of.name} as ${role}`);
  }

  /** Waits until a notification of a type was heard, and gives the first that fits. */
  hears(type, fits = () => true) {
    return this.until(() => this.told(type).find(({ data }) => fits(data)), `hears ${type}`);
  }

  /** Waits until he is asked to take a role. */
  asked(role) {
    return this.until(() => (this.request?.role.name === role ? this.request : undefined), `is asked to be ${role}`);
  }

  /** How many sockets he has opened. */
  get sockets() {
    return sockets.get(this.id).length;
  }

  /** His connection breaks, without a word to either end. */
  cut() {
    sockets.get(this.id).at(-1).terminate();
  }

  leave() {
    return this.actions.leave();
  }
}
