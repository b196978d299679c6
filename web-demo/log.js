/** @file The live log: every notice with its `seq`, filterable, pausable and bounded. */
import { coalesce, el, hook, setText } from "./dom.js";
import { LEFT, OUTCOME, byName, listText, peerName, requestText, trackLabel } from "./words.js";

const LINES_MAX = 500;

/** Wires the log panel of a page to a room's notices. */
export function createLog(panel, room) {
  const list = hook("log", panel);
  const filter = hook("log-filter", panel);
  const pause = hook("log-pause", panel);
  const count = hook("log-count", panel);
  let lines = [];
  let fresh = [];
  let paused = false;
  let missed = 0;

  /** Names of those seen so far, to call by name whoever has just left. */
  const names = new Map();
  const remember = (peer) => names.set(peer.peerId, peerName(peer));
  const nameOf = (peerId) => {
    if (peerId === room.peerId) return "you";
    const peer = room.participants.get(peerId);
    return peer ? peerName(peer) : names.get(peerId) ?? peerName({ peerId });
  };
  const byText = (by) => {
    const name = by === room.peerId ? "you" : byName(by, room.participants);
    return name && ` by ${name}`;
  };

  function matches(line) {
    const wanted = filter.value.trim().toLowerCase();
    return wanted === "" || line.text.includes(wanted);
  }

  /** Shows the lines that came since the last time. */
  const flush = coalesce(() => {
    if (!paused && fresh.length > 0) {
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      list.append(...fresh.filter(matches).map((line) => line.node));
      fresh = [];
      if (atEnd) list.scrollTop = list.scrollHeight;
    }
    describe();
  });

  function redraw() {
    fresh = [];
    list.replaceChildren(...lines.filter(matches).map((line) => line.node));
    list.scrollTop = list.scrollHeight;
    describe();
  }

  function describe() {
    setText(count, paused && missed > 0 ? `${missed} new while paused` : `${list.childElementCount} of ${lines.length} lines`);
  }

  function push({ seq, at, method, summary, params }) {
    const when = at ? new Date(at) : new Date();
    const node = el("li", { class: "log-line", "data-testid": "log-line", "data-method": method, "data-seq": seq },
      el("span", { class: "log-seq" }, seq === undefined ? "·" : `#${seq}`),
      el("time", { class: "log-time", datetime: when.toISOString() }, when.toLocaleTimeString([], { hour12: false })),
      el("div", { class: "log-body" },
        el("span", { class: "log-method" }, method), " ", el("span", { class: "log-summary" }, summary),
        params === undefined ? null : frame(params)));
    const line = { node, text: `${seq ?? ""} ${method} ${summary}`.toLowerCase() };
    lines.push(line);
    fresh.push(line);
    if (lines.length > LINES_MAX) {
      const oldest = lines.shift();
      oldest.node.remove();
      if (fresh[0] === oldest) fresh.shift();
    }
    if (paused) missed += 1;
    flush();
  }

  filter.addEventListener("input", redraw);
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    setText(pause, paused ? "Resume" : "Pause");
    if (!paused) {
      missed = 0;
      redraw();
    }
    describe();
  });
  hook("log-clear", panel).addEventListener("click", () => {
    lines = [];
    missed = 0;
    redraw();
  });

  room.on("notice", ({ method, params }) => {
    if (method === "subscription-signal") return; // What two browsers tell each other to connect: long, and no fact of the room.
    if (params.participant) remember(params.participant);
    push({ seq: params.seq, at: params.at, method, params, summary: summarize(method, params, nameOf, byText) });
    if (method === "participant-left" && params.reason !== "hidden") names.delete(params.peerId);
  });
  room.on("joined", () => room.participants.forEach(remember));
  room.on("state", ({ state, previous }) => push({ method: "connection", summary: `${previous} → ${state}` }));
  room.on("resumed", ({ resumed }) => push({
    method: "resume", summary: resumed ? "the same seat again, nothing missed" : "the journal kept too little: the room was read anew",
  }));
  describe();
}

/** The whole frame, formatted only when somebody opens it. */
function frame(params) {
  const details = el("details", {}, el("summary", {}, "frame"));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(el("pre", {}, JSON.stringify(params, null, 2)));
  }, { once: true });
  return details;
}

const tracksText = (kinds) => listText(kinds.map((kind) => trackLabel(kind).toLowerCase()));
const shorten = (text) => (String(text).length > 80 ? `${String(text).slice(0, 80)}…` : String(text));

function summarize(method, params, nameOf, byText) {
  switch (method) {
    case "participant-joined":
      return `${peerName(params.participant)} as ${params.participant.role}`;
    case "participant-updated":
      return `${peerName(params.participant)}: ${(params.changed ?? []).join(", ")}${byText(params.by)}`;
    case "participant-left":
      return `${nameOf(params.peerId)} ${LEFT[params.reason] ?? params.reason}`;
    case "ROLE_UPDATED":
      return `${nameOf(params.peerId)}: ${params.from} → ${params.to}${byText(params.by)}${params.forced ? " (forced)" : ""}`;
    case "role-change-request":
      return `${params.request.role} offered${byText(params.request.by)}`;
    case "role-change-answered":
      return `${nameOf(params.peerId)}, ${params.role}: ${OUTCOME[params.outcome] ?? params.outcome}${params.reason ? ` (${params.reason})` : ""}`;
    case "role-change-cancelled":
      return `the offer ${OUTCOME[params.outcome] ?? params.outcome}`;
    case "permission-request":
      return `${peerName(params.from)} asks for ${requestText(params.permissions)}`;
    case "permission-request-answered":
      return `${peerName(params.from)}: ${requestText(params.permissions)} ${params.granted ? "granted" : "denied"}${byText(params.by)}`;
    case "counts-updated":
      return `${params.present} present, ${params.hidden} hidden`;
    case "app-message":
      return `from ${peerName(params.from)}: ${shorten(params.data?.text ?? JSON.stringify(params.data))}`;
    case "signal":
      return `from ${peerName(params.from)}`;
    case "unmute-request":
      return `${peerName(params.from)} asks for your ${tracksText(params.tracks)}`;
    case "subscription-updated":
      return params.tracks.length ? `receiving ${tracksText(params.tracks)} from ${nameOf(params.peerId)}` : `nothing more from ${nameOf(params.peerId)}`;
    case "subscriber-updated":
      return params.tracks.length ? `somebody receives your ${tracksText(params.tracks)}` : "somebody receives nothing more of you";
    case "room-ended":
      return `${params.reason ?? ""}${byText(params.by)}`.trim();
    default:
      return (params.changed ?? []).join(", ");
  }
}
