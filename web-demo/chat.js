/** @file App messages as a small chat: to everybody, to a role or to one participant. */
import { el, hook, setAttribute, setText, syncOptions } from "./dom.js";
import { peerName, roleNames } from "./words.js";

const MESSAGES_MAX = 200;

/** Wires the message panel of a page; messages are relayed and kept nowhere. */
export function createChat(panel, session) {
  const { room } = session;
  const list = hook("messages", panel);
  const form = hook("message-form", panel);
  const input = hook("message-input", panel);
  const to = hook("message-to", panel);
  const empty = hook("messages-empty", panel);

  function add({ from, text, target, own }) {
    empty.hidden = true;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.append(el("li", { class: "message", "data-testid": "message", "data-own": own },
      el("div", { class: "message-meta" }, el("strong", {}, from), target ? ` to ${target}` : "", " · ",
        new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })),
      el("div", { class: "message-text" }, text)));
    while (list.childElementCount > MESSAGES_MAX) list.firstElementChild.remove();
    if (atEnd || own) list.scrollTop = list.scrollHeight;
  }

  const textOf = (data) => (typeof data?.text === "string" ? data.text : JSON.stringify(data));
  const targetText = (target) => {
    if (target === "*" || target === undefined || target === null) return "";
    if (target.roles) return `role ${target.roles.join(", ")}`;
    return target === room.peerId ? "you" : peerName(room.participants.get(target) ?? { peerId: target });
  };

  room.on("app-message", ({ from, data, to: target }) => add({ from: peerName(from), text: textOf(data), target: targetText(target) }));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    const target = JSON.parse(to.value);
    const sent = await session.attempt("The message", room.sendMessage({ text }, target));
    if (sent === undefined) return;
    add({ from: "You", text, target: targetText(target), own: true });
    if (input.value.trim() === text) input.value = "";
  });

  return {
    /** Brings the addressees up to date. */
    update() {
      const others = [...room.participants.values()].filter((peer) => peer.peerId !== room.peerId);
      syncOptions(to, [
        { value: '"*"', label: "Everybody" },
        ...roleNames(room.roles).map((role) => ({ value: JSON.stringify({ roles: [role] }), label: `Role ${role}` })),
        ...others.map((peer) => ({ value: JSON.stringify(peer.peerId), label: peerName(peer) })),
      ]);
      setAttribute(form, "data-ready", room.state === "joined");
      setText(empty, others.length ? "No messages yet." : "No messages yet, and nobody here to read one.");
    },
  };
}
