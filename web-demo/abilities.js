/** @file What one may send, receive and administer, each a tick that says why when it is pressed. */
import { el, hook, setAttribute, setText, syncList } from "./dom.js";
import { ADMIN_GROUPS, holds, whyText } from "./rights.js";
import { TRACKS, peerName, receiveLines, trackLabel } from "./words.js";

/** Wires the panel of one's own rights; returns its drawing. */
export function createAbilities(panel, session, explain) {
  const { room } = session;
  const all = hook("my-rights", panel);
  all.addEventListener("click", () => explain.open(all, room.peerId));

  function createTrack([kind]) {
    const ask = el("button", { type: "button", class: "right" }, trackLabel(kind));
    ask.addEventListener("click", () => explain.open(ask, room.peerId, { track: kind }));
    return { node: el("li", { "data-testid": `can-send-${kind}` }, ask), ask };
  }

  function updateTrack({ node, ask }, [kind]) {
    const { self } = room;
    const allowed = self.permissions.canSend.includes(kind);
    setAttribute(node, "data-allowed", String(allowed));
    setAttribute(ask, "data-allowed", String(allowed));
    setAttribute(ask, "aria-label", `${trackLabel(kind)}: ${whyText(self, { track: kind }, { allowed: holds(self, { track: kind }), isSelf: true })}`);
  }

  function createGroup(group) {
    const ask = el("button", { type: "button", class: "right" }, group);
    ask.addEventListener("click", () => explain.open(ask, room.peerId));
    return { node: el("li", { "data-testid": `can-admin-${group}` }, ask), ask };
  }

  function updateGroup({ node, ask }, group) {
    const allowed = room.self.permissions.canAdmin.includes(group);
    setAttribute(node, "data-allowed", String(allowed));
    setAttribute(ask, "data-allowed", String(allowed));
    setAttribute(ask, "aria-label", `${group}: ${allowed ? "all of it is" : "not all of it is"} yours. See all your rights`);
  }

  return () => {
    const { permissions, capabilities = [] } = room.self;
    const nameOf = (peerId) => peerName(room.participants.get(peerId) ?? { peerId });
    syncList(hook("can-send", panel), TRACKS, { key: ([kind]) => kind, create: createTrack, update: updateTrack });
    syncList(hook("can-receive", panel), receiveLines(permissions.canReceive, nameOf), {
      key: (line) => line,
      create: (line) => ({ node: el("li", { "data-allowed": String(!line.startsWith("nothing")) }, line) }),
    });
    syncList(hook("can-admin", panel), ADMIN_GROUPS, { key: (group) => group, create: createGroup, update: updateGroup });
    setText(hook("capabilities", panel), capabilities.length ? capabilities.join(", ") : "none");
  };
}
