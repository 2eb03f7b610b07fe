// @ts-check
// Diagnoses of a view's lanes: asked for two at a time, told as they come, and kept for a while.
import { diagnose } from "./api.js";

const MOST_KEPT = 48;
const AT_ONCE = 2; // the service makes few at once, and other readers want theirs

const kept = new Map(); // from the query to its diagnosis, the latest last

/** Return a diagnosis that was asked for before, or undefined. */
export const known = (query) => kept.get(query);

/** Return the diagnosis that a query describes. */
export async function diagnosed(query, signal) {
  const answer = kept.get(query) ?? (await diagnose(query, signal));
  kept.delete(query);
  kept.set(query, answer);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return answer;
}

/**
 * Do tasks, a few at a time; the first that fails ends all.
 * @param {(() => Promise<void>)[]} tasks
 */
export async function fewAtATime(tasks) {
  const waiting = tasks.values();
  const worker = async () => {
    for (const task of waiting) await task();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
