// @ts-check
// What a view and its initializations are called.
import { FORMULAS, SCHEMES } from "./choices.js";
import { t } from "./i18n.js";
import { optionsOf } from "./state.js";

const said = {
  gain: (value) => `×${value}`,
  fan: (value) => t(`fan_${value}`),
  normalization: () => t("withNormalization"),
};

/** Return the short name of an initialization. */
export function nameOf(init) {
  // A link may name a scheme that the service will refuse.
  const scheme = init.scheme === "fixed" ? `std ${init.std}` : SCHEMES.includes(init.scheme) ? t(`scheme_${init.scheme}`) : init.scheme;
  return [scheme, ...optionsOf(init).map(([name, value]) => said[name](value))].join(t("comma"));
}

/** Return the name with the formula of its standard deviation, where that is what the scheme says. */
export function titleOf(init) {
  const isPlain = init.gain === "1" && init.fan === "in";
  const formula = FORMULAS[init.scheme];
  return formula && isPlain ? `${nameOf(init)}: std ${formula}` : nameOf(init);
}

/** Return what network a picture shows, for people who see the picture alone. */
export function aboutOf(view, lanes) {
  const sizes = shortSizes(view.layers);
  const names = lanes.map((lane) => lane.name).join(t("separator"));
  return t("about", { sizes, activation: view.activation, names, seed: view.seed });
}

/** Return sizes with repetitions counted: 64-100×5-10. */
export function shortSizes(layers) {
  const runs = [];
  for (const size of layers.split(",")) {
    const last = runs.at(-1);
    if (last && last.size === size) last.count += 1;
    else runs.push({ size, count: 1 });
  }
  return runs.map(({ size, count }) => (count > 2 ? `${size}×${count}` : Array(count).fill(size).join("-"))).join("-");
}
