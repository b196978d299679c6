/** @file A modal question before something that cannot be undone; the browser's own dialog keeps the focus inside. */
import { el, button } from "./dom.js";

/** Resolves to the fields' values, or to null when the person thinks better of it. */
export function ask({ title, text, confirm, fields = [] }) {
  return new Promise((resolve) => {
    const inputs = new Map();
    const rows = fields.map(({ id, label, kind }) => {
      const input = el("input", { type: kind ?? "text", "data-testid": `ask-${id}`, maxlength: kind ? null : 256, class: kind ? null : "input" });
      inputs.set(id, input);
      return kind === "checkbox"
        ? el("label", { class: "check" }, input, el("span", {}, label))
        : el("label", { class: "field" }, el("span", { class: "field-label" }, label), input);
    });
    const heading = el("h2", { id: "ask-title" }, title);
    const form = el("form", { method: "dialog" }, heading, text ? el("p", {}, text) : null, ...rows,
      el("div", { class: "actions" },
        el("button", { class: "button danger", value: "confirm", "data-testid": "ask-confirm" }, confirm),
        button("Cancel", { "data-testid": "ask-cancel" }, () => dialog.close(""))));
    const dialog = el("dialog", { class: "ask", "aria-labelledby": "ask-title", "data-testid": "ask" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "confirm") return resolve(null);
      const values = {};
      for (const [id, input] of inputs) values[id] = input.type === "checkbox" ? input.checked : input.value.trim();
      return resolve(values);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
