// @ts-check
// Names of lanes: beside the ends of their lines, or above the plot where a screen is narrow.
import { NAMES } from "./axes.js";
import { t } from "./i18n.js";
import { drawKey, drawMarker } from "./looks.js";
import { drawMark } from "./verdicts.js";

const LINE = 34; // pixels between two names, each of which has two lines
const LEAST_WIDTH = 520;

/** Return whether names fit beside the lines. */
export const hasRoomForNames = (width) => width >= LEAST_WIDTH;

/** Return about how many pixels a text takes; Japanese letters are about twice as wide. */
export const widthOf = (text, size = 13) => [...text].reduce((sum, letter) => sum + (letter > "ÿ" ? size : 0.56 * size), 0);

/** Draw the names of all lanes above a plot, and return how high they are. */
export function drawKeys(group, lanes, width) {
  let [x, y] = [0, 6];
  for (const lane of lanes) {
    const needed = 34 + widthOf(lane.name) + 14;
    if (x > 0 && x + needed > width) [x, y] = [0, y + 20];
    drawKey(group, lane.index, x, y);
    group.append("text").attr("class", "lane").attr("x", x + 33).attr("y", y + 4.5).text(lane.name);
    x += needed;
  }
  return y + 18;
}

/** Draw each lane's name and the worst that was found where its line ends. */
export function drawNames(plot, lanes, heights, room) {
  const ends = lanes.map((lane, index) => ({ ...lane, y: heights[index], words: t(lane.diagnosis.verdict.code), code: lane.diagnosis.verdict.code }));
  drawEnds(plot, ends, room);
}

/**
 * Draw names and words where lines end; they keep apart from each other.
 * @param {{index: number, name: string, y: number, words: string, code?: string}[]} ends
 */
export function drawEnds(plot, ends, room) {
  const most = room.height + (room.hasZero ? 20 : 0);
  const order = ends.map((end) => ({ ...end })).sort((one, other) => one.y - other.y);
  let free = 4;
  for (const end of order) {
    end.y = Math.max(free, end.y);
    free = end.y + LINE;
  }
  let limit = most - 14;
  for (const end of order.toReversed()) {
    end.y = Math.min(end.y, limit);
    limit = end.y - LINE;
  }
  const group = plot.append("g").attr("transform", `translate(${room.width + 10},0)`);
  for (const { index, name, y, words, code } of order) {
    drawMarker(group, index, 5, y);
    group.append("text").attr("class", "lane").attr("x", 16).attr("y", y + 4.5).text(fitted(name));
    if (code) drawMark(group, code, 22, y + 15);
    group.append("text").attr("class", "soft verdict-name").attr("x", code ? 32 : 16).attr("y", y + 19).text(words);
  }
}

function fitted(text) {
  let short = text;
  while (widthOf(short) > NAMES - 30) short = `${short.replace(/…$/, "").slice(0, -1)}…`;
  return short;
}
