// @ts-check
// The page: from the address bar to a view, from a view to diagnoses, from diagnoses to pictures.
import { diagnoseOwn, Problem } from "./api.js";
import { caseOf, INTRODUCTION } from "./cases.js";
import * as controls from "./controls.js";
import { diagnosed, fewAtATime } from "./diagnoses.js";
import { all, byId, first } from "./elements.js";
import * as equivalents from "./equivalents.js";
import { listen } from "./figures.js";
import * as i18n from "./i18n.js";
import { hideTip, openLayer, showTip } from "./layer.js";
import * as learning from "./learning.js";
import { aboutOf, nameOf, titleOf } from "./names.js";
import { Unusable } from "./own.js";
import * as pictures from "./pictures.js";
import * as problems from "./problems.js";
import * as slider from "./slider.js";
import { caseIn, diagnosisQuery, initOf, ownQuery, searchOf, viewOf } from "./state.js";
import * as story from "./story.js";
import * as take from "./take.js";
import * as upload from "./upload.js";

const { t } = i18n;

let view = viewOf(location.search);
let own = null; // {id, name, body, sizes, layout}: the reader's file
let running = null; // what cancels the diagnoses under way
let shown = null; // the last view that worked: {view, tasks, diagnoses}
let words = () => ""; // the status, in whatever language is chosen

/** Return what is to be diagnosed, one entry a lane. */
function tasksOf(asked) {
  const drawn = asked.inits.map((init, index) => ({
    init,
    index,
    name: () => nameOf(init),
    title: () => titleOf(init),
    ask: (signal) => diagnosed(diagnosisQuery(asked, init), signal),
  }));
  if (!own) return drawn;
  const { name, body, layout } = own;
  const file = { init: null, own, index: null, name: () => name, title: () => name, ask: (signal) => diagnoseOwn(ownQuery(asked, layout), body, signal) };
  return [file, ...drawn];
}

/** Return the view that is asked for: beside a file stand Xavier and He of the same sizes. */
function askedView() {
  const asked = structuredClone(view);
  if (!own) return asked;
  const { sizes, layout } = own;
  return { ...asked, layers: (sizes[layout] ?? []).join(","), inits: sizes[layout] ? [initOf("xavier"), initOf("he")] : [] };
}

function lanesOf({ tasks, diagnoses }) {
  return tasks
    .map(({ init, own: file, name, title }, index) => ({ index, init, own: file, name: name(), title: title(), diagnosis: diagnoses[index] }))
    .filter(({ diagnosis }) => diagnosis !== undefined);
}

async function run() {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  learning.stop();
  problems.clear();
  const asked = { view: askedView(), tasks: /** @type {any[]} */ ([]), diagnoses: /** @type {any[]} */ ([]) };
  asked.tasks = tasksOf(asked.view);
  let failed = /** @type {any} */ (null);
  try {
    progress(0, asked.tasks);
    await fewAtATime(asked.tasks.map((task, place) => async () => {
      try {
        asked.diagnoses[place] = await task.ask(mine.signal);
      } catch (error) {
        failed ??= task;
        throw error;
      }
      if (running !== mine) return;
      // Each lane is drawn when it arrives.
      progress(lanesOf(asked).length, asked.tasks);
      render(asked);
      performance.mark("pictures");
    }));
    if (running !== mine) return;
    shown = asked;
    say(() => t("done", { count: asked.tasks.length, verdicts: summary(lanesOf(asked)) }));
    byId("stale").hidden = true;
    document.body.classList.remove("stale");
    train();
  } catch (error) {
    if (running !== mine) return;
    mine.abort();
    fail(error, failed?.index ?? null);
  }
  running = null;
  byId("bar").hidden = true;
  byId("cancel").hidden = true;
}

function progress(done, tasks) {
  say(() => t("running", { done, count: tasks.length }));
  byId("bar").hidden = false;
  byId("bar").value = done / tasks.length;
  byId("cancel").hidden = false;
}

function fail(error, index) {
  byId("stale").hidden = shown === null;
  document.body.classList.toggle("stale", shown !== null);
  render();
  if (error.name === "AbortError") {
    say(() => t("cancelled"));
    return;
  }
  say(() => t("failed"));
  if (error instanceof Problem) problems.show(error, index);
  else if (error instanceof TypeError) problems.sayGenerally(t("unreachable"));
  else throw error;
}

function say(text) {
  words = text;
  byId("status").textContent = text();
}

const summary = (lanes) => lanes.map((lane) => t("named", { name: lane.name, text: t(lane.diagnosis.verdict.code) })).join(t("separator"));

function render(of = shown) {
  if (of === null) return;
  hideTip();
  const lanes = lanesOf(of);
  if (lanes.length === 0) return;
  pictures.draw(lanes, aboutOf(of.view, lanes));
  byId("take").hidden = own !== null;
  byId("leave-own").hidden = own === null;
  if (!own) take.offer(of.view, of.tasks.map(({ name, title }, index) => ({ index, name: name(), title: title() })));
}

function train() {
  const frame = byId("figure-learning");
  frame.hidden = shown === null || shown.view.data === "";
  if (frame.hidden) return;
  const lanes = lanesOf(shown);
  byId("learning-words").replaceChildren();
  if (learning.fits(shown.view)) learning.train(shown.view, lanes, aboutOf(shown.view, lanes));
  else byId("learning-words").textContent = t(`fit_${shown.view.data}`);
}

/** Show what a view is of the story, and which figure leads. */
function tell() {
  const guide = caseIn(location.search);
  const isFirst = searchOf(view) === searchOf(viewOf(""));
  story.show(own ? null : (guide?.id ?? (isFirst ? INTRODUCTION : null)));
  if (own) {
    byId("case-title").textContent = t("own");
    byId("case-text").textContent = t("ownText");
  }
  byId("figure-learning").hidden = view.data === "";
  pictures.lead(guide?.lead ?? "gradients");
  // What the file decides is not the form's.
  document.body.classList.toggle("own-weights", own !== null);
  slider.show(view);
}

function changed(next, { id = "", isPassing = false } = {}) {
  view = next;
  const search = `?${id ? `case=${id}&` : ""}${searchOf(view)}`;
  if (isPassing) history.replaceState(history.state, "", search);
  else if (search !== location.search) history.pushState(null, "", search);
  controls.show(view);
  tell();
  run();
}

function use(found) {
  own = found;
  byId("layout").closest(".field").hidden = !own || Object.keys(own.sizes).length < 2;
  if (own) byId("layout").value = own.layout;
  tell();
  run();
}

function leaveOwn() {
  upload.clear();
  use(null);
  byId("file").focus();
}

function speak(language) {
  i18n.choose(language);
  controls.label();
  equivalents.label();
  controls.show(view);
  byId("status").textContent = words();
  tell();
  render();
  train();
}

i18n.begin();
controls.begin((next) => changed(next));
controls.show(view);
pictures.begin(() => render());
story.begin((id) => {
  // Cases are of drawn weights.
  own = null;
  upload.clear();
  changed(viewOf(caseOf(id)?.search ?? ""), { id });
});
let isSliding = false;
slider.begin(
  (next) => {
    // The step before the slide stays in the history.
    changed(next, { isPassing: isSliding });
    isSliding = true;
  },
  () => {
    isSliding = false;
  },
);
take.begin();
equivalents.begin();
upload.begin(use, (error) => {
  problems.clear();
  if (!(error instanceof Unusable)) throw error;
  byId("file-problem").textContent = t(error.key, error.values);
  byId("file-problem").hidden = false;
});
listen(first("main"), { show: showTip, hide: hideTip, open: openLayer });
byId("layout").addEventListener("change", () => own && use({ ...own, layout: byId("layout").value }));
byId("leave-own").addEventListener("click", leaveOwn);
byId("cancel").addEventListener("click", () => running?.abort());
byId("copy-link").addEventListener("click", () => take.copy(location.href, byId("copy-link"), "copyLink"));
for (const button of all("[data-language]")) button.addEventListener("click", () => speak(button.dataset.language));
addEventListener("popstate", () => {
  view = viewOf(location.search);
  controls.show(view);
  tell();
  run();
});
let room = byId("pictures").clientWidth;
new ResizeObserver(() => {
  // Drawing changes the height; only another width calls for other pictures.
  if (byId("pictures").clientWidth === room) return;
  room = byId("pictures").clientWidth;
  render();
  train();
}).observe(byId("pictures"));

const guide = caseIn(location.search);
history.replaceState(null, "", `?${guide ? `case=${guide.id}&` : ""}${searchOf(view)}`);
tell();
run();
