/** @file One tile: a participant with his camera or his initial, or a screen that he shares. It must not know where tracks come from. */
import { el, icon, setAttribute, setIcon, setText } from "./dom.js";
import { holds, whyText } from "./rights.js";
import { avatarTone, peerName, trackLabel } from "./words.js";

/** Shows a track in a `<video>`, or nothing. A picture that is there already is left alone. */
function showTrack(video, track) {
  const shown = video.srcObject?.getVideoTracks()[0];
  if (shown !== track) {
    video.srcObject = track ? new MediaStream([track]) : null;
    if (track) video.play().catch(() => {}); // Muted pictures may always play; one that is taken away meanwhile may not.
  }
  video.hidden = !track;
}

const newVideo = (attributes) => el("video", { autoplay: true, playsinline: true, muted: true, hidden: true, ...attributes });

/** A participant's tile; `explain` answers for his microphone. */
export function createTile(peer, { room, explain }) {
  const isSelf = peer.peerId === room.peerId;
  const video = newVideo({ "data-testid": "tile-video" });
  video.muted = true;
  const avatar = el("span", { class: "avatar", "aria-hidden": true });
  const notice = el("p", { class: "tile-notice small", "data-testid": "tile-notice", hidden: true });
  const hand = el("span", { class: "chip accent", "data-testid": "tile-hand", hidden: true }, icon("hand"), el("span", { class: "hidden-text" }, "hand raised"));
  const lost = el("span", { class: "chip bad", hidden: true }, "disconnected");
  const hidden = el("span", { class: "chip warn", hidden: true }, "hidden");
  const name = el("strong", { class: "name" });
  const role = el("span", { class: "tile-role" });
  const micIcon = icon("audio-off");
  const mic = el("button", { type: "button", class: "tile-mic", "data-testid": "tile-mic" }, micIcon);
  mic.addEventListener("click", () => explain.open(mic, peer.peerId, { track: "audio" }));
  const node = el("li", { class: "tile", "data-testid": "tile", "data-peer": peer.peerId, "data-self": isSelf },
    el("div", { class: "tile-picture" }, avatar, video, notice),
    el("div", { class: "tile-chips" }, hand, hidden, lost),
    el("div", { class: "tile-foot" }, el("div", { class: "tile-who" }, name, role), mic));

  function update(next, { track, mirrored, mayReceive, unavailable }) {
    const shown = peerName(next);
    const state = next.tracks?.audio ?? "blocked";
    const sends = next.tracks?.video === "on";
    showTrack(video, track);
    setAttribute(video, "class", mirrored ? "mirrored" : null);
    setAttribute(video, "aria-label", isSelf ? "Your camera" : `Camera of ${shown}`);
    setAttribute(node, "data-name", next.name);
    setAttribute(node, "data-role", next.role);
    setAttribute(node, "data-presence", String(next.permissions.hasPresence));
    setAttribute(node, "data-connected", String(next.connected !== false));
    setAttribute(node, "data-mic", state);
    setAttribute(node, "data-picture", track ? "on" : "off");
    avatar.hidden = Boolean(track);
    setText(avatar, shown.slice(0, 1).toUpperCase());
    setAttribute(avatar, "data-tone", avatarTone(shown));
    setText(name, isSelf ? `${shown} (you)` : shown);
    setText(role, next.role);
    hand.hidden = !next.handRaised;
    lost.hidden = next.connected !== false;
    hidden.hidden = next.permissions.hasPresence;
    const told = !sends || track || isSelf || unavailable ? "" : mayReceive ? "The picture is on its way" : "You may not receive this picture";
    setText(notice, told);
    notice.hidden = told === "";
    setIcon(micIcon, state === "on" ? "audio" : state === "off" ? "audio-off" : "audio-blocked");
    const question = { track: "audio" };
    setAttribute(mic, "aria-label", `Microphone ${isSelf ? "" : `of ${shown} `}${state}. ${whyText(next, question, { allowed: holds(next, question), isSelf })}`);
    setAttribute(mic, "title", `Microphone ${state}`);
  }

  return { node, update };
}

/** The tile of a picture beside the camera: a shared screen, custom video. */
export function createExtraTile({ peer, kind }, { room }) {
  const video = newVideo({ "data-testid": "tile-video", class: "whole" });
  video.muted = true;
  const name = el("strong", { class: "name" });
  const node = el("li", { class: "tile", "data-testid": "extra-tile", "data-peer": peer.peerId, "data-kind": kind },
    el("div", { class: "tile-picture" }, video),
    el("div", { class: "tile-foot" }, el("div", { class: "tile-who" }, name)));
  return {
    node,
    update({ peer: next, track }) {
      const whose = next.peerId === room.peerId ? "Your" : `${peerName(next)}:`;
      const text = `${whose} ${trackLabel(kind).toLowerCase()}`;
      showTrack(video, track);
      setText(name, text);
      setAttribute(node, "data-name", next.name);
      setAttribute(video, "aria-label", text);
    },
  };
}

/** The kinds whose pictures have a tile of their own. */
export const EXTRA_KINDS = ["screenVideo", "customVideo"];
