/** @file What both room pages share: the connection and its banner, the ended screen, toasts, log and messages. */
import { Rolecall } from "/sdk/rolecall.js";
import { createChat } from "./chat.js";
import { coalesce, el, button, hook, setAttribute, setText } from "./dom.js";
import { keepAddress } from "./link.js";
import { createLog } from "./log.js";
import { createToasts } from "./toast.js";
import { byName, endingText } from "./words.js";

const REDRAWN_ON = [
  "joined", "state", "participant-joined", "participant-updated", "participant-left", "ROLE_UPDATED", "counts-updated",
  "room-updated", "role-change-request", "role-change-answered", "role-change-cancelled", "permission-request", "permission-request-answered",
];

/**
 * Opens a room for a page. `setUp(session)` wires the page's panels and returns the function that draws them;
 * it is called once before joining, the drawing whenever something changed. `recover(error)` may say that it leads elsewhere
 * when the room lets nobody in.
 */
export async function openRoom({ address, name, setUp, recover }) {
  const room = new Rolecall({ room: address.room, token: address.token, name });
  const toasts = createToasts(document.body);
  const session = { room, toasts, skew: 0, ended: false, ending: undefined };

  const draw = coalesce(() => {
    if (session.ended || room.state === "idle") return;
    drawTop(room);
    if (!room.self) return;
    chat.update();
    drawPage();
  });
  /** Awaits a call: a refusal becomes a toast and `undefined`. The reply itself may have changed what is pending, so the page is drawn. */
  session.attempt = async (what, call) => {
    const result = await toasts.attempt(what, call);
    draw();
    return result;
  };
  createLog(hook("log-panel"), room);
  const chat = createChat(hook("message-panel"), session);
  const drawPage = setUp(session);

  room.on("notice", ({ method, params }) => {
    if (params.at) session.skew = Date.now() - Date.parse(params.at);
    if (method === "room-ended") session.ending = endedText(params, room);
  });
  for (const event of REDRAWN_ON) room.on(event, draw);
  room.on("reconnecting", ({ attempt, delay }) => showBanner(`Connection lost. Reconnecting${attempt > 1 ? ` (attempt ${attempt})` : ""}…`, delay));
  room.on("resumed", () => {
    showBanner("");
    toasts.success("Connected again");
    draw();
  });
  room.on("joined", () => showBanner(""));
  room.on("token-expiring", ({ in: seconds }) => {
    toasts.info("Your token expires soon", `In ${seconds} s this page loses its seat. Ask for a new link.`);
  });
  room.on("error", ({ error }) => console.error(error));
  room.on("closed", async ({ code, text, error }) => {
    showBanner("");
    session.ended = true;
    if (error && await recover?.(error)) return;
    if (error) showEnding({ title: "The room did not let you in", text: error.message, detail: `${error.code || ""} ${error.reason}`.trim(), code: error.reason });
    else showEnding({ ...endingText(code), detail: session.ending ?? (text && `The reason given: ${text}`), code });
  });

  try {
    await room.connect();
  } catch {
    return undefined; // The closed event has put the reason on the screen.
  }
  draw();
  return session;
}

/** How many whole seconds are left until a time of the server's clock. */
export function secondsLeft(session, expiresAt) {
  return Math.max(0, Math.ceil((Date.parse(expiresAt) + session.skew - Date.now()) / 1000));
}

function endedText({ by, reason }, room) {
  const who = by === room.peerId ? "you" : byName(by, room.participants);
  return [who && `Ended by ${who}.`, reason].filter(Boolean).join(" ");
}

function drawTop(room) {
  setText(hook("room-cid"), room.room?.cid ?? "");
  const state = hook("state");
  setText(state, room.state);
  setAttribute(state, "data-state", room.state);
  setText(hook("counts"), `${room.counts?.present ?? 0} present · ${room.counts?.hidden ?? 0} hidden`);
}

function showBanner(text, delay) {
  const banner = hook("banner");
  banner.hidden = text === "";
  const seconds = Math.round((delay ?? 0) / 1000);
  setText(banner, text && seconds > 1 ? `${text} next try in ${seconds} s` : text);
}

function showEnding({ title, text, detail, code }) {
  document.body.dataset.ended = "true";
  hook("main").hidden = true;
  const heading = el("h1", { tabindex: "-1" }, title);
  const screen = el("main", { class: "ending", "data-testid": "ending", "data-code": code },
    el("div", { class: "card ending-card" },
      heading,
      el("p", {}, text),
      detail ? el("p", { class: "muted", "data-testid": "ending-reason" }, detail) : null,
      el("div", { class: "actions" },
        button("Join again", { class: "button primary", "data-testid": "join-again" }, () => window.location.reload()),
        el("a", { class: "button", href: "index.html", "data-keep-address": true, "data-testid": "ending-home" }, "First page"))));
  document.body.append(screen);
  keepAddress(screen);
  const state = hook("state");
  setText(state, "closed");
  setAttribute(state, "data-state", "closed");
  heading.focus();
}
