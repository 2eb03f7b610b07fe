// The form: it shows a view, reads the reader's changes, and puts the service's problems at their fields.
import {
  ACTIVATIONS, anotherSeed, DISTRIBUTIONS, INPUTS, MOST_INITS, NORMALIZATIONS, PRESETS, SCHEMES,
} from "./choices.js";
import { t } from "./i18n.js";
import { FIELDS } from "./state.js";

const FIRST_STD = "0.1";
const byId = (id) => document.getElementById(id);

/** Prepare the form; `changed` is told of every new view. */
export function begin(changed) {
  byId("inits").replaceChildren(...Array.from({ length: MOST_INITS }, (_, index) => initRow(index)));
  label();
  const form = byId("controls");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.closest("#own")) return;
    revealStds();
    fillStd(event.target);
    changed(read());
  });
  form.addEventListener("click", (event) => {
    const { preset, remove } = event.target.dataset;
    const view = read();
    if (preset) view.layers = PRESETS[preset];
    else if (remove) view.inits.splice(Number(remove), 1);
    else if (event.target.id === "another-seed") view.seed = anotherSeed();
    else if (event.target.id === "add-init") view.inits.push({ scheme: "auto", std: "" });
    else return;
    show(view);
    changed(view);
    // What was pressed may be gone.
    if (remove) byId(`scheme-${Math.min(Number(remove), view.inits.length - 1)}`).focus();
  });
}

function initRow(index) {
  const row = document.createElement("li");
  row.className = "init";
  row.innerHTML = `
    <span class="number" aria-hidden="true">${index + 1}</span>
    <select id="scheme-${index}" aria-describedby="init-${index}-problem"></select>
    <span class="std"><span aria-hidden="true">std</span>
      <input id="std-${index}" inputmode="decimal" aria-describedby="init-${index}-problem"></span>
    <button type="button" class="remove" data-remove="${index}"></button>
    <p class="problem" id="init-${index}-problem" hidden></p>`;
  return row;
}

/** Write the choices and names of the form in the reader's language. */
export function label() {
  options("activation", ACTIVATIONS, (name) => name);
  options("output_activation", ["", ...ACTIVATIONS], (name) => name || t("sameActivation"));
  options("distribution", DISTRIBUTIONS, (name) => t(`distribution_${name}`));
  options("input", INPUTS, (name) => t(`input_${name}`));
  options("normalization", NORMALIZATIONS, (name) => t(`normalization_${name}`));
  for (let index = 0; index < MOST_INITS; index += 1) {
    const number = index + 1;
    options(`scheme-${index}`, SCHEMES, (name) => t(`scheme_${name}`));
    byId(`scheme-${index}`).setAttribute("aria-label", t("initScheme", { number }));
    byId(`std-${index}`).setAttribute("aria-label", t("initStd", { number }));
    const remove = document.querySelector(`[data-remove="${index}"]`);
    remove.textContent = t("removeInit");
    remove.setAttribute("aria-label", t("removeInitNumber", { number }));
  }
}

function options(id, values, name) {
  const select = byId(id);
  const chosen = select.value;
  select.replaceChildren(...values.map((value) => new Option(name(value), value)));
  if (values.includes(chosen)) select.value = chosen;
}

// A link may name what is not on the list; the service then says what is.
function choose(control, value) {
  const isUnknown = control instanceof HTMLSelectElement && ![...control.options].some((option) => option.value === value);
  if (isUnknown) control.add(new Option(value, value));
  control.value = value;
}

/** Show a view in the form. */
export function show(view) {
  for (const name of FIELDS) choose(byId(name), view[name]);
  for (let index = 0; index < MOST_INITS; index += 1) {
    const init = view.inits[index];
    byId("inits").children[index].hidden = init === undefined;
    if (init === undefined) continue;
    choose(byId(`scheme-${index}`), init.scheme);
    byId(`std-${index}`).value = init.std;
    document.querySelector(`[data-remove="${index}"]`).disabled = view.inits.length === 1;
  }
  byId("add-init").disabled = view.inits.length === MOST_INITS;
  revealStds();
}

function revealStds() {
  for (let index = 0; index < MOST_INITS; index += 1) {
    document.querySelector(`#inits > :nth-child(${index + 1}) .std`).hidden = byId(`scheme-${index}`).value !== "fixed";
  }
}

// Who has just chosen fixed needs a number to start from; one that was taken out again is the service's to ask for.
function fillStd(control) {
  const std = byId(control.id.replace("scheme-", "std-"));
  if (control.id.startsWith("scheme-") && control.value === "fixed" && std.value === "") std.value = FIRST_STD;
}

/** Return the view that the form shows. */
export function read() {
  const fields = FIELDS.map((name) => [name, byId(name).value.trim()]);
  const rows = [...byId("inits").children].filter((row) => !row.hidden);
  const inits = rows.map((_, index) => ({ scheme: byId(`scheme-${index}`).value, std: byId(`std-${index}`).value.trim() }));
  return { ...Object.fromEntries(fields), inits };
}

/** Take all problems away. */
export function clearProblems() {
  for (const element of document.querySelectorAll(".problem")) {
    element.hidden = true;
    element.textContent = "";
  }
  for (const element of document.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
}

/**
 * Put the service's words at the fields they are about, and those about no field of this form above the pictures.
 * @param index which initialization was refused; null for a file
 */
export function showProblem(problem, index) {
  const elsewhere = problem.errors.filter((error) => !placed(error, index));
  if (problem.errors.length === 0) say(byId("general-problem"), problem.message);
  for (const { field, message } of elsewhere) say(byId("general-problem"), `${field} ${message}`);
}

function placed({ field, message, value }, index) {
  const name = field.split(".")[0];
  const text = `${field} ${message}${value === undefined ? "" : `, not ${value}`}`;
  const [control, place] = placeOf(name, index);
  if (!place) return false;
  control?.setAttribute("aria-invalid", "true");
  say(byId(place), text);
  return true;
}

function placeOf(name, index) {
  const isOwn = index === null;
  if (!isOwn && (name === "scheme" || name === "std")) return [byId(`${name}-${index}`), `init-${index}-problem`];
  // Of a file, tensors are the fields: layers.0.weight.
  if (isOwn && ["body", "layers", "inputs"].includes(name)) return [byId("file"), "file-problem"];
  if (name === "layout") return [byId("layout"), "layout-problem"];
  return FIELDS.includes(name) ? [byId(name), `${name}-problem`] : [null, null];
}

function say(element, text) {
  element.textContent = [element.textContent, text].filter(Boolean).join("; ");
  element.hidden = false;
}
