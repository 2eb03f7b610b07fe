// A view is what the address bar says: parameters of /diagnose, and `schemes` where several are compared.
import { MOST_INITS, PRESETS, TEXTBOOK_INITS } from "./choices.js";

const FIRST_VISIT = {
  layers: PRESETS.textbook,
  activation: "sigmoid",
  output_activation: "",
  distribution: "normal",
  samples: "1000",
  input: "normal",
  normalization: "none",
  seed: "1",
};
export const FIELDS = Object.keys(FIRST_VISIT);
// Named even where they are the service's own defaults, so that a link shows the same view for ever.
const ALWAYS = new Set(["layers", "activation", "seed"]);

const written = ({ scheme, std }) => (scheme === "fixed" ? `fixed:${std}` : scheme);

function initOf(text) {
  const [scheme, std = ""] = text.split(":", 2);
  return { scheme, std };
}

function initsIn(query) {
  if (query.get("schemes")) return query.get("schemes").split(",").slice(0, MOST_INITS).map(initOf);
  if (query.has("scheme")) return [{ scheme: query.get("scheme"), std: query.get("std") ?? "" }];
  return TEXTBOOK_INITS.map((init) => ({ ...init }));
}

/** Return the view that a query string describes. */
export function viewOf(search) {
  const query = new URLSearchParams(search);
  const fields = FIELDS.map((name) => [name, query.get(name) ?? FIRST_VISIT[name]]);
  return { ...Object.fromEntries(fields), inits: initsIn(query) };
}

// Commas and colons are allowed in a query, and a list is easier to read with them.
const readable = (query) => query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");

function described(view, names) {
  const query = new URLSearchParams();
  for (const name of names) {
    if (ALWAYS.has(name) || view[name] !== FIRST_VISIT[name]) query.set(name, view[name]);
  }
  return query;
}

/** Return the query string of a view: the inverse of viewOf. */
export function searchOf(view) {
  const query = described(view, FIELDS);
  if (view.inits.length === 1) {
    query.set("scheme", view.inits[0].scheme);
    if (view.inits[0].scheme === "fixed") query.set("std", view.inits[0].std);
  } else {
    query.set("schemes", view.inits.map(written).join(","));
  }
  return readable(query);
}

function withInit(query, init) {
  query.set("scheme", init.scheme);
  if (init.scheme === "fixed" && init.std !== "") query.set("std", init.std);
  return readable(query);
}

/** Return the query of /diagnose for one of a view's initializations. */
export const diagnosisQuery = (view, init) => withInit(described(view, FIELDS), init);

/** Return the query of /plan and /weights for one of a view's initializations. */
export function weightsQuery(view, init) {
  const names = FIELDS.filter((name) => !["samples", "input", "normalization"].includes(name));
  return withInit(described(view, names), init);
}

/** Return the query of /diagnose/weights: what does not come from the file. */
export function ownQuery(view, layout) {
  const names = FIELDS.filter((name) => !["layers", "distribution"].includes(name));
  const query = described(view, names);
  query.set("layout", layout);
  return readable(query);
}
