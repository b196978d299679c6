/** @file The role offers this page has made and that wait for an answer, each with its term and a way to cancel. */
import { button, el, hook, setDisabled, setText, syncList } from "./dom.js";
import { secondsLeft } from "./shell.js";
import { OUTCOME, peerName } from "./words.js";

/** Wires the panel of offers; returns its drawing and a look-up by peer. */
export function createOffers(panel, session) {
  const { room, toasts } = session;
  const list = hook("offers", panel);
  const pending = () => (room.requests?.role ?? []).filter((request) => request.by?.peerId === room.peerId);

  room.on("role-change-answered", ({ peerId, role, outcome, reason }) => {
    const ended = outcome === "accepted" || outcome === "rejected" ? `was ${outcome}` : OUTCOME[outcome] ?? outcome;
    const who = peerName(room.participants.get(peerId) ?? { peerId });
    toasts[outcome === "accepted" ? "success" : "info"](`${who}: the offer of ${role} ${ended}`, reason);
  });

  function create(request) {
    const who = peerName(room.participants.get(request.peerId) ?? request);
    const term = el("span", { class: "muted small", "data-testid": "offer-term" });
    const cancel = button("Cancel", { class: "button small", "data-testid": "cancel-offer", "aria-label": `Cancel the offer to ${who}` }, async () => {
      setDisabled(cancel, true);
      const reply = await session.attempt("Cancelling the offer", room.cancelChangeRole(request.requestId));
      setDisabled(cancel, false);
      if (reply !== undefined) hook("offers-title").focus();
    });
    const node = el("li", { class: "offer-row", "data-testid": "offer", "data-peer": request.peerId, "data-request": request.requestId, "data-role": request.role },
      el("div", {}, el("strong", {}, who), ` may become ${request.role}`, el("br"), term), cancel);
    return { node, term };
  }

  function draw() {
    const offers = pending();
    syncList(list, offers, {
      key: (request) => request.requestId,
      create,
      update: (row, request) => setText(row.term, `waits for an answer · ${secondsLeft(session, request.expiresAt)} s left`),
    });
    hook("offers-empty", panel).hidden = offers.length > 0;
  }

  setInterval(() => {
    if (list.childElementCount > 0 && !session.ended) draw();
  }, 1_000);

  return { draw, of: (peerId) => pending().find((request) => request.peerId === peerId) };
}
