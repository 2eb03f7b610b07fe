// @ts-check
// What this page and /diagnose.svg draw alike: signs, colours, numbers and rules come from one table of the service.
import drawing from "./drawing.json" with { type: "json" };

export const { first_layer: FIRST_LAYER, histograms: HISTOGRAMS, bounded: BOUNDED, lines: LINES, signs: SIGNS } = drawing;

/** Return a colour of the table as a style sheet has it: it follows the reader's choice of a light or a dark page. */
export const colourOf = ({ light, dark }) => `light-dark(${light}, ${dark})`;

const { style } = document.documentElement;
for (const [name, line] of Object.entries(LINES)) {
  style.setProperty(`--${name}`, colourOf(line));
  style.setProperty(`--${name}-dash`, line.dash);
}
