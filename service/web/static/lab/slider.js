// @ts-check
// A slider for the standard deviation of one initialization, from too small to too large.
import { byId } from "./elements.js";
import { t } from "./i18n.js";
import { initOf } from "./state.js";

const STEPS_A_DECADE = 20;
const LEAST = -3; // as a power of ten
const MOST_LANES = 4;

const stdAt = (position) => Number((10 ** (LEAST + position / STEPS_A_DECADE)).toPrecision(2));
const positionOf = (std) => Math.round((Math.log10(std) - LEAST) * STEPS_A_DECADE);

let view = null;

/** Prepare the slider; `moved` gets each view on the way, `settled` the one where it stops. */
export function begin(moved, settled) {
  const slider = byId("std-slider");
  slider.addEventListener("input", () => {
    view = withStd(view, stdAt(Number(slider.value)));
    label();
    moved(view);
  });
  slider.addEventListener("change", () => settled(view));
}

/** Return the place of the initialization that the slider moves: the last fixed one that is not 0. */
const placeIn = ({ inits }) => inits.findLastIndex(({ scheme, std }) => scheme === "fixed" && Number(std) > 0);

function withStd(from, std) {
  const next = structuredClone(from);
  const place = placeIn(next);
  if (place >= 0) next.inits[place].std = String(std);
  else next.inits.push(initOf("fixed", String(std)));
  return next;
}

/** Show a view's standard deviation at the slider. */
export function show(next) {
  view = next;
  const place = placeIn(view);
  // With four lanes and none of them fixed, there is nothing to move.
  byId("std-control").hidden = place < 0 && view.inits.length === MOST_LANES;
  byId("std-slider").value = place < 0 ? positionOf(0.1) : positionOf(Number(view.inits[place].std));
  label();
}

function label() {
  const std = String(stdAt(Number(byId("std-slider").value)));
  byId("std-value").textContent = std;
  byId("std-slider").setAttribute("aria-valuetext", t("stdValue", { std }));
}
