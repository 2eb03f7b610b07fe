// The page: from the address bar to a view, from a view to diagnoses, from diagnoses to pictures.
import { diagnose, diagnoseOwn, Problem } from "./api.js";
import { FORMULAS, SCHEMES } from "./choices.js";
import * as controls from "./controls.js";
import { listen } from "./figures.js";
import * as i18n from "./i18n.js";
import { hideTip, openLayer, showTip } from "./layer.js";
import { draw } from "./pictures.js";
import { diagnosisQuery, ownQuery, searchOf, viewOf } from "./state.js";
import * as take from "./take.js";
import * as upload from "./upload.js";

const { t } = i18n;
const byId = (id) => document.getElementById(id);

let view = viewOf(location.search);
let file = null;
let running = null; // what cancels the diagnosis under way
let shown = null; // the last view that worked: {view, diagnoses, fileName}
let words = () => ""; // the status, in whatever language is chosen

function nameOf({ scheme, std }) {
  if (scheme === "fixed") return `std ${std}`;
  // A link may name a scheme that the service will refuse.
  return SCHEMES.includes(scheme) ? t(`scheme_${scheme}`) : scheme;
}

function titleOf(init) {
  const formula = FORMULAS[init.scheme];
  return formula ? `${nameOf(init)}: std ${formula}` : nameOf(init);
}

function lanesOf({ view, diagnoses, fileName }) {
  return diagnoses.map((diagnosis, index) => {
    const init = view.inits[index];
    const [name, title] = fileName ? [fileName, fileName] : [nameOf(init), titleOf(init)];
    return { index, name, title, diagnosis };
  });
}

/** Return what is to be diagnosed, one entry a lane. */
function tasksOf(view) {
  if (file) {
    const query = ownQuery(view, byId("layout").value);
    return [{ name: () => file.name, index: null, ask: (signal) => diagnoseOwn(query, file, signal) }];
  }
  return view.inits.map((init, index) => (
    { name: () => nameOf(init), index, ask: (signal) => diagnose(diagnosisQuery(view, init), signal) }
  ));
}

async function run() {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  controls.clearProblems();
  const asked = { view: structuredClone(view), diagnoses: [], fileName: file?.name ?? null };
  const tasks = tasksOf(asked.view);
  let failed = null;
  try {
    // One after the other: the service makes few diagnoses at once, and other readers want theirs.
    for (const [number, task] of tasks.entries()) {
      failed = task.index;
      progress(number, tasks);
      asked.diagnoses.push(await task.ask(mine.signal));
    }
    if (running !== mine) return;
    shown = asked;
    say(() => t("done", { count: tasks.length, verdicts: summary(lanesOf(asked)) }));
    byId("stale").hidden = true;
    document.body.classList.remove("stale");
    render();
    performance.mark("pictures");
  } catch (error) {
    if (running !== mine) return;
    fail(error, failed);
  }
  running = null;
  byId("bar").hidden = true;
  byId("cancel").hidden = true;
}

function progress(number, tasks) {
  say(() => t("running", { number: number + 1, count: tasks.length, name: tasks[number].name() }));
  byId("bar").hidden = false;
  byId("bar").value = number / tasks.length;
  byId("cancel").hidden = false;
}

function fail(error, index) {
  byId("stale").hidden = shown === null;
  document.body.classList.toggle("stale", shown !== null);
  if (error.name === "AbortError") {
    say(() => t("cancelled"));
    return;
  }
  say(() => t("failed"));
  if (error instanceof Problem) controls.showProblem(error, index);
  else if (error instanceof TypeError) controls.showProblem(new Problem({ detail: t("unreachable") }), index);
  else throw error;
}

function say(text) {
  words = text;
  byId("status").textContent = text();
}

const summary = (lanes) => lanes.map((lane) => `${lane.name}: ${t(lane.diagnosis.verdict.code)}`).join("; ");

function render() {
  if (shown === null) return;
  hideTip();
  const lanes = lanesOf(shown);
  draw(lanes);
  byId("take").hidden = shown.fileName !== null;
  byId("leave-own").hidden = file === null;
  if (shown.fileName === null) take.offer(shown.view, lanes);
}

function changed(next) {
  view = next;
  const search = `?${searchOf(view)}`;
  if (search !== location.search) history.pushState(null, "", search);
  run();
}

function leaveOwn() {
  file = null;
  upload.clear();
  run();
  byId("file").focus();
}

i18n.begin();
controls.begin(changed);
controls.show(view);
take.begin();
upload.begin((chosen) => {
  file = chosen;
  run();
});
listen(byId("pictures"), { show: showTip, hide: hideTip, open: openLayer });
byId("layout").addEventListener("change", () => file && run());
byId("leave-own").addEventListener("click", leaveOwn);
byId("cancel").addEventListener("click", () => running?.abort());
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    i18n.choose(button.dataset.language);
    controls.label();
    byId("status").textContent = words();
    render();
  });
}
addEventListener("popstate", () => {
  view = viewOf(location.search);
  controls.show(view);
  run();
});
let room = byId("pictures").clientWidth;
new ResizeObserver(() => {
  // Drawing changes the height; only another width calls for other pictures.
  if (byId("pictures").clientWidth === room) return;
  room = byId("pictures").clientWidth;
  render();
}).observe(byId("pictures"));

history.replaceState(null, "", `?${searchOf(view)}`);
run();
