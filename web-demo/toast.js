/** @file Short notices in a corner: a refused call says why, an accepted one what it did. */
import { el, button } from "./dom.js";

const SHOWN_MAX = 5;
const LIFETIME = { info: 6_000, success: 6_000, error: 12_000 };

/** The place of toasts on a page; both live regions exist before the first notice, so that it is read out. */
export function createToasts(parent) {
  const polite = el("div", { class: "toasts-region", "aria-live": "polite" });
  const urgent = el("div", { class: "toasts-region", "aria-live": "assertive" });
  parent.append(el("div", { class: "toasts", "data-testid": "toasts" }, polite, urgent));

  function show(kind, title, detail) {
    const region = kind === "error" ? urgent : polite;
    const toast = el("div", { class: "toast", "data-testid": "toast", "data-kind": kind },
      el("div", { class: "toast-text" }, el("strong", {}, title), detail ? el("span", {}, detail) : null));
    let timer;
    const dismiss = () => {
      clearTimeout(timer);
      toast.remove();
    };
    const wait = () => { timer = setTimeout(dismiss, LIFETIME[kind]); };
    const hold = () => clearTimeout(timer);
    toast.append(button("×", { class: "button quiet small", "aria-label": "Dismiss this notice" }, dismiss));
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("pointerleave", wait);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("focusout", wait);
    region.append(toast);
    while (region.childElementCount > SHOWN_MAX) region.firstElementChild.remove();
    wait();
  }

  /** Awaits a call; a refusal becomes a toast and `undefined`, so callers need no `try`. */
  async function attempt(what, call) {
    try {
      return await call;
    } catch (error) {
      refused(what, error);
      return undefined;
    }
  }

  function refused(what, error) {
    const reason = error.reason ?? error.data?.reason;
    const code = [error.code, reason].filter((part) => part !== undefined && part !== null).join(" ");
    const needs = error.data?.needs ? ` (needs ${[error.data.needs].flat().join(", ")})` : "";
    const lacks = error.data?.lacks ? ` (you lack ${[error.data.lacks].flat().join(", ")})` : "";
    show("error", `${what} was refused${code ? `: ${code}` : ""}`, `${error.message}${needs}${lacks}`);
  }

  return {
    info: (title, detail) => show("info", title, detail),
    success: (title, detail) => show("success", title, detail),
    refused,
    attempt,
  };
}
