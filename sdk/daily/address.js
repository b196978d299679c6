/** @file A room's address in Daily's shape: `https://HOST/NAME`, with the token perhaps as `?t=`. */

/** The call type that has Daily's defaults. */
const CALL_TYPE = "daily";

/**
 * @typedef {object} Address
 * @property {string} server where the client connects
 * @property {string} room `daily:NAME`, or what the address says where that names a call type itself
 * @property {string} name
 * @property {string | undefined} token
 */

/**
 * A folder before the name is the server's: `https://host/rooms/NAME` is `NAME` of the server at `https://host/rooms/`.
 * @param {string} url
 * @param {string} [base] of the page, against which a relative address is read
 * @returns {Address}
 */
export function addressOf(url, base = globalThis.location?.href) {
  let address;
  try {
    address = new URL(url, base);
  } catch {
    throw new Error(`\`${url}\` is not the address of a room such as https://rooms.example.com/standup`);
  }
  const folders = address.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const name = folders.pop();
  if (!/^https?:$/.test(address.protocol) || !name) throw new Error(`\`${url}\` is not the address of a room such as https://rooms.example.com/standup`);
  const path = folders.length ? `/${folders.map(encodeURIComponent).join("/")}/v1/connect` : "";
  return {
    server: `${address.origin}${path}`,
    room: name.includes(":") ? name : `${CALL_TYPE}:${name}`,
    name,
    token: address.searchParams.get("t") ?? undefined,
  };
}
