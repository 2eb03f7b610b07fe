// @ts-check
// The service, as this page asks it.

/** What the service, or the way to it, had to say instead of an answer. */
export class Problem extends Error {
  /** @param {{detail: string, status?: number, errors?: {field: string, message: string, value?: string}[]}} document RFC 9457 */
  constructor(document) {
    super(document.detail);
    this.errors = document.errors ?? [];
    this.status = document.status;
  }
}

const TRIES_WHILE_BUSY = 20;

/** Return the diagnosis that a query describes. */
export const diagnose = (query, signal) => answer(`/diagnose?${query}`, { signal });

/** Return the diagnosis of the weights in a file. */
export function diagnoseOwn(query, file, signal) {
  const headers = { "Content-Type": "application/octet-stream" };
  return answer(`/diagnose/weights?${query}`, { method: "POST", body: file, headers, signal });
}

/**
 * Tell of each point of a training as it is computed, and return its outcome.
 * @param {(point: any) => void} told
 */
export async function learn(query, told, signal) {
  const response = await asked(`/learn.ndjson?${query}`, { signal });
  const lines = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let read = await lines?.read(); read && !read.done; read = await lines?.read()) {
    const parts = (rest + read.value).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts.map((part) => JSON.parse(part))) {
      if ("outcome" in line) return line.outcome;
      told(line);
    }
  }
  // Without its last line, a stream was cut.
  throw new TypeError("cut");
}

/**
 * Tell of each point of the training of the weights in a file, and return its outcome.
 * @param {(point: any) => void} told
 */
export async function learnOwn(query, file, told, signal) {
  const headers = { "Content-Type": "application/octet-stream" };
  const { points, outcome } = await answer(`/learn/weights?${query}`, { method: "POST", body: file, headers, signal });
  points.forEach(told);
  return outcome;
}

const answer = async (url, options) => (await asked(url, options)).json();

/** Return the response of a service that may be busy for a while. */
async function asked(url, options) {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, options);
    if (response.ok) return response;
    if (response.status !== 503 || tries === TRIES_WHILE_BUSY) throw await problemOf(response);
    await pause(Number(response.headers.get("Retry-After") ?? 1), options.signal);
  }
}

async function problemOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("application/problem+json")) return new Problem(await response.json());
  return new Problem({ detail: `${response.status} ${response.statusText}` });
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
