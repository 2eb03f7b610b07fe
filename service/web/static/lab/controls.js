// @ts-check
// The form: it shows a view and reads the reader's changes.
import { ACTIVATIONS, anotherSeed, CUT_STDS, CUTS, DATA, DISTRIBUTIONS, INPUTS, MATRICES, OPTIMIZERS, PRESETS } from "./choices.js";
import { byId } from "./elements.js";
import { choose, options } from "./fields.js";
import { t } from "./i18n.js";
import * as lanes from "./lanes.js";
import { canonicalSizes } from "./sizes.js";
import { FIELDS, initOf } from "./state.js";

/** Prepare the form; `changed` is told of every new view. */
export function begin(changed) {
  lanes.begin();
  label();
  const form = byId("controls");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.closest("#own")) return;
    lanes.fillStd(event.target);
    const view = read();
    show(view);
    changed(view);
  });
  form.addEventListener("click", (event) => {
    const { preset, remove, more } = event.target.dataset;
    const view = read();
    if (more) lanes.unfold(Number(more));
    if (preset) view.layers = PRESETS[preset];
    else if (remove) view.inits.splice(Number(remove), 1);
    else if (event.target.id === "another-seed") view.seed = anotherSeed();
    else if (event.target.id === "add-init") view.inits.push(initOf("auto"));
    else return;
    show(view);
    changed(view);
    // What was pressed may be gone.
    if (remove) byId(`scheme-${Math.min(Number(remove), view.inits.length - 1)}`).focus();
  });
  byId("settings").addEventListener("click", () => {
    const isOpen = form.classList.toggle("unfolded");
    byId("settings").setAttribute("aria-expanded", String(isOpen));
  });
}

/** Write the choices and names of the form in the reader's language. */
export function label() {
  options("activation", ACTIVATIONS, (name) => name);
  options("output_activation", ["", ...ACTIVATIONS], (name) => name || t("sameActivation"));
  options("distribution", DISTRIBUTIONS, (name) => t(`distribution_${name}`));
  options("cut", CUTS, (name) => t("cutAt", { cut: name }));
  options("cut_std", CUT_STDS, (name) => t(`cut_std_${name}`));
  options("input", INPUTS, (name) => t(`input_${name}`));
  options("data", ["", ...Object.keys(DATA)], (name) => t(name ? `data_${name}` : "data_none"));
  options("optimizer", OPTIMIZERS, (name) => t(`optimizer_${name}`));
  lanes.label();
}

/** Show a view in the form. */
export function show(view) {
  for (const name of FIELDS) choose(byId(name), view[name]);
  lanes.show(view.inits);
  byId("distribution").closest(".field").hidden = view.inits.every(({ scheme }) => MATRICES.includes(scheme));
  for (const name of ["cut", "cut_std"]) byId(name).closest(".field").hidden = view.distribution !== "truncated_normal";
  for (const name of ["optimizer", "learning_rate", "steps"]) byId(name).closest(".field").hidden = view.data === "";
}

/** Return the view that the form shows. */
export function read() {
  const fields = FIELDS.map((name) => [name, byId(name).value.trim()]);
  const view = { ...Object.fromEntries(fields), inits: lanes.read() };
  view.layers = canonicalSizes(view.layers);
  return view;
}
