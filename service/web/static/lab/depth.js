// Figures over depth: a panel for each initialization, one under the other, on common axes.
import { area, axisBottom, axisLeft, extent, line, max, scaleLinear, scaleLog } from "./d3.js";
import { addHits, drawing, laneHeading, number, power, share } from "./figures.js";
import { t } from "./i18n.js";

const MARGIN = { left: 40, right: 8 };
const TOP = 20;
const GAP = 9; // between a heading and the uppermost tick
const PLOT = 84;
const ROW = TOP + GAP + PLOT + 28;
const LEGEND = 18;
const DOTS = 24; // more layers than this are a line alone

const isPositive = (value) => value > 0 && Number.isFinite(value);

/**
 * The pictures over depth. `series` are what is drawn as a line, `theory` what is expected of a layer.
 * @type {{id: string, title: string, caption: string, scale: Function, format: Function, series: object[], theory?: Function}[]}
 */
export const DEPTH_FIGURES = [
  {
    id: "activations",
    title: "activationStd",
    caption: "activationStdCaption",
    scale: logarithmic,
    format: number,
    series: [{ name: "legendMeasured", label: "figure_std", of: (layer) => layer.activation.std }],
    theory: ({ theory }) => ({ middle: theory.std, low: theory.std_low ?? theory.std, high: theory.std_high ?? theory.std }),
  },
  {
    id: "gradients",
    title: "gradientStd",
    caption: "gradientStdCaption",
    scale: logarithmic,
    format: number,
    series: [{ name: "legendMeasured", label: "figure_gradient_std", of: (layer) => layer.gradient.std }],
    theory: ({ theory }, layers) => {
      const last = layers.at(-1).gradient.std;
      return { middle: last === undefined || theory.gradient_ratio === undefined ? undefined : theory.gradient_ratio * last };
    },
  },
  {
    id: "shares",
    title: "shares",
    caption: "sharesCaption",
    scale: () => scaleLinear([0, 1], [PLOT, 0]),
    format: share,
    series: [
      { name: "legendDead", label: "figure_dead_share", of: (layer) => layer.dead_share },
      { name: "legendSaturated", label: "figure_saturated_share", of: (layer) => layer.saturated_share, isSecond: true },
    ],
  },
  {
    id: "rank",
    title: "rank",
    caption: "rankCaption",
    scale: (lanes) => scaleLinear([0, max(lanes.flatMap((lane) => lane.diagnosis.layers), (layer) => layer.width)], [PLOT, 0]).nice(3),
    format: number,
    series: [
      { name: "legendRank", label: "figure_effective_rank", of: (layer) => layer.effective_rank },
      { name: "legendWidth", label: "figure_width", of: (layer) => layer.width, isWidth: true },
    ],
  },
];

/** Return the drawing of one of the pictures over depth. */
export function depthFigure(figure, lanes, available) {
  const width = Math.max(220, Math.min(available, 560));
  const svg = drawing(t(figure.title), width, ROW * lanes.length + LEGEND);
  const count = max(lanes, (lane) => lane.diagnosis.layers.length);
  const step = (width - MARGIN.left - MARGIN.right) / count;
  const x = scaleLinear([0.5, count + 0.5], [0, step * count]);
  const y = figure.scale(lanes, figure);
  lanes.forEach((lane, row) => {
    const panel = svg.append("g").attr("transform", `translate(0,${row * ROW + TOP})`);
    laneHeading(panel, lane, { width, long: false });
    const plot = panel.append("g").attr("transform", `translate(${MARGIN.left + 0.5},${GAP + 0.5})`).attr("aria-hidden", "true");
    drawAxes(plot, figure, { x, y, count });
    drawTheory(plot, figure, lane, { x, y });
    for (const series of figure.series) drawSeries(plot, series, lane, { x, y });
    const places = lane.diagnosis.layers.map((_, index) => (
      { x: MARGIN.left + index * step, y: GAP, width: step, height: PLOT }
    ));
    addHits(panel, lane, places, (layer) => figuresOf(figure, layer, lane.diagnosis.layers));
  });
  drawLegend(svg.append("g").attr("transform", `translate(${MARGIN.left},${ROW * lanes.length + 8})`), figure, lanes);
  return svg.node();
}

function figuresOf(figure, layer, layers) {
  const measured = figure.series.map(({ label, of }) => [t(label), figure.format(of(layer))]);
  const middle = figure.theory?.(layer, layers).middle;
  return middle === undefined ? measured : [...measured, [t("legendTheory"), figure.format(middle)]];
}

/** Return a scale in powers of ten. Measurements alone set it: theory goes on where float32 has ended. */
function logarithmic(lanes, { series: [{ of }] }) {
  const [least, most] = extent(lanes.flatMap((lane) => lane.diagnosis.layers).map(of).filter(isPositive));
  const low = Math.floor(Math.log10((least ?? 0.1) * 0.8));
  const high = Math.max(low + 1, Math.ceil(Math.log10((most ?? 1) * 1.25)));
  return scaleLog([10 ** low, 10 ** high], [PLOT, 0]).clamp(true);
}

function powersOf(y) {
  const [low, high] = y.domain().map((value) => Math.round(Math.log10(value)));
  const every = Math.ceil((high - low) / 4);
  const first = Math.ceil(low / every) * every;
  return Array.from({ length: Math.floor((high - first) / every) + 1 }, (_, index) => 10 ** (first + index * every));
}

function drawAxes(plot, { scale, format }, { x, y, count }) {
  const width = x.range()[1];
  plot.append("rect").attr("class", "frame").attr("width", width).attr("height", PLOT);
  const across = x.ticks(Math.min(count, 6)).filter((tick) => Number.isInteger(tick) && tick >= 1 && tick <= count);
  const ticks = across.includes(1) ? across : [1, ...across];
  plot
    .append("g")
    .attr("class", "axis")
    .attr("transform", `translate(0,${PLOT})`)
    .call(axisBottom(x).offset(0).tickValues(ticks).tickFormat(String).tickSize(4).tickSizeOuter(0).tickPadding(2));
  const up = scale === logarithmic ? axisLeft(y).offset(0).tickValues(powersOf(y)).tickFormat(power) : axisLeft(y).offset(0).ticks(3).tickFormat(format);
  const axis = plot.append("g").attr("class", "axis").call(up.tickSize(4).tickSizeOuter(0).tickPadding(3));
  axis.selectAll(".tick").append("line").attr("x2", width);
}

function drawTheory(plot, { theory }, lane, { x, y }) {
  if (!theory) return;
  const expected = lane.diagnosis.layers.map((layer) => theory(layer, lane.diagnosis.layers));
  const clamped = (value) => y(Math.min(value, y.domain()[1]));
  const band = area((_, index) => x(index + 1), ({ low }) => clamped(low), ({ high }) => clamped(high))
    .defined(({ low, high }) => isPositive(low) && isPositive(high));
  if (expected.some(({ low }) => low !== undefined)) {
    plot.append("path").attr("class", "band").attr("d", band(expected));
    return;
  }
  const middle = line((_, index) => x(index + 1), (layer) => clamped(layer.middle)).defined((layer) => isPositive(layer.middle));
  plot.append("path").attr("class", "theory").attr("d", middle(expected));
}

function drawSeries(plot, { of, isSecond, isWidth }, lane, { x, y }) {
  const values = lane.diagnosis.layers.map(of);
  // 0 has no place on a logarithmic scale: it stands at the lower edge.
  const at = (value) => y(Math.max(value, y.domain()[0]));
  const path = line((_, index) => x(index + 1), at).defined((value) => value !== undefined);
  plot.append("path").attr("class", isWidth ? "width" : isSecond ? "second" : "measured").attr("d", path(values));
  if (isWidth) return;
  values.forEach((value, index) => {
    if (value === undefined && !isSecond) drawAbsent(plot, x(index + 1), 7);
    else if (value !== undefined && values.length <= DOTS) drawDot(plot, x(index + 1), at(value), isSecond);
  });
}

function drawDot(plot, x, y, isSecond) {
  plot.append("circle").attr("class", isSecond ? "dot-second" : "dot").attr("cx", x).attr("cy", y).attr("r", isSecond ? 3.5 : 2.6);
}

function drawAbsent(plot, x, y) {
  plot.append("path").attr("class", "absent").attr("d", `M${x - 3},${y - 3}l6,6m0,-6l-6,6`);
}

function drawLegend(legend, { series, theory }, lanes) {
  const entries = series.map(({ name, isSecond, isWidth }) => ({
    name,
    draw: (group) => {
      const kind = isWidth ? "width" : isSecond ? "second" : "measured";
      group.append("path").attr("class", kind).attr("d", "M0,0H18");
      if (!isWidth) drawDot(group, 9, 0, isSecond);
    },
  }));
  if (theory) entries.push({ name: "legendTheory", draw: (group) => group.append("path").attr("class", "theory").attr("d", "M0,0H18") });
  const isAbsent = lanes.some((lane) => lane.diagnosis.layers.some((layer) => series[0].of(layer) === undefined));
  if (isAbsent) entries.push({ name: "legendAbsent", draw: (group) => drawAbsent(group, 9, 0) });
  let x = 0;
  for (const { name, draw } of entries) {
    const group = legend.append("g").attr("transform", `translate(${x},0)`).attr("aria-hidden", "true");
    draw(group);
    group.append("text").attr("class", "soft").attr("x", 23).attr("y", 4).text(t(name));
    // Japanese letters are about twice as wide.
    x += 36 + [...t(name)].reduce((sum, letter) => sum + (letter > "ÿ" ? 11 : 6), 0);
  }
}
