/** @file A TCP proxy in front of the server, so that a test can pull the cable and plug it in again. */
import { connect, createServer } from "node:net";
import { once } from "node:events";

/** Relays to `origin`; `cut()` breaks every connection and refuses new ones until `mend()`. */
export async function startProxy(origin) {
  const { hostname, port } = new URL(origin);
  const sockets = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(Number(port), hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    return undefined;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => { whole = true; },
    stop: () => {
      cut();
      server.close();
    },
  };
}
