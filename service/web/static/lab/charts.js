// @ts-check
// Figures over depth: one chart a quantity, in which all initializations are overlaid.
import { area, line, max, scaleLinear } from "./d3.js";
import { drawAxes, logarithmic, MARGIN, place, ZERO_STRIP } from "./axes.js";
import { FIRST_LAYER } from "./drawing.js";
import { addHits, drawing, number, share } from "./figures.js";
import { t } from "./i18n.js";
import { drawKeys, drawNames, hasRoomForNames } from "./keys.js";
import { drawMarker } from "./looks.js";

const MARKED = 24; // with more layers, only some have a marker
const HIT = 22; // pixels that a layer can be pointed at, each way

const isPositive = (value) => value > 0 && Number.isFinite(value);

/**
 * The charts. `of` is a layer's figure, `theory` what is expected of it.
 * @type {{id: string, title: string, caption: string, label: string, axis: string, isLogarithmic: boolean, format: Function, of: Function, theory?: Function, top?: Function, reference?: Function}[]}
 */
export const CHARTS = [
  {
    id: "gradients",
    title: "gradientStd",
    caption: "gradientStdCaption",
    label: "figure_gradient_std",
    axis: "axisGradientStd",
    isLogarithmic: true,
    format: number,
    of: (layer) => layer.gradient.std,
    theory: ({ theory }, layers) => {
      const last = layers.at(-1).gradient.std;
      const std = (ratio) => (last === undefined || ratio === undefined ? undefined : ratio * last);
      return { middle: std(theory.gradient_ratio), low: std(theory.gradient_ratio_low), high: std(theory.gradient_ratio_high) };
    },
  },
  {
    id: "activations",
    title: "activationStd",
    caption: "activationStdCaption",
    label: "figure_std",
    axis: "axisActivationStd",
    isLogarithmic: true,
    format: number,
    of: (layer) => layer.activation.std,
    theory: ({ theory }) => ({ middle: theory.std, low: theory.std_low, high: theory.std_high }),
  },
  {
    id: "saturated",
    title: "saturatedShare",
    caption: "saturatedShareCaption",
    label: "figure_saturated_share",
    axis: "axisSaturated",
    isLogarithmic: false,
    format: share,
    of: (layer) => layer.saturated_share,
    top: () => 1,
  },
  {
    id: "dead",
    title: "deadShare",
    caption: "deadShareCaption",
    label: "figure_dead_share",
    axis: "axisDead",
    isLogarithmic: false,
    format: share,
    of: (layer) => layer.dead_share,
    top: () => 1,
  },
  {
    id: "rank",
    title: "rank",
    caption: "rankCaption",
    label: "figure_effective_rank",
    axis: "axisRank",
    isLogarithmic: false,
    format: number,
    of: (layer) => layer.effective_rank,
    top: (lanes) => max(lanes.flatMap((lane) => lane.diagnosis.layers), (layer) => layer.width),
    reference: (layer) => layer.width,
  },
];

/** Return whether any layer of any lane has the chart's figure. */
export const hasFigures = ({ of }, lanes) => lanes.some((lane) => lane.diagnosis.layers.some((layer) => of(layer) !== undefined));

/** Return the drawing of a chart in so many pixels. */
export function chart(figure, lanes, { width, height }) {
  const svg = drawing(t(figure.title), width, height);
  const count = max(lanes, (lane) => lane.diagnosis.layers.length);
  const isWide = hasRoomForNames(width);
  const keys = isWide ? 0 : drawKeys(svg.append("g").attr("transform", `translate(${MARGIN.left},8)`), lanes, width - MARGIN.left);
  const values = lanes.map((lane) => lane.diagnosis.layers.map(figure.of));
  const room = place(width, height, { top: keys, isWide, hasZero: figure.isLogarithmic && values.flat().includes(0) });
  const x = scaleLinear([FIRST_LAYER - 0.5, FIRST_LAYER + count - 0.5], [0, room.width]);
  const y = figure.isLogarithmic ? logarithmic(values.flat(), room) : scaleLinear([0, figure.top?.(lanes)], [room.height, 0]).nice(4);
  const plot = svg.append("g").attr("class", "plot").attr("transform", `translate(${room.left + 0.5},${room.top + 0.5})`).attr("aria-hidden", "true");
  drawAxes(plot, { x, y, room, isLogarithmic: figure.isLogarithmic, format: figure.format, titles: [t("axisLayer"), t(figure.axis)], first: FIRST_LAYER });
  const at = heightIn(y, room);
  if (figure.reference) drawReference(plot, figure.reference, lanes, { x, at });
  for (const lane of lanes) if (figure.theory) drawTheory(plot, figure.theory, lane, { x, y });
  lanes.forEach((lane, index) => drawLane(plot, lane.index, values[index], { x, at }));
  if (isWide) drawNames(plot, lanes, values.map((own) => at(own.at(-1))), room);
  lanes.forEach((lane, index) => hitLane(svg, figure, lane, values[index], { x, at, room }));
  return svg.node();
}

/** Return where a value stands: 0 below a logarithmic axis, and what does not exist at the upper edge. */
const heightIn = (y, room) => (value) => {
  if (value === undefined) return 8;
  return value === 0 && room.hasZero ? room.height + ZERO_STRIP / 2 : y(value);
};

function drawReference(plot, of, lanes, { x, at }) {
  const path = line((_, index) => x(FIRST_LAYER + index), (layer) => at(of(layer)));
  plot.append("path").attr("class", "reference").attr("d", path(lanes[0].diagnosis.layers));
}

function drawTheory(plot, theory, lane, { x, y }) {
  const expected = lane.diagnosis.layers.map((layer) => theory(layer, lane.diagnosis.layers));
  // Measurements alone set the axis: theory goes on where float32 has ended.
  const [low, high] = y.domain();
  const clamped = (value) => y(Math.min(high, Math.max(low, value)));
  const band = area((_, index) => x(FIRST_LAYER + index), (layer) => clamped(layer.low), (layer) => clamped(layer.high))
    .defined((layer) => isPositive(layer.low) && isPositive(layer.high));
  if (expected.some((layer) => layer.low !== undefined)) {
    plot.append("path").attr("class", `band lane-${lane.index}`).attr("d", band(expected));
  }
  const middle = line((_, index) => x(FIRST_LAYER + index), (layer) => clamped(layer.middle)).defined((layer) => isPositive(layer.middle));
  plot.append("path").attr("class", "theory").attr("d", middle(expected));
}

function drawLane(plot, index, values, { x, at }) {
  const path = line((_, layer) => x(FIRST_LAYER + layer), at).defined((value) => value !== undefined);
  plot.append("path").attr("class", `curve lane-${index}`).attr("d", path(values));
  const every = Math.ceil(values.length / MARKED);
  values.forEach((value, layer) => {
    if (value === undefined) drawAbsent(plot, index, x(FIRST_LAYER + layer), at(value) + 6 * index);
    // Lanes that coincide mark different layers, so that each is seen.
    else if (every === 1 || layer % every === index % every) drawMarker(plot, index, x(FIRST_LAYER + layer), at(value)).attr("data-layer", layer);
  });
}

function drawAbsent(plot, index, x, y) {
  plot.append("path").attr("class", `absent lane-${index}`).attr("d", `M${x - 4},${y - 4}l8,8m0,-8l-8,8`);
}

function hitLane(svg, figure, lane, values, { x, at, room }) {
  const step = x(FIRST_LAYER + 1) - x(FIRST_LAYER);
  const size = Math.min(HIT, Math.max(step, 6));
  const places = values.map((value, index) => (
    { x: room.left + x(FIRST_LAYER + index) - size / 2, y: room.top + at(value) - HIT / 2, width: size, height: HIT }
  ));
  addHits(svg.append("g"), lane, places, (layer) => {
    const measured = [[t(figure.label), figure.format(figure.of(layer))]];
    const middle = figure.theory?.(layer, lane.diagnosis.layers).middle;
    return middle === undefined ? measured : [...measured, [t("legendTheory"), figure.format(middle)]];
  });
}
