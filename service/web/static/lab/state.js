// @ts-check
// A view is what the address bar says: parameters of /diagnose and /learn, and `schemes` where several are compared.
import { caseOf } from "./cases.js";
import { MATRICES, MOST_INITS, PRESETS, TEXTBOOK_INITS, WITH_FAN } from "./choices.js";
import { canonicalSizes } from "./sizes.js";

const FIRST_VISIT = {
  layers: PRESETS.textbook,
  activation: "relu",
  output_activation: "",
  distribution: "normal",
  cut: "2",
  cut_std: "after",
  samples: "1000",
  input: "normal",
  seed: "1",
  data: "",
  optimizer: "sgd",
  learning_rate: "0.01",
  steps: "2000",
};
export const FIELDS = Object.keys(FIRST_VISIT);
export const LEARNING_FIELDS = ["data", "optimizer", "learning_rate", "steps"];
// Named even where they are the service's own defaults, so that a link shows the same view for ever.
const ALWAYS = new Set(["layers", "activation", "seed"]);
/** What one initialization may say beside its scheme. */
export const OPTIONS = { gain: "1", fan: "in", normalization: "none" };

/** Return an initialization of a scheme. */
export const initOf = (scheme, std = "", options = {}) => ({ scheme, std, ...OPTIONS, ...options });

/** Return the options that an initialization says and that have an effect. */
export function optionsOf(init) {
  return Object.keys(OPTIONS)
    .filter((name) => init[name] !== OPTIONS[name] && (name !== "fan" || WITH_FAN.includes(init.scheme)))
    .map((name) => [name, init[name]]);
}

function written(init) {
  const scheme = init.scheme === "fixed" ? `fixed:${init.std}` : init.scheme;
  return [scheme, ...optionsOf(init).map((option) => option.join(":"))].join(";");
}

function initIn(text, common) {
  const [first, ...rest] = text.split(";");
  const [scheme, std] = first.split(":", 2);
  const said = rest.map((option) => option.split(":", 2)).filter(([name, value]) => name in OPTIONS && value);
  return initOf(scheme, std, { ...common, ...Object.fromEntries(said) });
}

function initsIn(query) {
  const common = Object.fromEntries(Object.keys(OPTIONS).filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
  if (!query.get("schemes") && query.has("scheme")) return [initOf(query.get("scheme"), query.get("std") ?? "", common)];
  const schemes = query.get("schemes") || TEXTBOOK_INITS;
  return schemes.split(",").slice(0, MOST_INITS).map((text) => initIn(text, common));
}

/** Return the view that a query string describes. */
export function viewOf(search) {
  const said = new URLSearchParams(search);
  const guide = caseOf(said.get("case"));
  const query = new URLSearchParams(guide?.search);
  for (const [name, value] of said) query.set(name, value);
  const fields = FIELDS.map((name) => [name, query.get(name) ?? FIRST_VISIT[name]]);
  const view = { ...Object.fromEntries(fields), inits: initsIn(query) };
  view.layers = canonicalSizes(view.layers);
  return view;
}

// Commas, colons and semicolons are allowed in a query, and a list is easier to read with them.
const readable = (query) => query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");

function hasEffect(view, name) {
  if (name === "cut" || name === "cut_std") return view.distribution === "truncated_normal";
  return view.data !== "" || !LEARNING_FIELDS.includes(name);
}

function described(view, names) {
  const query = new URLSearchParams();
  for (const name of names) {
    const isSaid = ALWAYS.has(name) || view[name] !== FIRST_VISIT[name];
    if (isSaid && hasEffect(view, name)) query.set(name, view[name]);
  }
  return query;
}

/** Return the query string of a view: the inverse of viewOf. */
export function searchOf(view) {
  const query = described(view, FIELDS);
  if (view.inits.length === 1) {
    const [init] = view.inits;
    query.set("scheme", init.scheme);
    if (init.scheme === "fixed") query.set("std", init.std);
    for (const [name, value] of optionsOf(init)) query.set(name, value);
  } else {
    query.set("schemes", view.inits.map(written).join(","));
  }
  return readable(query);
}

/** Return the case that a view is, if it is one. */
export function caseIn(search) {
  const guide = caseOf(new URLSearchParams(search).get("case"));
  return guide && searchOf(viewOf(guide.search)) === searchOf(viewOf(search)) ? guide : undefined;
}

const NOT_OF_A_DIAGNOSIS = new Set(LEARNING_FIELDS);
const NOT_OF_WEIGHTS = new Set([...LEARNING_FIELDS, "samples", "input"]);
const NOT_OF_TRAINING = new Set(["samples", "input"]);
const NOT_OF_A_FILE = new Set([...LEARNING_FIELDS, "layers", "distribution", "cut", "cut_std"]);

function queryOf(view, init, left) {
  const query = described(view, FIELDS.filter((name) => !left.has(name)));
  query.set("scheme", init.scheme);
  if (MATRICES.includes(init.scheme)) for (const name of ["distribution", "cut", "cut_std"]) query.delete(name);
  if (init.scheme === "fixed" && init.std !== "") query.set("std", init.std);
  for (const [name, value] of optionsOf(init)) query.set(name, value);
  return query;
}

/** Return the query of /diagnose for one of a view's initializations. */
export const diagnosisQuery = (view, init) => readable(queryOf(view, init, NOT_OF_A_DIAGNOSIS));

/** Return the query of /learn for one of a view's initializations. */
export const learningQuery = (view, init) => readable(queryOf(view, init, NOT_OF_TRAINING));

/** Return the query of /plan and /weights for one of a view's initializations. */
export function weightsQuery(view, init) {
  const query = queryOf(view, init, NOT_OF_WEIGHTS);
  query.delete("normalization");
  return readable(query);
}

/** Return the query of /learn/weights: how the weights of a file are to learn. */
export function ownLearningQuery(view, layout) {
  const query = described(view, FIELDS.filter((name) => LEARNING_FIELDS.includes(name) || !(NOT_OF_A_FILE.has(name) || NOT_OF_TRAINING.has(name))));
  query.set("layout", layout);
  return readable(query);
}

/** Return the query of /diagnose/weights: what does not come from the file. */
export function ownQuery(view, layout) {
  const query = described(view, FIELDS.filter((name) => !NOT_OF_A_FILE.has(name)));
  query.set("layout", layout);
  return readable(query);
}
