/** @file One row of the owner's panel: a participant with its role, presence, six tracks and what may be done to it. */
import { ask } from "./ask.js";
import { el, button, setAttribute, setDisabled, setText, syncOptions } from "./dom.js";
import { whyButton } from "./explain.js";
import { TRACKS, avatarTone, peerName, requestText, roleNames } from "./words.js";

/** A row that stays the same nodes for the whole visit, so that focus and half-made choices survive every update. */
export function createRow(peer, { session, offers, explain }) {
  const { room, toasts } = session;
  const { peerId } = peer;
  let current = peer;
  let inFlight = 0;

  /** Runs a call about this peer; ticks follow the server again when the last call has been answered. */
  async function call(what, promise) {
    inFlight += 1;
    const result = await session.attempt(what, promise);
    inFlight -= 1;
    update(current);
    return result;
  }

  const name = el("strong", { class: "name", "data-testid": "row-name" });
  const userId = el("span", { class: "muted small mono", "data-testid": "row-user" });
  const avatar = el("span", { class: "avatar", "aria-hidden": true });
  const chips = el("span", { class: "chips" });
  const chip = Object.fromEntries([
    ["self", "you", ""], ["owner", "owner", "accent"], ["waiting", "waiting", "warn"], ["hidden", "hidden", "warn"], ["hand", "hand raised", "accent"],
    ["asking", "", "accent"], ["offer", "", "accent"], ["lost", "disconnected", "bad"],
  ].map(([id, label, tone]) => [id, el("span", { class: `chip ${tone}`, "data-testid": `chip-${id}`, hidden: true }, label)]));
  chips.append(...Object.values(chip));

  const presence = el("input", { type: "checkbox", role: "switch", "data-testid": "presence", onchange: () => {
    call("The presence change", room.updateParticipant(peerId, { hasPresence: presence.checked }));
  } });
  const mute = button("Mute", { class: "button small", "data-testid": "mute" }, () => {
    call("Muting", room.mute({ peerId, tracks: TRACKS.map(([kind]) => kind) }));
  });
  const remove = button("Remove", { class: "button small danger-quiet", "data-testid": "remove" }, async () => {
    const answer = await ask({
      title: `Remove ${peerName(current)}?`,
      text: "The participant leaves the room at once.",
      confirm: "Remove",
      fields: [{ id: "reason", label: "Reason (optional)" }, { id: "block", label: "Also block the user from coming back", kind: "checkbox" }],
    });
    if (!answer) return;
    call("The removal", room.removePeer(peerId, { block: answer.block, ...(answer.reason && { reason: answer.reason }) }));
  });

  const role = el("select", { class: "input", "data-testid": "role-select", onchange: () => drawRole() });
  const offer = button("Offer", { class: "button small", "data-testid": "offer-role", title: "Ask politely: the participant accepts or rejects" }, async () => {
    await call("The role offer", room.changeRoleOfPeer(peerId, role.value, { force: false }));
  });
  const force = button("Set", { class: "button small", "data-testid": "set-role", title: "Force: the role changes at once" }, () => {
    call("The role change", room.changeRoleOfPeer(peerId, role.value, { force: true }));
  });

  const ticks = TRACKS.map(([kind, label]) => {
    const input = el("input", { type: "checkbox", "data-testid": `send-${kind}`, onchange: () => {
      const canSend = ticks.filter((tick) => tick.input.checked).map((tick) => tick.kind);
      call("The permission change", room.updateParticipant(peerId, { canSend }));
    } });
    const state = el("span", { class: "track-state", "data-testid": `track-${kind}` });
    const why = whyButton(explain, { track: kind }, { "data-testid": `why-${kind}` });
    const tick = el("label", { class: "track-tick" }, input, el("span", { class: "track-label" }, label), state);
    return { kind, input, state, why, node: el("div", { class: "track" }, tick, why.node) };
  });
  const rights = button("Rights", { class: "button small", "data-testid": "rights" }, () => explain.open(rights, peerId));
  const legend = el("legend", { class: "hidden-text" });

  const node = el("li", { class: "row", "data-testid": "row", "data-peer": peerId },
    el("div", { class: "row-head" },
      avatar,
      el("div", { class: "who" }, el("div", { class: "who-line" }, name, chips), userId),
      el("div", { class: "row-actions" }, el("label", { class: "switch" }, presence, el("span", {}, "Presence")), rights, mute, remove)),
    el("div", { class: "row-body" },
      el("div", { class: "role-picker" }, role, offer, force),
      el("fieldset", { class: "tracks" }, legend, ...ticks.map((tick) => tick.node))));

  function drawRole() {
    const same = role.value === current.role;
    setAttribute(role, "data-dirty", !same);
    setDisabled(offer, same || current.peerId === room.peerId);
    setDisabled(force, same);
  }

  function drawChips() {
    const { permissions } = current;
    const lockedByRole = room.roles?.[current.role]?.hasPresence === false;
    const asked = (room.requests?.permission ?? []).filter((request) => request.from?.peerId === peerId);
    const pending = offers.of(peerId);
    chip.self.hidden = peerId !== room.peerId;
    chip.owner.hidden = !current.owner;
    chip.waiting.hidden = permissions.hasPresence || !lockedByRole;
    chip.hidden.hidden = permissions.hasPresence || lockedByRole;
    chip.hand.hidden = !current.handRaised;
    chip.lost.hidden = current.connected !== false;
    chip.asking.hidden = asked.length === 0;
    setText(chip.asking, `asks for ${requestText(asked.flatMap((request) => request.permissions))}`);
    chip.offer.hidden = !pending;
    setText(chip.offer, pending ? `${pending.role} offered` : "");
  }

  function update(next) {
    const shown = peerName(next);
    const roleBefore = current.role;
    current = next;
    setAttribute(node, "data-name", next.name);
    setAttribute(node, "data-role", next.role);
    setAttribute(node, "data-presence", String(next.permissions.hasPresence));
    setAttribute(node, "data-connected", String(next.connected !== false));
    setText(name, shown);
    setText(userId, next.userId === next.peerId ? "anonymous" : next.userId);
    setText(avatar, shown.slice(0, 1).toUpperCase());
    setAttribute(avatar, "data-tone", avatarTone(shown));
    drawChips();

    const names = roleNames(room.roles);
    if (!names.includes(next.role)) names.unshift(next.role);
    const untouched = role.value === "" || role.value === roleBefore;
    syncOptions(role, names.map((value) => ({ value, label: value })));
    if (untouched || roleBefore !== next.role) role.value = next.role;
    drawRole();

    if (inFlight === 0) presence.checked = next.permissions.hasPresence;
    for (const { kind, input, state, why, node: track } of ticks) {
      const now = next.tracks?.[kind] ?? "blocked";
      if (inFlight === 0) input.checked = next.permissions.canSend.includes(kind);
      setText(state, now);
      setAttribute(track, "data-state", now);
      why.update(next, peerId === room.peerId);
    }
    setText(legend, `What ${shown} may send`);
    setAttribute(role, "aria-label", `Role for ${shown}`);
    setAttribute(presence, "aria-label", `Presence of ${shown}`);
    setAttribute(rights, "aria-label", `Rights of ${shown}`);
    setAttribute(mute, "aria-label", `Mute ${shown}`);
    setAttribute(remove, "aria-label", `Remove ${shown}`);
    setAttribute(offer, "aria-label", `Offer the chosen role to ${shown}`);
    setAttribute(force, "aria-label", `Set the chosen role of ${shown}`);
    setDisabled(remove, peerId === room.peerId);
  }

  update(peer);
  return { node, update };
}
