// The service, as this page asks it.

/** What the service, or the way to it, had to say instead of an answer. */
export class Problem extends Error {
  /** @param {{detail: string, errors?: {field: string, message: string, value?: string}[]}} document RFC 9457 */
  constructor(document) {
    super(document.detail);
    this.errors = document.errors ?? [];
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

async function answer(url, options) {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, options);
    if (response.ok) return response.json();
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
