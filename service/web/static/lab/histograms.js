// Histograms of the activations: a row for each initialization, a panel for each layer, one axis for all.
import { axisBottom, max, min, range, scaleLinear } from "./d3.js";
import { addHits, drawing, laneHeading, number, share } from "./figures.js";
import { t } from "./i18n.js";
import { drawMark } from "./verdicts.js";

// As the service has it: a slope under this share of the largest counts as saturated.
const FLAT = 0.06;
// Bounded functions: their limits, and the values beyond which they are flat.
const BOUNDED = {
  sigmoid: { limits: [0, 1], flat: [(1 - Math.sqrt(1 - FLAT)) / 2, (1 + Math.sqrt(1 - FLAT)) / 2] },
  tanh: { limits: [-1, 1], flat: [-Math.sqrt(1 - FLAT), Math.sqrt(1 - FLAT)] },
  softsign: { limits: [-1, 1], flat: [Math.sqrt(FLAT) - 1, 1 - Math.sqrt(FLAT)] },
  hard_tanh: { limits: [-1, 1], flat: [-1, 1] },
  relu6: { limits: [0, 6], flat: [0, 6] },
};

const BINS = 40;
// Inputs have std 1, so a well-scaled layer stays within this.
const FAR = 6;
// A flat histogram has bars of 1 / BINS. What is far higher is cut, or nothing else could be seen.
const HIGHEST = 0.15;
const ROUNDING = 1e-6; // of an edge, in bins
const CELL = { least: 64, most: 620, gap: 6, inset: 3 };
const TOP = 26;
const PLOT = { top: 20, height: 76 };
const ROW = TOP + PLOT.top + PLOT.height + 28;
const EDGE = 10; // pixels that half of a number may take
const LABELLED = 92; // pixels that a panel needs to name its verdict

/** Return the drawing of all histograms, at least so wide as its panels need. */
export function histograms(lanes, available) {
  const count = max(lanes, (lane) => lane.diagnosis.layers.length);
  const cell = Math.max(CELL.least, Math.min(CELL.most, (available - 2) / count));
  const svg = drawing(t("histograms"), Math.max(Math.ceil(cell * count + 2), Math.min(available, 280)), ROW * lanes.length);
  const x = scaleLinear(domainOf(lanes), [CELL.inset, cell - CELL.gap - CELL.inset]);
  const binned = lanes.map((lane) => lane.diagnosis.layers.map((layer) => rebinned(layer, x.domain())));
  const highest = Math.min(HIGHEST, max(binned.flat(), (bins) => max(bins?.shares ?? [0])) || HIGHEST);
  const y = scaleLinear([0, highest], [PLOT.height, 0]).clamp(true);

  lanes.forEach((lane, row) => {
    const panel = svg.append("g").attr("transform", `translate(1,${row * ROW + TOP})`);
    laneHeading(panel, lane, { width: cell * count, long: true });
    const layers = panel.append("g").attr("aria-hidden", "true");
    lane.diagnosis.layers.forEach((layer, index) => {
      const place = layers.append("g").attr("transform", `translate(${index * cell},${PLOT.top})`);
      drawPanel(place, layer, index, { x, y, cell, bins: binned[row][index] });
    });
    const places = lane.diagnosis.layers.map((_, index) => (
      { x: index * cell, y: 2, width: cell - CELL.gap, height: PLOT.top + PLOT.height + 18 }
    ));
    addHits(panel, lane, places, figuresOf);
  });
  return { svg: svg.node(), cut: share(highest), isBounded: lanes.some((lane) => lane.diagnosis.layers.some(boundsOf)) };
}

const boundsOf = (layer) => BOUNDED[layer.activation_function];

function figuresOf(layer) {
  const bounded = layer.saturated_share === undefined ? [] : [[t("figure_saturated_share"), share(layer.saturated_share)]];
  return [[t("figure_mean"), number(layer.activation.mean)], [t("figure_std"), number(layer.activation.std)], ...bounded];
}

/** Return the values that the axis shows: limits of bounded functions, and where the values of others mostly are. */
function domainOf(lanes) {
  const reaches = lanes.map((lane) => lane.diagnosis.layers.map(reachOf).filter(Boolean));
  // One lane that explodes must not squeeze the others; where all do, the axis follows the least of them.
  const far = Math.max(FAR, min(reaches.filter((lane) => lane.length), (lane) => max(lane.flat(), Math.abs)) ?? 0);
  const values = reaches.flat(2).map((value) => Math.min(far, Math.max(-far, value)));
  const [low, high] = values.length ? [min(values), max(values)] : [-1, 1];
  return low < high ? [low, high] : [low - 1, high + 1];
}

function reachOf(layer) {
  if (boundsOf(layer)) return boundsOf(layer).limits;
  const { quantiles } = layer.activation;
  return quantiles && [quantiles[0], quantiles.at(-1)];
}

/** Return the share of values in each common bin, and beyond them; undefined where the layer has none. */
function rebinned({ activation: { histogram }, zero_share: zeros = 0 }, [low, high]) {
  if (!histogram) return undefined;
  const { edges, counts } = histogram;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const width = (high - low) / BINS;
  const shares = Array(BINS).fill(0);
  // The zeros of relu are one value, which a wide bin of the service's would smear.
  const apart = low <= 0 && high > 0 ? zeros : 0;
  if (apart > 0) shares[Math.floor(-low / width)] = apart;
  let inside = apart;
  const zeroPlace = Math.min(counts.length - 1, edges.findLastIndex((edge) => edge <= 0));
  counts.forEach((all, index) => {
    const count = index === zeroPlace ? Math.max(0, all - apart * total) : all;
    const [from, to] = [edges[index], edges[index + 1]];
    const first = Math.max(0, Math.floor((from - low) / width));
    const last = Math.min(BINS - 1, Math.floor((to - low) / width));
    for (let bin = first; bin <= last; bin += 1) {
      const overlap = Math.min(to, low + (bin + 1) * width) - Math.max(from, low + bin * width);
      const part = to > from ? (count / total) * (Math.max(0, overlap) / (to - from)) : 0;
      shares[bin] += part;
      inside += part;
    }
  });
  return { shares, beyond: Math.max(0, 1 - inside) };
}

function drawPanel(place, layer, index, { x, y, cell, bins }) {
  const right = x.range()[1] + CELL.inset;
  const { code } = layer.verdicts[0];
  place.append("text").attr("class", "soft").attr("x", 0).attr("y", -5).text(index + 1);
  const afterNumber = 8 + 7 * String(index + 1).length;
  drawMark(place, code, afterNumber + 4, -9, 34);
  // Further findings stand at the right.
  layer.verdicts.slice(1).forEach((verdict, further) => drawMark(place, verdict.code, right - 6 - 12 * further, -9, 34));
  if (cell >= LABELLED) place.append("text").attr("class", "soft").attr("x", afterNumber + 13).attr("y", -5).text(t(code));
  place.append("rect").attr("class", "frame").attr("width", right).attr("height", PLOT.height);
  const bounds = boundsOf(layer);
  if (bounds) drawBounds(place, bounds.flat, x, right);
  if (bins) drawBars(place, bins, bounds, { x, y });
  else place.append("text").attr("class", "soft").attr("x", right / 2).attr("y", 40).attr("text-anchor", "middle").text(t("noValues"));
  if (bins?.beyond > 0.005) {
    const text = t(cell < LABELLED ? "beyondShort" : "beyond", { share: share(Number(bins.beyond.toPrecision(2))) });
    place.append("text").attr("class", "soft").attr("x", right / 2).attr("y", 12).attr("text-anchor", "middle").text(text);
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

function drawBars(place, { shares }, bounds, { x, y }) {
  const [low, high] = x.domain();
  const width = (high - low) / BINS;
  const isFlat = (bin) => {
    if (bounds === undefined) return false;
    // The outermost bins hold the limits themselves.
    const [from, to] = [low + (bin + ROUNDING) * width, low + (bin + 1 - ROUNDING) * width];
    const middle = (from + to) / 2;
    return middle < bounds.flat[0] || middle > bounds.flat[1] || from - width < bounds.limits[0] || to + width > bounds.limits[1];
  };
  const bar = (bin) => {
    const [from, to] = [x(low + bin * width), x(low + (bin + 1) * width)];
    return `M${from.toFixed(2)},${PLOT.height}V${y(shares[bin]).toFixed(2)}H${to.toFixed(2)}V${PLOT.height}Z`;
  };
  const filled = range(BINS).filter((bin) => shares[bin] > 0);
  place.append("path").attr("class", "bars").attr("d", filled.filter((bin) => !isFlat(bin)).map(bar).join(""));
  place.append("path").attr("class", "bars saturated").attr("d", filled.filter(isFlat).map(bar).join(""));
}
