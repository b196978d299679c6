/** @file The participant page: what you may do, asking for more, role offers, your tracks, and who else is here. */
import { createAbilities } from "./abilities.js";
import { guestToken } from "./about.js";
import { button, hook, setAttribute, setDisabled, setText } from "./dom.js";
import { createExplain } from "./explain.js";
import { keepAddress, pageLink, readAddress } from "./link.js";
import { createInvitations } from "./invitations.js";
import { createLive } from "./live.js";
import { createMine } from "./mine.js";
import { createPeople } from "./people.js";
import { openRoom } from "./shell.js";
import { REQUESTABLE, byName, peerName, receiveLines, requestText } from "./words.js";

const address = readAddress();
keepAddress();

if (address.auto || address.token) join(address.name);
else askName();

/** The small form in front of the room; Enter joins. */
function askName() {
  const form = hook("join-form");
  const input = hook("join-name");
  setText(hook("join-room"), address.room);
  input.value = address.name ?? `Guest ${10 + Math.floor(Math.random() * 90)}`;
  hook("join").hidden = false;
  input.focus();
  input.select();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim();
    hook("join").hidden = true;
    join(name || undefined);
  });
}

async function join(name) {
  hook("main").hidden = false;
  const session = await openRoom({ address, name, setUp, recover: (error) => becomeGuest(error, name) });
  if (session) hook("standing-title").focus();
}

/** Rooms that want a token get a guest's: the page comes back with it, and keeps it over reloads. */
async function becomeGuest(error, name) {
  if (address.token || error.reason !== "not-allowed") return false;
  const token = await guestToken(name);
  if (!token) return false;
  window.history.replaceState(null, "", pageLink("participant.html", { room: address.room, token, name }));
  window.location.reload();
  return true;
}

function setUp(session) {
  const { room } = session;
  const drawStanding = setUpStanding(session);
  const explain = createExplain(session);
  const live = createLive(hook("live-panel"), session, explain);
  const drawMine = createMine(hook("mine-panel"), session, { explain, live });
  const drawAbilities = createAbilities(hook("abilities-panel"), session, explain);
  const drawPeople = createPeople(hook("people-panel"), session, explain);
  const drawInvitations = createInvitations(hook("invitations"), session);
  hook("leave").addEventListener("click", () => room.leave());
  return () => {
    document.title = `${peerName(room.self)} · ${room.room?.cid ?? "Rolecall"}`;
    drawStanding();
    live.draw();
    drawMine();
    drawAbilities();
    drawPeople();
    drawInvitations();
    explain.update();
  };
}

function setUpStanding(session) {
  const { room, toasts } = session;
  const buttons = REQUESTABLE.map(([id, label]) => ({
    id,
    node: button(`Ask for ${label.toLowerCase()}`, { class: id === "presence" ? "button primary" : "button", "data-testid": `ask-${id}` }, async () => {
      const reply = await session.attempt("Your request", room.requestPermissions([id]));
      if (reply && !reply.requestId) toasts.info("You hold that already");
    }),
  }));
  hook("asks").append(...buttons.map(({ node }) => node));

  const answer = hook("standing-answer");
  room.on("permission-request-answered", ({ from, permissions, granted, by, reason }) => {
    if (from?.peerId !== room.peerId) return;
    const who = byName(by, room.participants) || "The room";
    const text = `${who} ${granted ? "granted" : "denied"} your request for ${requestText(permissions)}${reason ? `: ${reason}` : "."}`;
    setText(answer, text);
    setAttribute(answer, "data-granted", String(granted));
    answer.hidden = false;
    toasts[granted ? "success" : "info"](granted ? "You were let in" : "Your request was denied", text);
  });
  room.on("ROLE_UPDATED", ({ peerId, from, to, by }) => {
    if (peerId !== room.peerId) return;
    answer.hidden = true;
    const asker = by === room.peerId ? "" : byName(by, room.participants);
    toasts.info(`You are ${to} now`, `Before: ${from}.${asker && ` By ${asker}.`} Newly allowed tracks start off.`);
  });

  return () => {
    const { self } = room;
    const hidden = !self.permissions.hasPresence;
    const mayReceive = receiveLines(self.permissions.canReceive, () => "").some((line) => !line.startsWith("nothing"));
    const maySend = self.permissions.canSend.length > 0;
    const standing = hook("standing");
    setAttribute(standing, "data-hidden", String(hidden));
    setAttribute(standing, "data-role", self.role);
    setText(hook("standing-title"), hidden ? "You are locked out for now" : "You are in the room");
    const seen = hidden ? "You are hidden: the others do not see you." : "The others see you.";
    let sends = "You may send no tracks.";
    if (maySend) sends = hidden ? "The tracks you may send stay blocked until you are shown." : "Your tracks turn on only when you turn them on.";
    setText(hook("standing-text"), `${seen} ${mayReceive ? "You receive the others' tracks." : "You receive no tracks."} ${sends}`);
    setText(hook("my-name"), peerName(self));
    setText(hook("my-role"), self.role);

    const pending = (room.requests?.permission ?? []).filter((request) => request.from?.peerId === room.peerId || request.from === undefined);
    const asked = new Set(pending.flatMap((request) => request.permissions));
    for (const { id, node } of buttons) {
      const held = id === "presence" ? !hidden : room.can(id);
      node.hidden = held;
      setDisabled(node, asked.has(id));
      const label = REQUESTABLE.find(([known]) => known === id)[1].toLowerCase();
      setText(node, asked.has(id) ? `Asked for ${label}…` : `Ask for ${label}`);
    }
    hook("waiting").hidden = asked.size === 0;
    setText(hook("waiting"), `You asked for ${requestText([...asked])}. Somebody who may decide has been told.`);
    if (asked.size > 0 || (hidden && answer.dataset.granted === "true")) answer.hidden = true;
  };
}
