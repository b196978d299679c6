/** @file The rights of a participant in words a person reads, and what `explain` says of one as a question, a verdict, reasons and a hint. */
import { TRACKS, listText, peerName, roleNames } from "./words.js";

/** What the kinds of tracks are for, as verbs: "speak", "show a camera". */
const SEND = {
  audio: "speak", video: "show a camera", screenVideo: "share a screen", screenAudio: "share a screen's sound",
  customVideo: "send custom video", customAudio: "send custom audio",
};

/** Capabilities as verbs, in groups; those of sending are the tracks' own. */
const CAPABILITIES = [
  ["Run the room", {
    "update-call-permissions": "change roles and permissions", "mute-users": "mute others", "remove-call-member": "remove people and members",
    "kick-user": "send people out", "block-users": "keep users out", "update-call-member": "change members", "pin-for-everyone": "pin somebody for everybody",
    "update-call": "change the room and take it live", "update-call-settings": "change the room's settings", "change-max-duration": "change how long it may last",
    "end-call": "end the room for everybody",
  }],
  ["Come in and take part", {
    "join-call": "come in", "read-call": "read about the room", "join-backstage": "come in while it is backstage", "join-ended-call": "come in after its end",
    "create-call": "open rooms", "create-reaction": "react", "enable-noise-cancellation": "cancel noise",
  }],
  ["Record and broadcast", {
    "start-record-call": "start recordings", "stop-record-call": "stop recordings",
    "start-broadcast-call": "start broadcasts", "stop-broadcast-call": "stop broadcasts",
    "start-individual-record-call": "start recordings of single people", "stop-individual-record-call": "stop recordings of single people",
    "start-frame-record-call": "start recordings of frames", "stop-frame-record-call": "stop recordings of frames",
    "start-raw-record-call": "start raw recordings", "stop-raw-record-call": "stop raw recordings",
  }],
  ["Transcribe", {
    "start-transcription-call": "start transcriptions", "stop-transcription-call": "stop transcriptions",
    "start-closed-captions-call": "start captions", "stop-closed-captions-call": "stop captions", "send-closed-captions-call": "send captions",
  }],
];

const VERB = new Map(CAPABILITIES.flatMap(([, verbs]) => Object.entries(verbs)));
const SENDING = new Set(["send-audio", "send-video", "screenshare"]);

/** The groups of `canAdmin`. */
export const ADMIN_GROUPS = ["participants", "streaming", "transcription"];

/** What a question is about, as one word: `audio`, `end-call`. */
export const rightId = ({ track, capability }) => track ?? capability;

/** What a right is to do: "speak", "end the room for everybody". */
export const rightVerb = ({ track, capability }) => (track ? SEND[track] ?? `send ${track}` : VERB.get(capability) ?? capability);

/** Whether a participant holds a right now, as his state says it. */
export function holds(peer, { track, capability }) {
  if (capability) return peer.capabilities?.includes(capability) ?? false;
  return peer.permissions.canSend.includes(track) && peer.permissions.hasPresence;
}

/** Every right of a participant in groups of `{ title, questions }`, those included which this page has no words for. */
export function allRights(peer) {
  const groups = [
    { title: "Send", questions: TRACKS.map(([track]) => ({ track })) },
    ...CAPABILITIES.map(([title, verbs]) => ({ title, questions: Object.keys(verbs).map((capability) => ({ capability })) })),
  ];
  const others = (peer.capabilities ?? []).filter((capability) => !VERB.has(capability) && !SENDING.has(capability));
  if (others.length > 0) groups.push({ title: "More", questions: others.map((capability) => ({ capability })) });
  return groups;
}

/** "Why can't Bo speak?", "Why may you speak?". */
export function whyText(peer, question, { allowed, isSelf }) {
  return `Why ${allowed ? "may" : "can't"} ${isSelf ? "you" : peerName(peer)} ${rightVerb(question)}?`;
}

const FOR = new Set(["role-grants", "creator-grants", "override-grants"]);

const REASONS = {
  "role-grants": ({ role }) => `Role ${role} allows it.`,
  "creator-grants": ({ role }) => `Role ${role} allows it to whoever created the room.`,
  "other-team": ({ role }) => `Role ${role} allows it, but not in another team's room.`,
  "role-lacks": ({ role }) => `Role ${role} does not allow it.`,
  "override-grants": (_, whom) => `It was given to ${whom} in person.`,
  "override-revokes": (_, whom) => `It was taken from ${whom} in person.`,
  "setting-off": ({ setting }) => `The room's setting ${setting.replaceAll("_", " ")} is off, for everybody.`,
  hidden: (_, whom, are) => `${whom === "you" ? "You" : whom} ${are} hidden, and whoever is hidden sends nothing.`,
  blocked: (_, whom, are) => `${whom === "you" ? "You" : whom} ${are} blocked here.`,
};

/**
 * What `explain` answered, in words: the verdict and every reason, the one that decided marked.
 * The later overrules the earlier, except among roles, of which one that allows is enough.
 */
export function explanation(peer, question, { allowed, because }, { isSelf }) {
  const whom = isSelf ? "you" : peerName(peer);
  const are = isSelf ? "are" : "is";
  const reasons = because.map((one) => ({
    rule: one.rule,
    speaksFor: FOR.has(one.rule),
    text: REASONS[one.rule]?.(one, whom, are) ?? one.rule,
    decides: false,
  }));
  const deciding = reasons.findLast((reason) => reason.speaksFor === allowed);
  if (deciding) deciding.decides = true;
  return { verdict: `${allowed ? "Allowed" : "Not allowed"}. ${deciding?.text ?? ""}`.trim(), reasons, decidedBy: deciding?.rule };
}

/** What somebody could do about it, or nothing where there is no more to say. */
export function hintText(peer, question, { allowed, decidedBy }, { isSelf, mayGrant, roles }) {
  if (allowed) return "";
  const whom = isSelf ? "you" : peerName(peer);
  if (!mayGrant) {
    if (isSelf && decidedBy === "hidden") return "Ask for presence: somebody who may decide is told.";
    if (isSelf && question.track) return "Ask for it: somebody who may decide is told.";
    return "Only who may change roles and permissions can change this.";
  }
  if (decidedBy === "hidden") return `Turn on presence to show ${whom}.`;
  if (decidedBy === "setting-off") return "No role and nobody in person gets around a setting of the room.";
  if (decidedBy === "blocked") return "Unblock the user first.";
  const granting = roleNames(roles).filter((name) => name !== peer.role && grants(roles[name], question));
  const tick = question.track ? `tick it for ${whom} on the owner page` : "";
  const give = granting.length > 0 ? `give ${whom} a role that allows it: ${listText(granting)}` : "";
  const text = [give, tick].filter(Boolean).join(", or ");
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}

const grants = (role, { track, capability }) => (track ? role.canSend?.includes(track) : role.capabilities?.includes(capability));

/** What a role does about being seen, and what was decided beside it: no question of `explain`, as two facts say it all. */
export function presenceText(peer, roles, { isSelf }) {
  const subject = isSelf ? "You are" : `${peerName(peer)} is`;
  const seen = peer.permissions.hasPresence;
  const byRole = roles?.[peer.role]?.hasPresence !== false;
  const role = `role ${peer.role} ${byRole ? "shows" : "hides"} whoever holds it`;
  const why = seen === byRole ? role : `${role}, but this was decided in person`;
  return `${subject} ${seen ? "seen by the others" : "hidden from the others"}: ${why}.`;
}
