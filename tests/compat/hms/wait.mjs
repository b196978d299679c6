/** @file Waiting, with an end. */
const PATIENCE_MS = 10_000;

/** Waits until something holds, and gives it. */
export async function until(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`still waiting: ${what}`);
    await pause(5);
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
