/** @file The invitation of a room: its link, a QR code of it for a phone, and the address under which a phone finds this server. */
import { about } from "./about.js";
import { button, el, setAttribute, setText } from "./dom.js";
import { pageLink } from "./link.js";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

const ONLY_HERE = "The address of this page leads to this computer alone. For a phone, start it with a ROLECALL_API_SECRET of your own, --listen 0.0.0.0:7400 and --demo, and write its address here.";
const NO_CAMERA = "Over plain http a phone sees and hears the others. Its own camera and microphone want https.";

/** Fills a place with the invitation; returns a function that says which room it is for. */
export function createInvite(place, { toasts }) {
  let room;
  const here = LOOPBACK.has(window.location.hostname);

  const link = el("input", { class: "input mono", readonly: true, "aria-label": "Link of the participant page", "data-testid": "invite-link" });
  const copy = button("Copy", { class: "button small primary", "data-testid": "invite-copy" }, async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      toasts.success("Invite link copied");
    } catch {
      link.select();
      toasts.info("The link is selected", "This browser does not let the page copy: press Ctrl+C.");
    }
  });
  const open = el("a", { class: "button small", target: "_blank", rel: "noopener", "data-testid": "invite-open" }, "Open");
  const qr = el("img", { class: "qr", width: 176, height: 176, "data-testid": "invite-qr" });
  const tooLong = el("p", { class: "muted small", hidden: true }, "No QR code of this link could be made.");
  const host = el("input", { class: "input mono", type: "url", placeholder: "http://192.168.1.7:7400", autocomplete: "off", spellcheck: "false", "data-testid": "invite-host" });
  const hostField = el("label", { class: "field", hidden: !here }, el("span", { class: "field-label" }, "This server, as a phone finds it"), host);
  const note = el("p", { class: "muted small", "aria-live": "polite", "data-testid": "invite-note" });
  place.append(el("div", { class: "invite" },
    el("div", { class: "qr-place" }, qr, tooLong),
    el("div", { class: "stack" }, el("p", {}, "Scan it with a phone, or send the link."), el("div", { class: "copy" }, link, copy, open), hostField, note)));

  qr.addEventListener("error", () => { qr.hidden = true; tooLong.hidden = false; });
  qr.addEventListener("load", () => { qr.hidden = false; tooLong.hidden = true; });
  host.addEventListener("input", draw);
  if (here) {
    about().then(({ host: address }) => {
      if (!address || host.value !== "") return;
      host.value = `${window.location.protocol}//${address.includes(":") ? `[${address}]` : address}:${window.location.port}`;
      draw();
    });
  }

  /** The address that the link begins with: the one written in, where it is one. */
  function base() {
    const written = host.value.trim();
    return here && written !== "" && URL.canParse(written) && /^https?:/.test(written) ? new URL(written).origin : undefined;
  }

  function draw() {
    if (!room) return;
    const elsewhere = base();
    const url = pageLink("participant.html", { room }, elsewhere ?? window.location.href);
    if (link.value === url) return;
    link.value = url;
    open.href = url;
    setAttribute(qr, "src", `demo/qr.svg?${new URLSearchParams({ text: url })}`);
    setAttribute(qr, "alt", `QR code of ${url}`);
    const plain = url.startsWith("http:");
    setText(note, here && !elsewhere ? ONLY_HERE : plain ? NO_CAMERA : "");
  }

  return (next) => {
    room = next;
    draw();
  };
}
