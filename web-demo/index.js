/** @file The first page: links that keep the address's room and token, and a form for another room. */
import { hook, setText } from "./dom.js";
import { isOwnerToken, keepAddress, pageLink, readAddress } from "./link.js";

const address = readAddress();
keepAddress();
setText(hook("room"), address.room);
// An owner who opens the participant page wants to see what a guest sees.
if (address.token && isOwnerToken(address.token)) hook("open-participant").hash = "";
hook("no-token").hidden = Boolean(address.token);

const form = hook("other-room");
form.elements.room.value = address.room;
form.elements.token.value = address.token ?? "";
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const page = event.submitter?.value === "owner" ? "owner.html" : "participant.html";
  window.location.href = pageLink(page, { room: form.elements.room.value.trim(), token: form.elements.token.value.trim() || undefined });
});
