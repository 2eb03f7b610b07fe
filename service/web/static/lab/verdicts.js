// @ts-check
// Signs of verdicts: a shape each, so that none depends on its colour.
import { create } from "./d3.js";
import { colourOf, SIGNS } from "./drawing.js";

export const CODES = Object.keys(SIGNS);
const SIZE = 10; // of a sign in the table, in pixels

/** Draw a verdict's sign around a point of a drawing. */
export function drawMark(selection, code, x, y, size = SIZE) {
  const { body, detail } = SIGNS[code];
  const mark = selection
    .append("g")
    .attr("class", `mark ${code}`)
    .attr("transform", `translate(${x - size / 2},${y - size / 2}) scale(${size / SIZE})`)
    .style("--sign", colourOf(SIGNS[code]));
  mark.append("path").attr("class", "body").attr("d", body);
  if (detail) mark.append("path").attr("class", "detail").attr("d", detail);
}

/** Return a verdict's sign as an element to stand in a line of text. */
export function markElement(code) {
  const svg = create("svg").attr("width", 14).attr("height", 14).attr("viewBox", "-7 -7 14 14").attr("aria-hidden", "true");
  drawMark(svg, code, 0, 0);
  return svg.node();
}
