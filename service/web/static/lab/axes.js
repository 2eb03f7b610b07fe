// @ts-check
// Axes of a chart: titled, in letters that can be read from the back of a room.
import { axisBottom, axisLeft, extent, scaleLog } from "./d3.js";
import { power } from "./figures.js";
import { t } from "./i18n.js";

export const MARGIN = { left: 70, right: 14, top: 8, bottom: 46 };
export const NAMES = 190; // pixels for the names of lanes, where there is room beside the lines
export const ZERO_STRIP = 26; // below a logarithmic axis, which has no place for 0
const TICKS = 6;
const ROOM_FOR_WORDS = 400; // pixels of a plot

/** Return the room of a plot in a drawing. */
export function place(width, height, { top, isWide, hasZero }) {
  const right = isWide ? NAMES : MARGIN.right;
  const strip = hasZero ? ZERO_STRIP : 0;
  return {
    left: MARGIN.left,
    top: MARGIN.top + top,
    width: width - MARGIN.left - right,
    height: height - MARGIN.top - top - MARGIN.bottom - strip,
    hasZero,
  };
}

/** Return a scale in powers of ten that holds all positive values. */
export function logarithmic(values, room) {
  const [least, most] = extent(values.filter((value) => value > 0 && Number.isFinite(value)));
  const low = Math.floor(Math.log10((least ?? 0.1) * 0.8));
  const high = Math.max(low + 1, Math.ceil(Math.log10((most ?? 1) * 1.25)));
  return scaleLog([10 ** low, 10 ** high], [room.height, 0]);
}

function powersOf(y) {
  const [low, high] = y.domain().map((value) => Math.round(Math.log10(value)));
  const every = Math.ceil((high - low) / TICKS);
  const first = Math.ceil(low / every) * every;
  return Array.from({ length: Math.floor((high - first) / every) + 1 }, (_, index) => 10 ** (first + index * every));
}

/** Return whole numbers to stand at an axis, the first of them among it. */
function wholeTicks(x, first, room) {
  const [, end] = x.domain();
  const ticks = x.ticks(Math.min(Math.floor(end - first) + 1, Math.max(3, Math.floor(room.width / 60))));
  const whole = ticks.filter((tick) => Number.isInteger(tick) && tick >= first && tick <= end);
  const [, second = Infinity] = whole;
  if (whole.includes(first)) return whole;
  // Beside the first, another needs room.
  return [first, ...whole.filter((tick) => x(tick) - x(first) > 24 || tick === second)];
}

/** Draw both axes with their titles, grid lines and, where there is one, the place of 0. */
export function drawAxes(plot, { x, y, room, isLogarithmic, format, titles, first }) {
  const strip = room.hasZero ? ZERO_STRIP : 0;
  plot.append("rect").attr("class", "frame").attr("width", room.width).attr("height", room.height + strip);
  plot
    .append("g")
    .attr("class", "axis across")
    .attr("transform", `translate(0,${room.height + strip})`)
    .call(axisBottom(x).offset(0).tickValues(wholeTicks(x, first, room)).tickFormat(String).tickSize(5).tickSizeOuter(0).tickPadding(3));
  const up = axisLeft(y).offset(0);
  const ticks = isLogarithmic ? up.tickValues(powersOf(y)).tickFormat(power) : up.ticks(4).tickFormat(format);
  const axis = plot.append("g").attr("class", "axis up").call(ticks.tickSize(5).tickSizeOuter(0).tickPadding(4));
  axis.selectAll(".tick").append("line").attr("x2", room.width);
  if (room.hasZero) drawZero(plot, room);
  const [across, along] = titles;
  plot.append("text").attr("class", "axis-title").attr("x", room.width / 2).attr("y", room.height + strip + 38).attr("text-anchor", "middle").text(across);
  plot
    .append("text")
    .attr("class", "axis-title")
    .attr("transform", `translate(${-MARGIN.left + 15},${(room.height + strip) / 2}) rotate(-90)`)
    .attr("text-anchor", "middle")
    .text(along);
}

function drawZero(plot, room) {
  plot.append("rect").attr("class", "zero").attr("y", room.height).attr("width", room.width).attr("height", ZERO_STRIP);
  plot.append("line").attr("class", "zero-edge").attr("x2", room.width).attr("y1", room.height).attr("y2", room.height);
  plot
    .append("text")
    .attr("class", "zero-label")
    .attr("x", -9)
    .attr("y", room.height + ZERO_STRIP / 2 + 4)
    .attr("text-anchor", "end")
    .text("0");
  // In a narrow plot, lines would run through it.
  if (room.width >= ROOM_FOR_WORDS) plot.append("text").attr("class", "soft").attr("x", room.width - 8).attr("y", room.height + ZERO_STRIP / 2 + 4).attr("text-anchor", "end").text(t("zero"));
  // The axis is broken between its lowest power of ten and 0.
  plot.append("path").attr("class", "zero-break").attr("d", `M-5,${room.height + 4}l10,-5m-10,9l10,-5`);
}
