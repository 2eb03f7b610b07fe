// What can be taken along: files of the weights, the plan, and programs that fetch them.
import { t } from "./i18n.js";
import { LANGUAGES, snippet } from "./snippets.js";
import { diagnosisQuery, weightsQuery } from "./state.js";

const byId = (id) => document.getElementById(id);
const FORMATS = ["npz", "npy", "safetensors", "json"];
let shown = null;

export function begin() {
  byId("language").replaceChildren(...Object.entries(LANGUAGES).map(([value, name]) => new Option(name, value)));
  byId("language").addEventListener("change", refresh);
  byId("which").addEventListener("change", refresh);
  byId("copy").addEventListener("click", copy);
}

/** Offer the weights of a view's lanes. */
export function offer(view, lanes) {
  shown = view;
  const which = byId("which");
  const chosen = which.selectedIndex;
  which.replaceChildren(...lanes.map((lane) => new Option(lane.title, lane.index)));
  // Of the four that textbooks show, the third is the one to start from.
  which.selectedIndex = chosen >= 0 && chosen < lanes.length ? chosen : Math.min(2, lanes.length - 1);
  refresh();
}

function refresh() {
  const init = shown.inits[Number(byId("which").value)];
  const query = weightsQuery(shown, init);
  const weights = FORMATS.map((format) => link(`.${format}`, `/weights.${format}?${query}`, `weights.${format}`));
  const plan = link(t("plan"), `/plan?${query}`, "plan.json");
  const diagnosis = link(t("diagnosisJson"), `/diagnose?${diagnosisQuery(shown, init)}`, "diagnosis.json");
  const picture = link(t("picture"), `/diagnose.svg?${diagnosisQuery(shown, init)}`, "diagnosis.svg");
  byId("downloads").replaceChildren(...weights, plan, diagnosis, picture);
  byId("snippet").textContent = snippet(byId("language").value, location.origin, query);
  byId("copy").textContent = t("copy");
}

function link(text, href, name) {
  const made = document.createElement("a");
  made.textContent = text;
  made.href = href;
  made.download = name;
  return made;
}

async function copy() {
  try {
    await navigator.clipboard.writeText(byId("snippet").textContent);
    byId("copy").textContent = t("copied");
  } catch {
    // Browsers allow it only to secure pages and the service's own machine: the text is then selected.
    getSelection().selectAllChildren(byId("snippet"));
  }
}
