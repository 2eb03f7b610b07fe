// @ts-check
// What can be taken along: files of the weights, the plan, and programs that fetch them.
import { byId } from "./elements.js";
import { t } from "./i18n.js";
import { LANGUAGES, snippet } from "./snippets.js";
import { diagnosisQuery, weightsQuery } from "./state.js";

const FORMATS = ["npz", "npy", "safetensors", "json"];
const SECONDS_SAID = 2;
let shown = null;

export function begin() {
  byId("language").replaceChildren(...Object.entries(LANGUAGES).map(([value, name]) => new Option(name, value)));
  byId("language").addEventListener("change", refresh);
  byId("which").addEventListener("change", refresh);
  byId("copy").addEventListener("click", () => copy(byId("snippet").textContent, byId("copy"), "copy"));
}

/** Offer the weights of a view's lanes. */
export function offer(view, lanes) {
  shown = view;
  const which = byId("which");
  const chosen = which.selectedIndex;
  which.replaceChildren(...lanes.map((lane) => new Option(lane.title, lane.index)));
  // The last is the one that the story ends with.
  which.selectedIndex = chosen >= 0 && chosen < lanes.length ? chosen : lanes.length - 1;
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
  byId("snippet").textContent = snippet(byId("language").value, describedBy(shown, query));
  byId("copy").textContent = t("copy");
}

function describedBy({ layers, activation, output_activation: output }, query) {
  return { origin: location.origin, query, sizes: layers.split(",").map(Number), hidden: activation, output: output || activation };
}

function link(text, href, name) {
  const made = document.createElement("a");
  made.textContent = text;
  made.href = href;
  made.download = name;
  return made;
}

/** Copy a text, and say so on the button for the time being. */
export async function copy(text, button, key) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = t("copied");
    setTimeout(() => {
      button.textContent = t(key);
    }, SECONDS_SAID * 1000);
  } catch {
    // Browsers allow it only to secure pages and the service's own machine: the text is then selected.
    getSelection()?.selectAllChildren(byId("snippet"));
  }
}
