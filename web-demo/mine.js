/** @file One's own tracks and hand: switches that say why they are blocked. */
import { button, el, hook, setAttribute, setDisabled, setText, syncList } from "./dom.js";
import { whyButton } from "./explain.js";
import { TRACKS, trackLabel } from "./words.js";

/** Wires the panel of one's own tracks; returns its drawing. */
export function createMine(panel, session, { explain, live }) {
  const { room } = session;
  const list = hook("my-tracks", panel);
  const hand = hook("raise-hand", panel);

  hand.addEventListener("click", () => session.attempt("Raising your hand", room.raiseHand(!room.self.handRaised)));

  function create([kind]) {
    const reasonId = `reason-${kind}`;
    const toggle = button("", { class: "button track-toggle", "data-testid": `toggle-${kind}`, "aria-describedby": reasonId }, () => live.toggle(kind));
    const reason = el("span", { class: "muted small", id: reasonId, "data-testid": `reason-${kind}` });
    const why = whyButton(explain, { track: kind }, { "data-testid": `why-${kind}` });
    return { node: el("li", { class: "my-track", "data-testid": `my-${kind}` }, toggle, reason, why.node), toggle, reason, why };
  }

  function update({ node, toggle, reason, why }, [kind]) {
    const { self } = room;
    const state = self.tracks?.[kind] ?? "blocked";
    setAttribute(node, "data-state", state);
    setDisabled(toggle, state === "blocked");
    setAttribute(toggle, "aria-pressed", String(state === "on"));
    setText(toggle, trackLabel(kind));
    why.update(self, true);
    setText(reason, stateText(room, kind, state));
  }

  return () => {
    syncList(list, TRACKS, { key: ([kind]) => kind, create, update });
    const raised = room.self.handRaised;
    setAttribute(hand, "aria-pressed", String(raised));
    setText(hand, raised ? "Lower your hand" : "Raise your hand");
  };
}

function stateText({ self, roles }, kind, state) {
  if (state === "on") return "on";
  if (state === "off") return "off";
  if (!self.permissions.hasPresence) return "blocked: you are hidden";
  if (roles?.[self.role]?.canSend?.includes(kind)) return "blocked: switched off for you";
  return `blocked: role ${self.role} may not send it`;
}
