/** @file A page that has Stream's SDK and nothing else: the test drives it, and reads its call's state. */
import { StreamVideoClient } from "@stream-io/video-client";

/** Connects as a user, or as nobody; what `address` of a server the SDK is to speak to is all that is ours. */
window.begin = async ({ address, apiKey, user, token }) => {
  const options = {
    baseURL: `${address}/video`,
    clientEventsReportingEnabled: false,
    // Asked of the page's own server, not of one elsewhere.
    locationHintUrl: `${location.origin}/hint`,
    logger: () => {},
  };
  window.client = new StreamVideoClient({ apiKey, user: user ?? { type: "anonymous", id: "!anon" }, token, options });
  window.heard = [];
  window.client.on("all", (event) => void window.heard.push(event));
};

/** A call of this page's own, with its devices left alone. */
window.open_call = (id, type = "default") => {
  window.call = window.client.call(type, id);
  window.states = [];
  window.call.state.callingState$.subscribe((state) => void window.states.push(state));
};

const TRACKS = { 1: "audio", 2: "video", 3: "screen", 4: "screenAudio" };

/** What the SDK knows of the call it is in. */
window.known = () => {
  const { state } = window.call;
  const people = state.participants.map((one) => [one.userId, {
    name: one.name, roles: one.roles, tracks: one.publishedTracks.map((kind) => TRACKS[kind]).sort(), own: one.isLocalParticipant === true, pinned: Boolean(one.pin), session: one.sessionId,
  }]);
  return {
    calling: state.callingState, people: Object.fromEntries(people), count: state.participantCount, anonymous: state.anonymousParticipantCount,
    capabilities: state.ownCapabilities, own: state.localParticipant?.sessionId, ended: Boolean(state.endedAt), backstage: state.backstage,
  };
};
