/** @file The owner page: every participant a row, requests to answer, offers to cancel, roles in bulk. */
import { ask } from "./ask.js";
import { createBulk } from "./bulk.js";
import { createExplain } from "./explain.js";
import { button, el, hook, setDisabled, setText, syncList } from "./dom.js";
import { createInvite } from "./invite.js";
import { keepAddress, readAddress } from "./link.js";
import { createLive } from "./live.js";
import { createOffers } from "./offers.js";
import { createRow } from "./rows.js";
import { openRoom } from "./shell.js";
import { TRACKS, countOf, peerName, requestText } from "./words.js";

const address = readAddress();
keepAddress();

openRoom({ address, name: address.name, setUp });

function setUp(session) {
  const { room } = session;
  const offers = createOffers(hook("offers-panel"), session);
  const explain = createExplain(session);
  const live = createLive(hook("live-panel"), session, explain);
  const drawBulk = createBulk(hook("bulk-panel"), session);
  const drawRequests = setUpRequests(session);
  const drawRows = setUpRows(session, { offers, explain });
  createInvite(hook("invite"), session)(address.room);

  hook("end-room").addEventListener("click", async () => {
    const answer = await ask({
      title: "End the room for everybody?", text: "Every participant is disconnected and the room stays ended.", confirm: "End the room",
      fields: [{ id: "reason", label: "Reason (optional)" }],
    });
    if (answer) await session.attempt("Ending the room", room.endRoom({ reason: answer.reason || undefined }));
  });
  hook("leave").addEventListener("click", () => room.leave());

  return () => {
    hook("no-rights").hidden = room.can("update-call-permissions");
    live.draw();
    drawRows();
    drawRequests();
    offers.draw();
    drawBulk();
    explain.update();
  };
}

function setUpRows(session, { offers, explain }) {
  const { room, toasts } = session;
  const list = hook("rows");
  const filter = hook("row-filter");
  const draw = () => {
    const wanted = filter.value.trim().toLowerCase();
    const peers = [...room.participants.values()];
    const shown = peers.filter((peer) => `${peerName(peer)} ${peer.userId} ${peer.role}`.toLowerCase().includes(wanted));
    shown.sort((a, b) => (b.peerId === room.peerId) - (a.peerId === room.peerId));
    syncList(list, shown, {
      key: (peer) => peer.peerId,
      create: (peer) => createRow(peer, { session, offers, explain }),
      update: (row, peer) => row.update(peer),
    });
    setText(hook("row-count"), wanted ? `${shown.length} of ${peers.length}` : String(peers.length));
    hook("rows-empty").hidden = peers.length > 1;
  };
  filter.addEventListener("input", draw);
  hook("show-all").addEventListener("click", async () => {
    const reply = await session.attempt("Showing everybody", room.updateParticipants({ "*": { updatePermissions: { hasPresence: true } } }));
    if (reply) toasts.success("Presence given", `${countOf(reply.changed)} changed, ${countOf(reply.skipped)} skipped`);
  });
  hook("mute-all").addEventListener("click", async () => {
    const reply = await session.attempt("Muting everybody", room.mute({ tracks: TRACKS.map(([kind]) => kind) }));
    if (reply) toasts.success("Everybody else is muted", `${countOf(reply.muted)} tracks turned off`);
  });
  return draw;
}

function setUpRequests(session) {
  const { room, toasts } = session;
  const list = hook("requests");
  const admitAll = hook("admit-all");

  async function answer(request, grant, reason) {
    return session.attempt(grant ? "Admitting" : "Denying", room.answerPermissionRequest(request, grant, reason || undefined));
  }

  function create(request) {
    const asker = peerName(request.from);
    const reason = el("input", { class: "input", maxlength: 256, placeholder: "Reason (optional)", "aria-label": `Reason for ${asker}`, "data-testid": "answer-reason" });
    const choose = (grant) => async () => {
      for (const node of [admit, deny]) setDisabled(node, true);
      const reply = await answer(request, grant, reason.value.trim());
      for (const node of [admit, deny]) setDisabled(node, false);
      if (reply !== undefined) hook("requests-title").focus();
    };
    const admit = button("Admit", { class: "button small primary", "data-testid": "admit", "aria-label": `Admit ${asker}` }, choose(true));
    const deny = button("Deny", { class: "button small", "data-testid": "deny", "aria-label": `Deny ${asker}` }, choose(false));
    const node = el("li", { class: "request", "data-testid": "request", "data-request": request.requestId, "data-name": request.from?.name, "data-peer": request.from?.peerId },
      el("div", {}, el("strong", {}, asker), ` asks for ${requestText(request.permissions)}`),
      el("div", { class: "request-answer" }, reason, admit, deny));
    return { node };
  }

  const pending = () => (room.requests?.permission ?? []).filter((request) => request.from?.peerId !== room.peerId);

  admitAll.addEventListener("click", async () => {
    const replies = await Promise.all(pending().map((request) => answer(request, true)));
    toasts.success("Admitted", `${replies.filter((reply) => reply !== undefined).length} of ${replies.length} requests granted`);
    hook("requests-title").focus();
  });

  return () => {
    const requests = pending();
    syncList(list, requests, { key: (request) => request.requestId, create });
    hook("requests-empty").hidden = requests.length > 0;
    admitAll.hidden = requests.length === 0;
    setText(admitAll, `Admit all (${requests.length})`);
    setText(hook("requests-count"), requests.length ? String(requests.length) : "");
    document.title = `${requests.length ? `(${requests.length}) ` : ""}Owner · ${room.room?.cid ?? "Rolecall"}`;
  };
}
