/** @file The live picture of a room: a tile for everybody, one's own devices as far as one's rights go, and what arrives from the others. */
import { Media, mayReceive } from "/sdk/media.js";
import { createDevices } from "./devices.js";
import { el, button, hook, icon, setAttribute, setDisabled, setIcon, setText, syncList } from "./dom.js";
import { whyText } from "./rights.js";
import { createSound } from "./sound.js";
import { EXTRA_KINDS, createExtraTile, createTile } from "./tile.js";
import { peerName, trackLabel } from "./words.js";

/** People shown as tiles; the rest are counted. */
const TILES_MAX = 24;
/** The buttons under the tiles. */
const CONTROLS = [["audio", "Microphone", "audio"], ["video", "Camera", "video"], ["screenVideo", "Screen", "screenVideo"]];
const AUDIO_KINDS = ["audio", "screenAudio", "customAudio"];

/** Wires the live panel; returns its drawing and the switch of one's own tracks. */
export function createLive(panel, session, explain) {
  const { room, toasts } = session;
  const media = new Media(room);
  const devices = createDevices({ name: () => peerName(room.self), told: (title, detail) => toasts.info(title, detail) });
  const sound = createSound(hook("sound-place", panel));
  const tiles = hook("tiles", panel);
  const screens = hook("screens", panel);
  const note = hook("live-note", panel);
  const starting = new Set();
  let unavailable;

  /** What is to be seen or heard of a kind: the own device, or what arrives. */
  const trackOf = (peer, kind) => (peer.peerId === room.peerId ? devices.track(kind) : media.tracks(peer.peerId).get(kind));

  const tracksOf = (peers, kinds) => peers.flatMap((peer) => kinds.map((kind) => ({ peer, kind, track: trackOf(peer, kind) }))).filter(({ track }) => track);

  function letGo(kind) {
    devices.stop(kind);
    if (!session.ended) media.setTrack(kind, null);
  }

  /** Gives what was opened to the media, and ends it where the device ends: unplugged, or no longer shared. */
  function take(kind) {
    const track = devices.track(kind);
    media.setTrack(kind, track);
    track.addEventListener("ended", () => {
      if (devices.track(kind) === track && room.self?.tracks[kind] === "on") session.attempt(`Turning ${trackLabel(kind).toLowerCase()} off`, room.setTracks({ [kind]: false }));
    }, { once: true });
  }

  /** Turns one of one's own tracks on or off: first the device, then the room, so that nobody is said to send who cannot. */
  async function toggle(kind) {
    if (starting.has(kind)) return;
    const what = trackLabel(kind).toLowerCase();
    if (room.self.tracks[kind] === "on") {
      const alone = kind !== "screenVideo" || room.self.tracks.screenAudio !== "on";
      await session.attempt(`Turning ${what} off`, room.setTracks(alone ? { [kind]: false } : { screenVideo: false, screenAudio: false }));
      return;
    }
    starting.add(kind);
    const withSound = kind === "screenVideo" && room.self.tracks.screenAudio === "off";
    const track = await devices.start(kind, { withSound });
    if (track && !session.ended) {
      const kinds = withSound && devices.track("screenAudio") ? [kind, "screenAudio"] : [kind];
      for (const one of kinds) {
        starting.add(one);
        take(one);
      }
      await session.attempt(`Turning ${what} on`, room.setTracks(Object.fromEntries(kinds.map((one) => [one, true]))));
      for (const one of kinds) starting.delete(one);
    }
    starting.delete(kind);
    followRights();
    draw();
  }

  /** No device stays open whose track is not on: muted, blocked, hidden or demoted, it stops in that moment. */
  function followRights() {
    for (const kind of devices.kinds()) {
      if (session.ended || (!starting.has(kind) && room.self?.tracks[kind] !== "on")) letGo(kind);
    }
  }

  for (const event of ["track-started", "track-stopped"]) media.on(event, () => draw());
  media.on("unavailable", (reason) => { unavailable = reason; draw(); });
  media.on("available", () => { unavailable = undefined; draw(); });
  media.on("error", ({ error }) => console.warn(error));
  room.on("closed", () => {
    session.ended = true;
    followRights();
    media.close();
    sound.update(new Map());
  });

  const controls = CONTROLS.map(([kind, label, picture]) => {
    const shown = icon(picture);
    const text = el("span", {});
    const node = button("", { class: "button control", "data-testid": `live-${kind}` }, () => {
      if (room.self.tracks[kind] === "blocked") explain.open(node, room.peerId, { track: kind });
      else toggle(kind);
    });
    node.append(shown, text);
    return { kind, label, picture, node, shown, text };
  });
  hook("live-controls", panel).append(...controls.map(({ node }) => node));

  function drawControls() {
    for (const { kind, label, picture, node, shown, text } of controls) {
      const state = room.self.tracks[kind];
      setAttribute(node, "data-state", state);
      setAttribute(node, "aria-pressed", state === "blocked" ? null : String(state === "on"));
      setDisabled(node, starting.has(kind));
      setIcon(shown, state === "blocked" ? "audio-blocked" : kind === "audio" && state !== "on" ? "audio-off" : picture);
      setText(text, label);
      setAttribute(node, "aria-label", state === "blocked" ? `${label} blocked. ${whyText(room.self, { track: kind }, { allowed: false, isSelf: true })}` : label);
      setAttribute(node, "title", state === "blocked" ? "Blocked: press to see why" : `${label} ${state}`);
    }
  }

  function draw() {
    if (session.ended || !room.self) return;
    const { self } = room;
    const peers = [...room.participants.values()];
    const rank = (peer) => (peer.peerId === self.peerId ? 0 : peer.permissions.hasPresence ? 1 : 2);
    peers.sort((a, b) => rank(a) - rank(b));
    const shown = peers.slice(0, TILES_MAX);
    syncList(tiles, shown, {
      key: ({ peerId }) => peerId,
      create: (peer) => createTile(peer, { room, explain }),
      update: (tile, peer) => tile.update(peer, { track: trackOf(peer, "video"), mirrored: peer.peerId === self.peerId && devices.isReal("video"), mayReceive: mayReceive(self, peer, "video"), unavailable }),
    });
    syncList(screens, tracksOf(peers, EXTRA_KINDS), {
      key: ({ peer, kind }) => `${peer.peerId}/${kind}`,
      create: (item) => createExtraTile(item, { room }),
      update: (tile, item) => tile.update(item),
    });
    const heard = tracksOf(peers.filter(({ peerId }) => peerId !== self.peerId), AUDIO_KINDS);
    sound.update(new Map(heard.map(({ peer, kind, track }) => [`${peer.peerId}/${kind}`, track])));
    drawControls();
    const notes = [];
    if (unavailable) notes.push("No pictures travel between so many people: the others' tiles show who they are.");
    if (peers.length > shown.length) notes.push(`${peers.length - shown.length} more are here.`);
    setText(note, notes.join(" "));
    note.hidden = notes.length === 0;
    setText(hook("live-count", panel), String(peers.length));
  }

  return {
    toggle,
    draw() {
      followRights();
      draw();
    },
  };
}

