// @ts-check
// The one library of this page is a script that names a global; modules take from here what they use.
import "./d3.min.js";

export const { area, axisBottom, axisLeft, create, extent, format, line, max, min, range, scaleLinear, scaleLog, select } =
  globalThis.d3;
