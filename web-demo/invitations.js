/** @file Role offers made to this participant, as a non-modal dialog: the room stays usable while it waits. */
import { button, el, hook, setAttribute, setDisabled, setText, syncList } from "./dom.js";
import { secondsLeft } from "./shell.js";
import { OUTCOME, peerName } from "./words.js";

/** Wires the place of role offers; returns its drawing. */
export function createInvitations(place, session) {
  const { room, toasts } = session;
  const pending = () => (room.requests?.role ?? []).filter((request) => request.by?.peerId !== room.peerId
    && (request.peerId === undefined || request.peerId === room.peerId));

  room.on("role-change-cancelled", ({ outcome }) => toasts.info(`The role offer ${OUTCOME[outcome] ?? outcome}`));

  function create(request) {
    const titleId = `offer-${request.requestId}`;
    const before = document.activeElement;
    const reason = el("input", { class: "input", maxlength: 256, placeholder: "Reason, if you reject (optional)", "aria-label": "Reason, if you reject", "data-testid": "reject-reason" });
    const answer = (what, call) => async () => {
      for (const node of [accept, reject]) setDisabled(node, true);
      await session.attempt(what, call());
      for (const node of [accept, reject]) setDisabled(node, false);
    };
    const accept = button("Accept", { class: "button primary", "data-testid": "accept-role" }, answer("Accepting", () => room.acceptChangeRole(request.requestId)));
    const reject = button("Reject", { class: "button", "data-testid": "reject-role" },
      answer("Rejecting", () => room.rejectChangeRole(request.requestId, reason.value.trim() || undefined)));
    const term = el("span", { class: "muted small", "data-testid": "offer-term" });
    const bar = el("progress", { class: "term-bar", max: 60, "aria-hidden": true });
    const node = el("section", { class: "card offer", role: "dialog", "aria-modal": "false", "aria-labelledby": titleId, tabindex: "-1", "data-testid": "role-offer", "data-role": request.role },
      el("h2", { id: titleId }, `${peerName(request.by)} offers you the role `, el("em", {}, request.role)),
      el("p", {}, describeRole(room.roles?.[request.role])),
      bar, term, reason,
      el("div", { class: "actions" }, accept, reject));
    queueMicrotask(() => {
      // Whoever is in the middle of something keeps the focus; the live region has announced the offer.
      if (before === null || before === document.body || before.matches("h1, h2")) accept.focus();
    });
    return { node, term, bar, before };
  }

  function update(row, request) {
    const left = secondsLeft(session, request.expiresAt);
    setText(row.term, `expires in ${left} s`);
    setAttribute(row.bar, "value", Math.min(60, left));
  }

  function draw() {
    const offers = session.ended ? [] : pending();
    const hadFocus = place.contains(document.activeElement);
    syncList(place, offers, { key: (request) => request.requestId, create, update });
    if (hadFocus && !place.contains(document.activeElement)) hook("standing-title").focus();
  }

  setInterval(() => {
    if (place.childElementCount > 0) draw();
  }, 1_000);
  return draw;
}

function describeRole(role) {
  if (!role) return "The role changes what you may do here.";
  const sends = role.canSend?.length ? `may send ${role.canSend.length} of 6 kinds of tracks` : "may send nothing";
  const seen = role.hasPresence === false ? "is hidden" : "is seen by everybody";
  return `Whoever holds it ${seen} and ${sends}. Your present role ends; tracks you gain start off.`;
}
