// @ts-check
// One layer's figures: a few beside the pointer or the focus, all of them in a dialog.
import { byId } from "./elements.js";
import { FIRST_LAYER } from "./drawing.js";
import { number, share } from "./figures.js";
import { sentence, t } from "./i18n.js";
import { markElement } from "./verdicts.js";

const tip = byId("tip");
const dialog = byId("layer");
const GAP = 8;

byId("layer-close").addEventListener("click", () => dialog.close());

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function verdictLine(code) {
  const line = element("p", markElement(code), t(code));
  line.className = "verdict";
  return line;
}

/** Show some figures of a layer near its place in a picture. */
export function showTip(hit, { lane, layer, index, lines }) {
  const table = element("table", ...lines.map(([name, value]) => element("tr", element("td", name), element("td", value))));
  tip.replaceChildren(
    element("p", t("layerOf", { number: FIRST_LAYER + index, name: lane.name })),
    ...layer.verdicts.map(({ code }) => verdictLine(code)),
    table,
  );
  tip.hidden = false;
  const place = hit.getBoundingClientRect();
  const below = place.bottom + GAP + tip.offsetHeight < innerHeight;
  const left = Math.min(Math.max(GAP, place.left), innerWidth - tip.offsetWidth - GAP);
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? place.bottom + GAP : Math.max(GAP, place.top - tip.offsetHeight - GAP)}px`;
}

export function hideTip() {
  tip.hidden = true;
}

/** Open the dialog with everything that the service says of a layer. */
export function openLayer({ lane, layer, index }) {
  byId("layer-heading").textContent = t("layerOf", { number: FIRST_LAYER + index, name: lane.name });
  const body = byId("layer-body");
  body.replaceChildren(
    element("h3", t("findings")),
    ...layer.verdicts.flatMap(finding),
    element("h3", t("figures")),
    element("table", element("tbody", ...rowsOf(layer).map(row))),
  );
  dialog.showModal();
  body.scrollTop = 0;
}

function finding({ code, evidence_message: evidence, advice_message: advice }) {
  return [verdictLine(code), element("p", sentence(evidence)), element("p", sentence(advice))];
}

function row([name, value]) {
  const heading = element("th", t(`figure_${name}`));
  heading.scope = "row";
  return element("tr", heading, element("td", value));
}

/** @returns {[string, string][]} a name and its figure */
function rowsOf(layer) {
  const { activation, gradient, theory, pre_activation: before, weight } = layer;
  const { std_low: low, std_high: high } = theory;
  // With batch normalization there is none.
  const range = /** @type {[string, string][]} */ (low === undefined ? [] : [["theory_range", `${number(low)} … ${number(high)}`]]);
  return [
    ["activation_function", layer.activation_function],
    ["scheme", layer.scheme],
    ["width", String(layer.width)],
    ["fan_in", String(layer.fan_in)],
    ["weight_std", number(weight.std)],
    ["pre_mean", number(before.mean)],
    ["pre_std", number(before.std)],
    ["mean", number(activation.mean)],
    ["std", number(activation.std)],
    ["theory_std", number(theory.std)],
    ["within_std", number(layer.within_std)],
    ["mean_cosine", number(layer.mean_cosine)],
    ...range,
    ["min", number(activation.min)],
    ["median", number(activation.quantiles?.[3])],
    ["max", number(activation.max)],
    ["zero_share", share(layer.zero_share)],
    ["saturated_share", share(layer.saturated_share)],
    ["dead_share", share(layer.dead_share)],
    ["constant_share", share(layer.constant_share)],
    ["effective_rank", number(layer.effective_rank)],
    ["mean_correlation", number(layer.mean_correlation)],
    ["gradient_std", number(gradient.std)],
    ["gradient_weight_std", number(gradient.weight_std)],
    ["gradient_small_share", share(gradient.small_share)],
    ["gradient_ratio", number(gradient.ratio)],
    ["theory_gradient_ratio", number(theory.gradient_ratio)],
  ];
}
