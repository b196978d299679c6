/** @file The popover that answers "why can't Bo speak?": one right of one participant, or a list of all of them to ask about. */
import { button, el, setAttribute, setText, syncList } from "./dom.js";
import { allRights, explanation, hintText, holds, presenceText, rightId, rightVerb, whyText } from "./rights.js";
import { peerName, receiveLines } from "./words.js";

const MARGIN_PX = 8;
/** Below this width the popover is a sheet at the bottom of the window, as the stylesheet has it. */
const SHEET = window.matchMedia("(max-width: 36rem)");

/** The one popover of a page. */
export function createExplain(session) {
  const { room } = session;
  let subject; // { peerId, question?, anchor, fromList }
  let drawnOf; // the participant and the roles that the answer is about

  const title = el("h2", { id: "explain-title", tabindex: "-1", "data-testid": "explain-title" });
  const back = button("All rights", { class: "button small quiet", "data-testid": "explain-back" }, () => show({ peerId: subject.peerId, anchor: subject.anchor }));
  const close = button("×", { class: "button small quiet", "aria-label": "Close", "data-testid": "explain-close" }, () => node.hidePopover());
  const verdict = el("p", { class: "verdict", "data-testid": "explain-verdict" });
  const reasons = el("ol", { class: "reasons", "aria-label": "What counts, the later overruling the earlier" });
  const hint = el("p", { class: "muted small", "data-testid": "explain-hint" });
  const answer = el("div", { class: "answer-view", "aria-live": "polite" }, verdict, reasons, hint);
  const facts = el("ul", { class: "facts small" });
  const groups = el("div", { class: "right-groups" });
  const list = el("div", { class: "list-view", "data-testid": "rights-list" }, facts, groups);
  const node = el("div", { popover: "auto", role: "dialog", class: "explain", "aria-labelledby": "explain-title", "data-testid": "explain" },
    el("div", { class: "explain-head" }, title, el("div", { class: "actions" }, back, close)), answer, list);
  document.body.append(node);

  node.addEventListener("toggle", ({ newState }) => {
    if (newState === "closed") subject = undefined;
  });

  /** Opens at a control, about one right of a participant or, without a question, about all of them. */
  function open(anchor, peerId, question) {
    // The popover gives the focus back to what had it when it opened.
    anchor.focus();
    if (!node.matches(":popover-open")) node.showPopover();
    show({ peerId, question, anchor, fromList: false });
  }

  function show(next) {
    subject = next;
    setAttribute(node, "data-view", next.question ? "answer" : "list");
    draw();
    title.focus();
    node.scrollTop = 0;
  }

  function draw() {
    const peer = room.participants.get(subject.peerId);
    if (!peer) {
      node.hidePopover();
      return;
    }
    drawnOf = [peer, room.roles, room.room];
    setAttribute(node, "data-peer", subject.peerId);
    setAttribute(node, "data-right", subject.question ? rightId(subject.question) : null);
    back.hidden = !subject.fromList;
    answer.hidden = !subject.question;
    list.hidden = !answer.hidden;
    if (subject.question) ask(peer, subject);
    else drawList(peer);
    place(subject.anchor);
  }

  async function ask(peer, asked) {
    const isSelf = peer.peerId === room.peerId;
    const allowedNow = holds(peer, asked.question);
    setText(title, whyText(peer, asked.question, { allowed: allowedNow, isSelf }));
    let reply;
    try {
      reply = await room.explain({ peerId: peer.peerId, ...asked.question });
    } catch (error) {
      if (asked !== subject) return;
      setText(verdict, `The room did not say: ${error.message}.`);
      syncReasons([]);
      hint.hidden = true;
      return;
    }
    if (asked !== subject) return;
    const told = explanation(peer, asked.question, reply, { isSelf });
    setAttribute(node, "data-allowed", String(reply.allowed));
    setText(title, whyText(peer, asked.question, { allowed: reply.allowed, isSelf }));
    setText(verdict, told.verdict);
    syncReasons(told.reasons);
    const mayGrant = room.can("update-call-permissions");
    const text = hintText(peer, asked.question, { allowed: reply.allowed, decidedBy: told.decidedBy }, { isSelf, mayGrant, roles: room.roles });
    setText(hint, text);
    hint.hidden = text === "";
    place(asked.anchor);
  }

  function syncReasons(told) {
    reasons.replaceChildren(...told.map(({ rule, speaksFor, text, decides }) => el("li", {
      "data-testid": "explain-reason", "data-rule": rule, "data-speaks": speaksFor ? "for" : "against", "data-decides": decides,
    }, el("span", { class: "hidden-text" }, speaksFor ? "For: " : "Against: "), text, decides ? el("span", { class: "chip" }, "decides") : null)));
  }

  function drawList(peer) {
    const isSelf = peer.peerId === room.peerId;
    setAttribute(node, "data-allowed", null);
    setText(title, isSelf ? "What you may do" : `What ${peerName(peer)} may do`);
    const nameOf = (peerId) => peerName(room.participants.get(peerId) ?? { peerId });
    const lines = [
      `Role ${peer.role}${peer.owner ? ", owner of the room" : ""}.`,
      presenceText(peer, room.roles, { isSelf }),
      `Receives ${receiveLines(peer.permissions.canReceive, nameOf).join("; ")}.`,
    ];
    facts.replaceChildren(...lines.map((line) => el("li", {}, line)));
    syncList(groups, allRights(peer), {
      key: ({ title: name }) => name,
      create: ({ title: name }) => {
        const rights = el("ul", { class: "right-list" });
        return { node: el("section", { class: "right-group" }, el("h3", {}, name), rights), rights };
      },
      update: ({ rights }, { questions }) => syncList(rights, questions, { key: rightId, create: createRight, update: (row, question) => updateRight(row, peer, question, isSelf) }),
    });
  }

  function createRight(question) {
    const verb = el("span", {}, rightVerb(question));
    const ask = el("button", { type: "button", class: "right", "data-testid": "right", "data-right": rightId(question) }, verb);
    ask.addEventListener("click", () => show({ ...subject, question, fromList: true }));
    return { node: el("li", {}, ask), ask };
  }

  function updateRight({ ask }, peer, question, isSelf) {
    const allowed = holds(peer, question);
    setAttribute(ask, "data-allowed", String(allowed));
    setAttribute(ask, "aria-label", whyText(peer, question, { allowed, isSelf }));
  }

  /** Below the control where there is room, else above it, never out of the window's sides. */
  function place(anchor) {
    node.style.left = "";
    node.style.top = "";
    if (SHEET.matches) return;
    const at = anchor.getBoundingClientRect();
    const own = node.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - own.width - MARGIN_PX);
    const below = at.bottom + MARGIN_PX;
    const above = at.top - own.height - MARGIN_PX;
    const top = below + own.height > window.innerHeight && above > 0 ? above : below;
    node.style.left = `${Math.max(MARGIN_PX, left) + window.scrollX}px`;
    node.style.top = `${top + window.scrollY}px`;
  }

  return {
    open,
    /** Asks again while it is open: what changed may have changed the answer. */
    update() {
      if (!subject) return;
      const now = [room.participants.get(subject.peerId), room.roles, room.room];
      if (now.some((one, index) => one !== drawnOf[index])) draw();
    },
  };
}

/** A small button that asks about one right; `update(peer, isSelf)` gives it the question as its name. */
export function whyButton(explain, question, attributes) {
  let asked;
  const node = el("button", { type: "button", class: "why", ...attributes }, "?");
  node.addEventListener("click", () => explain.open(node, asked, question));
  return {
    node,
    update(peer, isSelf) {
      asked = peer.peerId;
      setAttribute(node, "aria-label", whyText(peer, question, { allowed: holds(peer, question), isSelf }));
    },
  };
}
