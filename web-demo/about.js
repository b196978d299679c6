/** @file What a page asks the demo's server beside rooms: what it cannot know by itself, and a token for a guest. */

let asked;

/** The app's public name (`apiKey`), and this machine's address in its network where it listens there (`host`). Asked once. */
export function about() {
  asked ??= fetch("demo/about").then((reply) => (reply.ok ? reply.json() : {}), () => ({}));
  return asked;
}

/** A token for somebody who has none, in rooms that want one; `undefined` where the server makes no guests. */
export async function guestToken(name) {
  const { apiKey } = await about();
  if (!apiKey) return undefined;
  try {
    const reply = await fetch(`video/guest?${new URLSearchParams({ api_key: apiKey })}`, {
      method: "POST",
      headers: { "content-type": "application/json", "stream-auth-type": "anonymous" },
      body: JSON.stringify({ user: { id: "demo", ...(name && { name }) } }),
    });
    return reply.ok ? (await reply.json()).access_token : undefined;
  } catch {
    return undefined;
  }
}
