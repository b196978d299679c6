/** @file Meeting session data: one map that everybody in the call shares. Checked here, kept by the server. */

import { isPlain } from "./equal.js";

/** Characters of the data as JSON, as Daily bounds them. */
const SESSION_DATA_MAX = 102_400;
const STRATEGIES = ["replace", "shallow-merge"];

/**
 * The call that makes an update of it; null where there is nothing to do. Throws where it is none.
 * @param {unknown} data
 * @param {unknown} strategy
 * @returns {{ data: Record<string, unknown>, merge: boolean, remove?: string[] } | null}
 */
export function updateOf(data, strategy) {
  if (!STRATEGIES.includes(/** @type {string} */ (strategy))) throw Error(`Unrecognized mergeStrategy provided. Options are: [${STRATEGIES}]`);
  if (!isPlain(data)) throw Error("Meeting session data must be a plain (map-like) object");
  let text;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw Error(`Meeting session data must be serializable to JSON: ${error}`);
  }
  if (text.length > SESSION_DATA_MAX) {
    throw Error(`Meeting session data is too large (${text.length} characters). Maximum size suppported is ${SESSION_DATA_MAX}.`);
  }
  if (strategy === "replace") return { data: JSON.parse(text), merge: false };
  // What is undefined is to be taken away; JSON has no word for it.
  const remove = Object.keys(data).filter((key) => data[key] === undefined);
  if (Object.keys(data).length === 0) return null;
  return { data: JSON.parse(text), merge: true, ...(remove.length && { remove }) };
}
