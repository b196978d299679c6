/** @file The stage of Daily's facade: pages of another origin than the server's, with cameras that Chromium makes up. */
import { createServer } from "node:http";
import { once } from "node:events";
import { chromium } from "playwright-core";
import { startServer } from "./server.mjs";

const PATIENCE_MS = 20_000;
const CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required"];

/** A server of static pages, by path: `{ origin, put, stop }`. */
export async function startPages() {
  const pages = new Map();
  const server = createServer((request, response) => {
    const page = pages.get(new URL(request.url, "http://any").pathname);
    // Browsers ask for an icon by themselves.
    if (!page) return response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
    response.writeHead(200, { "content-type": `${page.type}; charset=utf-8` });
    return response.end(page.text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    put: (path, text, type = path.endsWith(".js") ? "text/javascript" : "text/html") => pages.set(path, { text, type }),
    stop: () => server.close(),
  };
}

/** Chromium, with more words for its command line. */
export function launch(...words) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...CAMERA, ...words],
  });
}

/** A server, pages of another origin, and a browser with a camera. */
export async function openDailyHouse(settings = {}, words = []) {
  const [server, pages, browser] = await Promise.all([startServer(settings), startPages(), launch(...words)]);
  return {
    server,
    pages,
    /** A page in a context of its own; `complaints` are what it logged as errors and warnings. */
    async open(url) {
      const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
      page.setDefaultTimeout(PATIENCE_MS);
      const complaints = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error.stack)));
      await page.goto(url);
      return { page, complaints };
    },
    async close() {
      await browser.close();
      pages.stop();
      await server.stop();
    },
  };
}
