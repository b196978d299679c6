/** @file The bulk change: everybody in the ticked roles gets another role at once, without being asked. */
import { el, hook, setText, syncList, syncOptions } from "./dom.js";
import { countOf, roleNames } from "./words.js";

/** Wires the bulk panel; returns its drawing. */
export function createBulk(panel, session) {
  const { room, toasts } = session;
  const sources = hook("bulk-from", panel);
  const target = hook("bulk-to", panel);
  const form = hook("bulk-form", panel);
  const chosen = () => [...sources.querySelectorAll("input:checked")].map((input) => input.value);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const reply = await session.attempt("The bulk change", room.changeRoleOfPeersWithRoles(chosen(), target.value));
    if (reply) toasts.success(`Everybody ticked is ${target.value} now`, `${countOf(reply.changed)} changed, ${countOf(reply.skipped)} skipped`);
  });

  function create(role) {
    const count = el("span", { class: "muted small" });
    const input = el("input", { type: "checkbox", value: role, "data-testid": "bulk-role" });
    return { node: el("label", { class: "check" }, input, el("span", {}, role), count), count };
  }

  return () => {
    const names = roleNames(room.roles);
    const peers = [...room.participants.values()];
    syncList(sources, names, {
      key: (role) => role,
      create,
      update: (row, role) => setText(row.count, String(peers.filter((peer) => peer.role === role).length)),
    });
    syncOptions(target, [{ value: "", label: "choose a role" }, ...names.map((value) => ({ value, label: value }))]);
  };
}
