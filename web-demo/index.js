/** @file The first page: the four templates to choose from, the doors to the chosen room, and a form for another. */
import { el, hook, setText } from "./dom.js";
import { createInvite } from "./invite.js";
import { isOwnerToken, isTokenFor, pageLink, readAddress } from "./link.js";
import { TEMPLATES, templateOf } from "./templates.js";
import { createToasts } from "./toast.js";

const address = readAddress();
const { token } = address;
const drawInvite = createInvite(hook("invite"), { toasts: createToasts(document.body) });
const roomId = address.room.includes(":") ? address.room.slice(address.room.indexOf(":") + 1) : address.room;

for (const { type, title, text } of TEMPLATES) {
  const input = el("input", {
    type: "radio", name: "template", value: type, class: "hidden-text", "data-testid": "template-choice", checked: templateOf(address.room)?.type === type,
    "aria-describedby": `template-${type}`,
    onchange: () => choose(`${type}:${roomId}`),
  });
  hook("templates").append(el("label", { class: "card template", "data-testid": "template", "data-type": type }, input,
    el("img", { src: `pictures/${type}.svg`, alt: "", width: 160, height: 90 }),
    el("strong", {}, title), el("span", { class: "muted", id: `template-${type}` }, text)));
}

/** Leads every door into this room, and keeps it over a reload. */
function choose(room) {
  const template = templateOf(room);
  for (const id of ["room", "token-room", "other-token-room"]) setText(hook(id), room);
  hook("open-owner").href = pageLink("owner.html", { room, token });
  // An owner who opens the participant page wants to see what a guest sees.
  hook("open-participant").href = pageLink("participant.html", { room, token: token && !isOwnerToken(token) ? token : undefined });
  hook("no-token").hidden = Boolean(token);
  hook("other-token").hidden = !token || isTokenFor(token, room);
  const shown = template ?? TEMPLATES[0];
  setText(hook("steps-of"), shown.title);
  hook("steps").replaceChildren(...shown.steps.map((step) => el("li", {}, step)));
  drawInvite(room);
  const form = hook("other-room");
  form.elements.room.value = room;
  window.history.replaceState(null, "", pageLink(window.location.pathname, { room, token }));
}

const form = hook("other-room");
form.elements.token.value = token ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const page = event.submitter?.value === "owner" ? "owner.html" : "participant.html";
  window.location.href = pageLink(page, { room: form.elements.room.value.trim(), token: form.elements.token.value.trim() || undefined });
});

choose(address.room);
