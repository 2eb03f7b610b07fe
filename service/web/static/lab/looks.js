// @ts-check
// How lanes are told apart: each has a colour, a dash and a marker, so that none depends on its colour.
import { create } from "./d3.js";
import { colourOf } from "./drawing.js";

// Colours of Okabe and Ito (2008), darker or lighter where text or lines need the contrast. Markers are 10 by 10.
const LOOKS = [
  { light: "#0072b2", dark: "#6fb7ea", dash: "none", marker: "M5 .4a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 1 0 0 -9.2Z" },
  { light: "#c14a00", dark: "#ff9a5a", dash: "9 4", marker: "M.8 .8H9.2V9.2H.8Z" },
  { light: "#007a5a", dark: "#4cd0a8", dash: "3 3", marker: "M5 .2L9.8 9.2H.2Z" },
  { light: "#96247a", dark: "#f08fc4", dash: "11 3 3 3", marker: "M5 -.4L10.4 5L5 10.4L-.4 5Z" },
];
const SIZE = 10;

const { style } = document.documentElement;
LOOKS.forEach((look, index) => {
  style.setProperty(`--lane-${index}`, colourOf(look));
  style.setProperty(`--lane-${index}-dash`, look.dash);
});

/** Draw a lane's marker around a point. */
export function drawMarker(selection, index, x, y, size = 9) {
  return selection
    .append("path")
    .attr("class", `marker lane-${index}`)
    .attr("transform", `translate(${x - size / 2},${y - size / 2}) scale(${size / SIZE})`)
    .attr("d", LOOKS[index].marker);
}

/** Draw a piece of a lane's line with its marker, as in a key. */
export function drawKey(selection, index, x, y) {
  selection.append("path").attr("class", `curve lane-${index}`).attr("d", `M${x},${y}h26`);
  drawMarker(selection, index, x + 13, y);
}

/** Return a lane's marker as an element to stand in a line of text. */
export function markerElement(index) {
  const svg = create("svg").attr("width", 16).attr("height", 16).attr("viewBox", "-8 -8 16 16").attr("aria-hidden", "true");
  drawMarker(svg, index, 0, 0, 11);
  return svg.node();
}
