/** @file A page that has Stream's SDK and nothing else: the test drives it, and reads its call's state. */
import { StreamVideoClient } from "@stream-io/video-client";

/** Connects as a user; what `address` of a server the SDK is to speak to is all that is ours. */
window.begin = async ({ address, apiKey, user, token }) => {
  const options = {
    baseURL: `${address}/video`,
    clientEventsReportingEnabled: false,
    // Asked of the page's own server, not of one elsewhere.
    locationHintUrl: `${location.origin}/hint`,
    logger: () => {},
  };
  window.client = new StreamVideoClient({ apiKey, user, token, options });
  window.heard = [];
  window.client.on("all", (event) => void window.heard.push(event));
};

/** A call of this page's own, with its devices left alone. */
window.open_call = (id, type = "default") => {
  window.call = window.client.call(type, id);
};
