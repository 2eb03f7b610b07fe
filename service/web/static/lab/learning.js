// @ts-check
// Learning curves: each start is trained by the service, and its curve grows as the points come.
import { learn, learnOwn, Problem } from "./api.js";
import { drawAxes, MARGIN, place as roomOf } from "./axes.js";
import { DATA } from "./choices.js";
import { line, max, scaleLinear } from "./d3.js";
import { fewAtATime } from "./diagnoses.js";
import { byId } from "./elements.js";
import { FIRST_LAYER } from "./drawing.js";
import { drawing, share } from "./figures.js";
import { language, t } from "./i18n.js";
import { drawKeys, drawEnds, hasRoomForNames } from "./keys.js";
import { drawMarker } from "./looks.js";
import { place, sizeOf } from "./pictures.js";
import { learningQuery, ownLearningQuery } from "./state.js";

const MARKED = 10;
const LEARNED = 0.9;

const trained = new Map(); // from the query, and the number of the file, to {points, outcome}: what was seen once need not be computed again
const MOST_KEPT = 24;
let running = /** @type {AbortController | null} */ (null);

/** Return whether a view's network fits its data. */
export function fits({ data, layers }) {
  const [inputs, classes] = DATA[data] ?? [];
  const sizes = layers.split(",").map(Number);
  return sizes[0] === inputs && sizes.at(-1) === classes;
}

/** Stop what is being trained. */
export function stop() {
  running?.abort();
  running = null;
}

/**
 * Train the starts of a view, and draw their curves as they grow.
 * @param {{index: number, name: string, init: any, own?: {id: number, layout: string, body: Blob}}[]} lanes
 */
export async function train(view, lanes, about) {
  stop();
  const mine = new AbortController();
  running = mine;
  const courses = lanes.map((lane) => courseOf(view, lane));
  const draw = () => running === mine && drawCourses(view, courses, about);
  draw();
  try {
    await fewAtATime(courses.filter((course) => !course.outcome).map((course) => () => follow(course, draw, mine.signal)));
  } catch (error) {
    if (running !== mine) return;
    if (error instanceof Problem) byId("learning-words").textContent = error.status === 413 ? t("tooLarge") : error.message;
    else if (error instanceof TypeError) byId("learning-words").textContent = t("unreachable");
  }
}

function courseOf(view, lane) {
  const { own } = lane;
  const query = `${own ? ownLearningQuery(view, own.layout) : learningQuery(view, lane.init)}&language=${language()}`;
  const key = own ? `${own.id}: ${query}` : query;
  return { ...lane, query, key, ...(trained.get(key) ?? { points: [], outcome: null }) };
}

async function follow(course, draw, signal) {
  let isWaiting = false;
  const told = (point) => {
    course.points.push(point);
    // Points may come faster than a screen shows them.
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
    });
  };
  const { own, query } = course;
  course.outcome = await (own ? learnOwn(query, own.body, told, signal) : learn(query, told, signal));
  trained.set(course.key, { points: course.points, outcome: course.outcome });
  if (trained.size > MOST_KEPT) trained.delete(trained.keys().next().value);
  draw();
}

function drawCourses(view, courses, about) {
  const frame = byId("figure-learning");
  const title = t("learning");
  place(frame, { title, caption: t("learningCaption", { data: t(`data_${view.data}`), optimizer: t(`optimizer_${view.optimizer}`), rate: view.learning_rate }), about }, picture(title, courses, Number(view.steps), sizeOf(frame)));
  byId("learning-words").replaceChildren(...courses.filter(({ outcome }) => outcome).map(sentenceOf));
}

function sentenceOf({ name, outcome }) {
  const item = document.createElement("li");
  // Pictures number layers as people do; and a number stays on the line of its sign.
  const text = outcome.sentence
    .replace(/ layers\.(\d+) /, (_, number) => [t("space"), t("space")].join(t("layerInText", { number: FIRST_LAYER + Number(number) })))
    .replace(/(\d) %/g, "$1\u00a0%");
  item.textContent = t("named", { name, text });
  item.dataset.code = outcome.code;
  return item;
}

function picture(title, courses, steps, { width, height }) {
  const svg = drawing(title, width, height);
  const isWide = hasRoomForNames(width);
  const keys = isWide ? 0 : drawKeys(svg.append("g").attr("transform", `translate(${MARGIN.left},8)`), courses, width - MARGIN.left);
  const room = roomOf(width, height, { top: keys, isWide, hasZero: false });
  const x = scaleLinear([0, max([steps, 1])], [0, room.width]);
  const y = scaleLinear([0, 1], [room.height, 0]);
  const plot = svg.append("g").attr("class", "plot").attr("transform", `translate(${room.left + 0.5},${room.top + 0.5})`);
  drawAxes(plot, { x, y, room, isLogarithmic: false, format: share, titles: [t("axisSteps"), t("axisAccuracy")], first: 0 });
  plot.append("path").attr("class", "reference").attr("d", `M0,${y(LEARNED)}H${room.width}`);
  const path = line((point) => x(point.step), (point) => y(point.test_accuracy)).defined((point) => point.test_accuracy !== undefined);
  for (const { index, points } of courses) {
    plot.append("path").attr("class", `curve lane-${index}`).attr("d", path(points));
    const every = Math.ceil(points.length / MARKED);
    points.forEach((point, place_) => {
      if (point.test_accuracy !== undefined && place_ % every === index % every) drawMarker(plot, index, x(point.step), y(point.test_accuracy));
    });
  }
  if (isWide) {
    drawEnds(plot, courses.map((course) => ({ ...course, y: y(course.points.at(-1)?.test_accuracy ?? 0), words: wordsOf(course) })), room);
  }
  return svg.node();
}

function wordsOf({ points, outcome }) {
  if (points.length === 0) return t("waiting");
  if (!outcome) return t("training", { step: points.at(-1).step });
  if (outcome.steps_to_90 !== undefined) return t("stepsTo90", { steps: outcome.steps_to_90 });
  return [t(`outcome_${outcome.code}`), share(outcome.best_test_accuracy)].join(t("comma"));
}
