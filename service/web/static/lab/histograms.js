// @ts-check
// Histograms of activations, weights or gradients: rows for each initialization, a panel for each layer.
import { axisBottom, max, min, range, scaleLinear } from "./d3.js";
import { BINS, rebinned } from "./binning.js";
import { BOUNDED, FIRST_LAYER, HISTOGRAMS } from "./drawing.js";
import { addHits, drawing, laneHeading, number, share } from "./figures.js";
import { t } from "./i18n.js";
import { drawMark } from "./verdicts.js";

const HIGHEST = HISTOGRAMS.highest_share;
const ROUNDING = 1e-6; // of an edge, in bins
const CELL = { least: 64, most: 620, gap: 6, inset: 3 };
const TOP = 26;
const PLOT = { top: 20, height: 84 };
const CELL_HEIGHT = PLOT.top + PLOT.height + 30;
const EDGE = 10; // pixels that half of a number may take
const SIGN = 9; // pixels
const LABELLED = 92; // pixels that a panel needs to name its verdict
const NUMBER = 30; // pixels that the share of a bar may take
const REACH = 3; // an axis of weights or gradients ends at so many times the largest std of a lane

/** What a histogram can be of: where its values are, and whether all lanes share one axis. */
export const KINDS = {
  activations: { title: "histograms", of: ({ activation, zero_share: zeros = 0 }) => ({ histogram: activation.histogram, zeros }), figures: activationFigures },
  weights: { title: "weightHistograms", of: ({ weight }) => ({ histogram: weight.histogram, zeros: 0 }), figures: weightFigures },
  gradients: { title: "gradientHistograms", of: ({ gradient }) => ({ histogram: gradient.histogram, zeros: 0 }), figures: gradientFigures },
};

/** Return the drawing of all histograms of a kind, and what is to be said of it. */
export function histograms(kind, lanes, available) {
  const { of, title, figures } = KINDS[kind];
  const isActivations = kind === "activations";
  const grid = gridOf(max(lanes, (lane) => lane.diagnosis.layers.length), available);
  const laneHeight = TOP + CELL_HEIGHT * grid.rows;
  const svg = drawing(t(title), Math.max(Math.ceil(grid.cell * grid.columns + 2), Math.min(available, 280)), laneHeight * lanes.length);
  const span = [CELL.inset, grid.cell - CELL.gap - CELL.inset];
  const scales = lanes.map((lane) => scaleLinear(isActivations ? domainOf(lanes) : symmetric(lane, kind), span));
  const binned = lanes.map((lane, row) => lane.diagnosis.layers.map((layer) => rebinned(of(layer), scales[row].domain())));
  const most = max(binned.flat(), (bins) => max(bins?.shares ?? [0])) || HIGHEST;
  const highest = Math.min(HIGHEST, most);
  const y = scaleLinear([0, highest], [PLOT.height, 0]).clamp(true);

  lanes.forEach((lane, row) => {
    const panel = svg.append("g").attr("transform", `translate(1,${row * laneHeight + TOP})`);
    laneHeading(panel, lane, { width: grid.cell * grid.columns });
    const layers = panel.append("g").attr("aria-hidden", "true");
    const places = lane.diagnosis.layers.map((layer, index) => {
      const [left, top] = [(index % grid.columns) * grid.cell, Math.floor(index / grid.columns) * CELL_HEIGHT];
      const cell = layers.append("g").attr("class", "cell").attr("transform", `translate(${left},${top + PLOT.top})`);
      const bounds = isActivations ? BOUNDED[layer.activation_function] : undefined;
      drawPanel(cell, layer, index, { x: scales[row], y, cell: grid.cell, bins: binned[row][index], bounds, highest });
      return { x: left, y: top + 2, width: grid.cell - CELL.gap, height: PLOT.top + PLOT.height + 18 };
    });
    addHits(panel, lane, places, figures);
  });
  const isBounded = isActivations && lanes.some((lane) => lane.diagnosis.layers.some(boundsOf));
  return { svg: svg.node(), cut: most > HIGHEST ? share(highest) : null, isBounded };
}

/** Return how many panels stand side by side, in how many rows, and how wide each is: rows of about equal length. */
function gridOf(count, available) {
  const fitting = Math.max(1, Math.floor((available - 2) / CELL.least));
  const rows = Math.ceil(count / fitting);
  const columns = Math.ceil(count / rows);
  return { rows, columns, cell: Math.min(CELL.most, (available - 2) / columns) };
}

const boundsOf = (layer) => BOUNDED[layer.activation_function];

function activationFigures(layer) {
  const bounded = layer.saturated_share === undefined ? [] : [[t("figure_saturated_share"), share(layer.saturated_share)]];
  return [[t("figure_mean"), number(layer.activation.mean)], [t("figure_std"), number(layer.activation.std)], ...bounded];
}

function weightFigures(layer) {
  return [[t("figure_weight_std"), number(layer.weight.std)]];
}

function gradientFigures(layer) {
  return [[t("figure_gradient_std"), number(layer.gradient.std)], [t("figure_gradient_small_share"), share(layer.gradient.small_share)]];
}

/** Return the activations that the axis shows: limits of bounded functions, and where the values of others mostly are. */
function domainOf(lanes) {
  const reaches = lanes.map((lane) => lane.diagnosis.layers.map(reachOf).filter(Boolean));
  // What explodes must not squeeze the rest: the axis follows the first layers, and the least of them.
  const first = min(reaches.filter((lane) => lane.length), ([reach]) => max(reach, Math.abs)) ?? 0;
  const far = Math.max(HISTOGRAMS.least_reach, HISTOGRAMS.reach_of_first * first);
  const values = reaches.flat(2).map((value) => Math.min(far, Math.max(-far, value)));
  const [low, high] = values.length ? [min(values), max(values)] : [-1, 1];
  return low < high ? [low, high] : [low - 1, high + 1];
}

function reachOf(layer) {
  if (boundsOf(layer)) return boundsOf(layer).limits;
  const { quantiles } = layer.activation;
  return quantiles && [quantiles[0], quantiles.at(-1)];
}

/** Return an axis of one lane's own: weights and gradients of two lanes may be powers of ten apart. */
function symmetric(lane, kind) {
  const reach = REACH * (max(lane.diagnosis.layers, (layer) => (kind === "weights" ? layer.weight.std : layer.gradient.std)) ?? 0);
  return reach > 0 && Number.isFinite(reach) ? [-reach, reach] : [-1, 1];
}

function drawPanel(place, layer, index, { x, y, cell, bins, bounds, highest }) {
  const right = x.range()[1] + CELL.inset;
  place.append("text").attr("class", "soft").attr("x", 0).attr("y", -5).text(FIRST_LAYER + index);
  const afterNumber = 8 + 7 * String(FIRST_LAYER + index).length;
  drawMark(place, layer.verdicts[0].code, afterNumber + 4, -9, SIGN);
  // Further findings stand at the right.
  layer.verdicts.slice(1).forEach((verdict, further) => drawMark(place, verdict.code, right - 6 - 12 * further, -9, SIGN));
  if (cell >= LABELLED) place.append("text").attr("class", "soft").attr("x", afterNumber + 13).attr("y", -5).text(t(layer.verdicts[0].code));
  place.append("rect").attr("class", "frame").attr("width", right).attr("height", PLOT.height);
  if (bounds) drawBounds(place, bounds.flat, x, right);
  if (bins) drawBars(place, bins, bounds, { x, y, highest, right });
  else place.append("text").attr("class", "soft").attr("x", right / 2).attr("y", 44).attr("text-anchor", "middle").text(t("noValues"));
  if (bins?.beyond >= HISTOGRAMS.least_share_named) {
    const text = t(cell < LABELLED ? "beyondShort" : "beyond", { share: share(Number(bins.beyond.toPrecision(2))) });
    place.append("text").attr("class", "soft").attr("x", right / 2).attr("y", 26).attr("text-anchor", "middle").text(text);
  }
  drawAxis(place, x, cell);
}

function drawAxis(place, x, cell) {
  const all = x.ticks(cell < LABELLED ? 2 : 3);
  const ticks = cell < LABELLED && all.length > 3 ? [all[0], all.at(-1)] : all;
  const [left, right] = x.range();
  place
    .append("g")
    .attr("class", "axis")
    .attr("transform", `translate(0,${PLOT.height})`)
    .call(axisBottom(x).offset(0).tickValues(ticks).tickFormat(number).tickSize(4).tickSizeOuter(0).tickPadding(2))
    .selectAll(".tick text")
    // Beside the next panel, a number must not run into that panel's.
    .attr("text-anchor", (tick) => (x(tick) - left < EDGE ? "start" : right - x(tick) < EDGE ? "end" : "middle"))
    .attr("dx", (tick) => (x(tick) - left < EDGE ? -CELL.inset : right - x(tick) < EDGE ? CELL.inset : 0));
}

function drawBounds(place, [low, high], x, right) {
  place.append("rect").attr("class", "zone").attr("width", x(low)).attr("height", PLOT.height);
  place.append("rect").attr("class", "zone").attr("x", x(high)).attr("width", right - x(high)).attr("height", PLOT.height);
  for (const at of [low, high]) {
    place.append("line").attr("class", "bound").attr("x1", x(at)).attr("x2", x(at)).attr("y2", PLOT.height);
  }
}

function drawBars(place, { shares }, bounds, { x, y, highest, right }) {
  const [low, high] = x.domain();
  const width = (high - low) / BINS;
  const isFlat = (bin) => {
    if (bounds === undefined) return false;
    // The outermost bins hold the limits themselves.
    const [from, to] = [low + (bin + ROUNDING) * width, low + (bin + 1 - ROUNDING) * width];
    const middle = (from + to) / 2;
    return middle < bounds.flat[0] || middle > bounds.flat[1] || from - width < bounds.limits[0] || to + width > bounds.limits[1];
  };
  const edges = (bin) => [x(low + bin * width), x(low + (bin + 1) * width)];
  const bar = (bin) => {
    const [from, to] = edges(bin);
    return `M${from.toFixed(2)},${PLOT.height}V${y(shares[bin]).toFixed(2)}H${to.toFixed(2)}V${PLOT.height}Z`;
  };
  const filled = range(BINS).filter((bin) => shares[bin] > 0);
  place.append("path").attr("class", "bars").attr("d", filled.filter((bin) => !isFlat(bin)).map(bar).join(""));
  place.append("path").attr("class", "bars saturated").attr("d", filled.filter(isFlat).map(bar).join(""));
  drawCuts(place, filled.filter((bin) => shares[bin] > highest), shares, edges, right);
}

/** Mark bars that are higher than the panel, and say how high they are. */
function drawCuts(place, cut, shares, edges, right) {
  let free = -Infinity;
  for (const bin of cut) {
    const [from, to] = edges(bin);
    place.append("path").attr("class", "cut").attr("d", `M${from - 1.5},10L${to + 1.5},6M${from - 1.5},14L${to + 1.5},10`);
    const text = share(Number(shares[bin].toPrecision(2)));
    const isLeft = to + NUMBER < right;
    const start = isLeft ? to + 3 : from - 3 - NUMBER;
    if (start < free) continue;
    place.append("text").attr("class", "soft cut-share").attr("x", isLeft ? to + 3 : from - 3).attr("y", 12).attr("text-anchor", isLeft ? "start" : "end").text(text);
    free = start + NUMBER;
  }
}
