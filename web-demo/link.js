/** @file Reads what a page's own address asks for and builds links to the other pages. */

export const ROOM_DEFAULT = "lobby:demo";

/** Room, token, name and auto of this page's address. A token in the query moves to the fragment, which no server ever sees. */
export function readAddress() {
  const url = new URL(window.location.href);
  const query = url.searchParams;
  const fragment = new URLSearchParams(url.hash.slice(1));
  if (query.has("token")) {
    if (!fragment.get("token")) fragment.set("token", query.get("token"));
    query.delete("token");
    url.search = query.toString().replaceAll("%3A", ":");
    url.hash = fragment.toString();
    window.history.replaceState(null, "", url);
  }
  const read = (name) => fragment.get(name) || query.get(name) || undefined;
  return { room: read("room") ?? ROOM_DEFAULT, token: read("token"), name: read("name"), auto: read("auto") === "1" };
}

/** The address of a page for a room; a token goes into the fragment. */
export function pageLink(page, { room, token, name, auto }, base = window.location.href) {
  const url = new URL(page, base);
  url.search = "";
  url.hash = "";
  const query = new URLSearchParams({ room });
  if (name) query.set("name", name);
  if (auto) query.set("auto", "1");
  url.search = query.toString().replaceAll("%3A", ":");
  if (token) url.hash = new URLSearchParams({ token }).toString();
  return url.href;
}

/** Gives every `data-keep-address` link the query and fragment of this page, so a token and a room travel along. */
export function keepAddress(root = document) {
  for (const link of root.querySelectorAll("a[data-keep-address]")) {
    const url = new URL(link.getAttribute("href"), window.location.href);
    url.search = window.location.search;
    url.hash = window.location.hash;
    link.href = url.href;
  }
}

/** What a token says, unproved. Only the server can tell whether it is true. */
function claims(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)) ?? {};
  } catch {
    return {};
  }
}

/** Whether a token says that its bearer is an owner. */
export const isOwnerToken = (token) => claims(token).is_owner === true;

/** Whether a token says that it is good for a room: it names that one, or none. */
export function isTokenFor(token, room) {
  const { room: one, call_cids: several } = claims(token);
  return (one === undefined || one === room) && (!Array.isArray(several) || several.includes(room));
}
