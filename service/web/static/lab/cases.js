// @ts-check
// The story: what the article tells, one view after the other. Their words are in en.js and ja.js.
import { PRESETS } from "./choices.js";

/** Each case: its name, the figure that leads, and its view as an address says it. */
export const CASES = [
  { id: "zeros", lead: "gradients", search: `layers=${PRESETS.textbook}&activation=tanh&seed=1&schemes=fixed:0,xavier` },
  { id: "large", lead: "histograms", search: `layers=${PRESETS.textbook}&activation=tanh&seed=1&schemes=fixed:1,xavier` },
  { id: "small", lead: "gradients", search: `layers=${PRESETS.textbook}&activation=sigmoid&seed=1&schemes=fixed:0.01,xavier` },
  { id: "xavier", lead: "activations", search: `layers=${PRESETS.textbook}&activation=tanh&seed=1&schemes=fixed:1,fixed:0.01,xavier` },
  { id: "he", lead: "gradients", search: `layers=${PRESETS.textbook}&activation=relu&seed=1&schemes=fixed:0.01,xavier,he` },
  { id: "deep", lead: "gradients", search: `layers=${PRESETS.deep}&activation=relu&seed=1&schemes=fixed:0.2,xavier,he` },
  {
    id: "batch",
    lead: "activations",
    search: `layers=${PRESETS.textbook}&activation=relu&seed=1&schemes=fixed:1,fixed:0.01,fixed:1;normalization:batch,fixed:0.01;normalization:batch`,
  },
  {
    id: "learning",
    lead: "learning",
    search: `layers=${PRESETS.digits}&activation=relu&output_activation=identity&seed=1&data=digits&schemes=fixed:1,fixed:0.01,xavier,he`,
  },
  { id: "orthogonal", lead: "rank", search: `layers=${PRESETS.deep}&activation=identity&seed=1&schemes=xavier,orthogonal` },
];

export const INTRODUCTION = "introduction";

/** Return the case of a name, or nothing. */
export const caseOf = (id) => CASES.find((one) => one.id === id);

/** Return the case that is so many steps from another; the introduction stands before the first. */
export function neighbour(id, by) {
  const place = CASES.findIndex((one) => one.id === id) + by;
  return place < 0 || place >= CASES.length ? undefined : CASES[place];
}
