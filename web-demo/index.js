/** @file The first page: links that keep the address's room and token, and a form for another room. */
import { hook, setText } from "./dom.js";
import { keepAddress, pageLink, readAddress } from "./link.js";

const address = readAddress();
keepAddress();
setText(hook("room"), address.room);
hook("no-token").hidden = Boolean(address.token);

const form = hook("other-room");
form.elements.room.value = address.room;
form.elements.token.value = address.token ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const page = event.submitter?.value === "owner" ? "owner.html" : "participant.html";
  window.location.href = pageLink(page, { room: form.elements.room.value.trim(), token: form.elements.token.value.trim() || undefined });
});
