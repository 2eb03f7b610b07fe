// Marks of verdicts: a shape each, so that none depends on its colour.
import {
  create, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolStar, symbolTimes, symbolTriangle,
} from "./d3.js";

// From the worst to the least, as the service orders them. Gradients are filled, activations hollow.
const MARKS = {
  non_finite: { type: symbolStar },
  exploding_gradients: { type: symbolTriangle },
  vanishing_gradients: { type: symbolTriangle, turned: true },
  exploding_activations: { type: symbolTriangle, hollow: true },
  vanishing_activations: { type: symbolTriangle, turned: true, hollow: true },
  dead: { type: symbolTimes, hollow: true },
  saturated: { type: symbolSquare },
  same_outputs: { type: symbolDiamond },
  healthy: { type: symbolCircle },
};
export const CODES = Object.keys(MARKS);

/** Draw a verdict's mark around a point of a drawing. */
export function drawMark(selection, code, x, y, size = 44) {
  const { type, turned, hollow } = MARKS[code];
  return selection
    .append("path")
    .attr("class", `mark ${code}${hollow ? " hollow" : ""}`)
    .attr("transform", `translate(${x},${y})${turned ? " rotate(180)" : ""}`)
    .attr("d", symbol(type, size)());
}

/** Return a verdict's mark as an element to stand in a line of text. */
export function markElement(code) {
  const svg = create("svg").attr("width", 14).attr("height", 14).attr("viewBox", "-7 -7 14 14").attr("aria-hidden", "true");
  drawMark(svg, code, 0, 0);
  return svg.node();
}
