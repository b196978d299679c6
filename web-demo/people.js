/** @file The others in the room as a list: name, role, what they send, and what they may. */
import { button, el, hook, setAttribute, setText, syncList } from "./dom.js";
import { TRACKS, peerName } from "./words.js";

/** Wires the list of the others; returns its drawing. */
export function createPeople(panel, session, explain) {
  const { room } = session;

  function create(peer) {
    const name = el("strong", { class: "name" });
    const role = el("span", { class: "chip" });
    const hand = el("span", { class: "chip accent", hidden: true }, "hand raised");
    const lost = el("span", { class: "chip bad", hidden: true }, "disconnected");
    const hidden = el("span", { class: "chip warn", hidden: true }, "hidden");
    const sending = el("span", { class: "muted small" });
    const rights = button("Rights", { class: "button small quiet", "data-testid": "rights" }, () => explain.open(rights, peer.peerId));
    const node = el("li", { class: "person", "data-testid": "person", "data-peer": peer.peerId },
      el("div", { class: "person-who" }, el("div", { class: "who-line" }, name, el("span", { class: "chips" }, role, hand, hidden, lost)), sending), rights);
    return { node, name, role, hand, lost, hidden, sending, rights };
  }

  function update({ node, name, role, hand, lost, hidden, sending, rights }, peer) {
    setAttribute(node, "data-name", peer.name);
    setText(name, peerName(peer));
    setText(role, peer.owner ? `${peer.role} · owner` : peer.role);
    hand.hidden = !peer.handRaised;
    lost.hidden = peer.connected !== false;
    hidden.hidden = peer.permissions.hasPresence;
    const on = TRACKS.filter(([kind]) => peer.tracks?.[kind] === "on").map(([, label]) => label.toLowerCase());
    setText(sending, on.length ? `sends ${on.join(", ")}` : "sends nothing");
    setAttribute(rights, "aria-label", `Rights of ${peerName(peer)}`);
  }

  return () => {
    const others = [...room.participants.values()].filter((peer) => peer.peerId !== room.peerId);
    syncList(hook("people", panel), others, { key: (peer) => peer.peerId, create, update });
    hook("people-empty", panel).hidden = others.length > 0;
    setText(hook("people-count", panel), String(others.length));
  };
}
