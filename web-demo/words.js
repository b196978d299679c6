/** @file The words a person reads for tracks, permissions, roles and endings. */

/** The six track kinds in the protocol's order, with their labels. */
export const TRACKS = [
  ["audio", "Audio"],
  ["video", "Video"],
  ["screenVideo", "Screen"],
  ["screenAudio", "Screen audio"],
  ["customVideo", "Custom video"],
  ["customAudio", "Custom audio"],
];

const TRACK_LABEL = new Map(TRACKS);

/** What a participant may ask for. */
export const REQUESTABLE = [
  ["presence", "Presence", "be seen by the others"],
  ["send-audio", "Audio", "send audio"],
  ["send-video", "Video", "send video"],
  ["screenshare", "Screen", "share a screen"],
];

const REQUEST_LABEL = new Map(REQUESTABLE.map(([id, label]) => [id, label.toLowerCase()]));

export const trackLabel = (kind) => TRACK_LABEL.get(kind) ?? kind;

/** `send-audio` and `presence` as `audio and presence`. */
export const requestText = (permissions) => listText(permissions.map((id) => REQUEST_LABEL.get(id) ?? id));

/** `a`, `a and b`, `a, b and c`. */
export function listText(parts) {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** Whatever a peer is to be called: its name, else its user id, else the start of its peer id. */
export function peerName(peer) {
  if (!peer) return "somebody";
  if (peer.name) return peer.name;
  if (peer.userId && peer.userId !== peer.peerId) return peer.userId;
  return peer.peerId ? `peer ${peer.peerId.slice(-6)}` : "somebody";
}

/** Which of the six colours stands behind an initial; the same name has the same everywhere. */
export const avatarTone = (name) => [...name].reduce((sum, letter) => sum * 31 + letter.codePointAt(0), 7) % 997 % 6;

/** Who did something: `by` of a notice is a peer id, `"server"`, null or a peer's own object. */
export function byName(by, participants) {
  if (by === null || by === undefined) return "";
  if (by === "server" || (by.peerId === null && by.userId === null)) return "the server";
  const absent = typeof by === "string" ? by.match(/^user:(.*)$/)?.[1] : by.peerId === null && by.userId;
  if (absent) return `user ${absent}`;
  const peerId = typeof by === "string" ? by : by.peerId;
  return peerName(participants?.get(peerId) ?? (typeof by === "string" ? { peerId } : by));
}

/** Role names of a room, the most important first. */
export function roleNames(roles) {
  return Object.values(roles ?? {})
    .sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0) || a.name.localeCompare(b.name))
    .map((role) => role.name);
}

/** What a peer receives, as lines of text. */
export function receiveLines(canReceive, nameOf) {
  const kinds = (value) => {
    if (value === true) return "everything";
    if (!value) return "nothing";
    const held = Object.entries(value)
      .filter(([, allowed]) => allowed === true || (allowed && Object.values(allowed).some(Boolean)))
      .map(([kind]) => trackLabel(kind).toLowerCase());
    return held.length ? listText(held) : "nothing";
  };
  const lines = [];
  for (const [userId, value] of Object.entries(canReceive?.byUserId ?? {})) lines.push(`${kinds(value)} from user ${userId}`);
  for (const [role, value] of Object.entries(canReceive?.byRole ?? {})) lines.push(`${kinds(value)} from role ${role}`);
  for (const [peerId, value] of Object.entries(canReceive?.byParticipantId ?? {})) lines.push(`${kinds(value)} from ${nameOf(peerId)}`);
  return [...lines, `${kinds(canReceive?.base)} from everybody${lines.length ? " else" : ""}`];
}

const ENDINGS = {
  1000: ["You have left the room", "Your seat is free. Come back whenever you like."],
  4500: ["This token does not open the room", "It is malformed, expired or signed with another secret. Ask for a new link."],
  4501: ["Your token has expired", "Ask for a new link to come back."],
  4502: ["You were removed from the room", "Somebody who may remove participants ended your visit."],
  4503: ["The room has ended", "It was ended for everybody in it."],
  4504: ["You joined from another place", "A newer connection took this seat over."],
};

/** Title and explanation of a close code. */
export function endingText(code) {
  const [title, text] = ENDINGS[code] ?? ["The connection is closed", "The server asked this page not to reconnect by itself."];
  return { title, text };
}

/** Why somebody left, for the participant list and the log. */
export const LEFT = { left: "left", lost: "lost its connection", removed: "was removed", hidden: "is hidden now", ended: "left as the room ended" };

/** How a role offer ended, as the asker reads it. */
export const OUTCOME = {
  accepted: "accepted",
  rejected: "rejected",
  cancelled: "was cancelled",
  expired: "expired unanswered",
  superseded: "was overtaken by another change",
  left: "ended: the participant left",
  withdrawn: "was withdrawn: the asker lost the right to ask",
};

/** A number of things, whether told as a number or as a list. */
export const countOf = (value) => (Array.isArray(value) ? value.length : Number(value ?? 0));
