/** @file A page with 100ms's SDK in it, unmodified: what a test asks of it from outside. */
import * as sdk from "@100mslive/hms-video-store";

const hms = new sdk.HMSReactiveStore();
const [actions, store] = [hms.getActions(), hms.getStore()];
actions.setLogLevel(sdk.HMSLogLevel.NONE);
/** Notifications, as plain as they may cross to the test. */
const heard = [];
const plain = (value) => JSON.parse(JSON.stringify(value ?? null));
hms.getNotifications().onNotification(({ type, data }) => void heard.push(plain({ type, data })));
/** How many connections for media were opened. */
const connections = [];
const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(...given) {
    super(...given);
    connections.push(this);
  }
};
const { WebSocket } = window;
const sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.push(this);
  }
};

window.stage = {
  heard,
  sockets,
  /** An action by its name. */
  do: async (name, ...words) => plain(await actions[name](...words)),
  /** What a selector says; with words it is made by a function of these. */
  get: (name, ...words) => plain(store.getState(words.length ? sdk[name](...words) : sdk[name])),
  connections: () => connections.map(({ connectionState, signalingState }) => `${connectionState} ${signalingState}`),
  request: () => plain(store.getState(sdk.selectRoleChangeRequest)),
  accept: () => actions.acceptChangeRole(store.getState(sdk.selectRoleChangeRequest)),
  /** His connection breaks. */
  cut: () => sockets.at(-1).close(),
};
