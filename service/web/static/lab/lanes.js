// @ts-check
// The rows of the form that say which initializations are compared. What has no effect is not shown.
import { FANS, MOST_INITS, NORMALIZATIONS, SCHEMES, WITH_FAN } from "./choices.js";
import { byId, first } from "./elements.js";
import { choose, options } from "./fields.js";
import { t } from "./i18n.js";
import { markerElement } from "./looks.js";
import { initOf, OPTIONS } from "./state.js";

const FIRST_STD = "0.1";

/** Put the rows into the form. */
export function begin() {
  byId("inits").replaceChildren(...Array.from({ length: MOST_INITS }, (_, index) => row(index)));
}

function row(index) {
  const made = document.createElement("li");
  made.className = "init";
  made.innerHTML = `
    <span class="number" aria-hidden="true"></span>
    <select id="scheme-${index}" aria-describedby="init-${index}-problem"></select>
    <span class="std"><input id="std-${index}" inputmode="decimal" aria-describedby="init-${index}-problem"></span>
    <button type="button" class="remove" data-remove="${index}">×</button>
    <div class="options">
      <label class="option"><span data-text="normalization"></span><select id="normalization-${index}"></select></label>
      <label class="option"><span data-text="gain"></span><input id="gain-${index}" inputmode="decimal" aria-describedby="init-${index}-problem"></label>
      <label class="option" id="fan-${index}-option"><span data-text="fan"></span><select id="fan-${index}"></select></label>
    </div>
    <button type="button" class="quiet more" data-more="${index}" aria-expanded="false"></button>
    <p class="problem" id="init-${index}-problem" hidden></p>`;
  made.firstElementChild?.append(markerElement(index));
  return made;
}

/** Write the choices and names of the rows in the reader's language. */
export function label() {
  for (let index = 0; index < MOST_INITS; index += 1) {
    const number = index + 1;
    options(`scheme-${index}`, SCHEMES, (name) => t(`scheme_${name}`));
    options(`fan-${index}`, FANS, (name) => t(`fan_${name}`));
    options(`normalization-${index}`, NORMALIZATIONS, (name) => t(`normalization_${name}`));
    byId(`scheme-${index}`).setAttribute("aria-label", t("initScheme", { number }));
    byId(`std-${index}`).setAttribute("aria-label", t("initStd", { number }));
    for (const element of rowOf(index).querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
    first(`[data-remove="${index}"]`).setAttribute("aria-label", t("removeInitNumber", { number }));
    const more = first(`[data-more="${index}"]`);
    more.textContent = t("options");
    more.setAttribute("aria-label", t("optionsNumber", { number }));
  }
}

const rowOf = (index) => byId("inits").children[index];

/** Show initializations in the rows. */
export function show(inits) {
  for (let index = 0; index < MOST_INITS; index += 1) {
    const init = inits[index];
    rowOf(index).hidden = init === undefined;
    if (init === undefined) continue;
    choose(byId(`scheme-${index}`), init.scheme);
    byId(`std-${index}`).value = init.std;
    for (const name of Object.keys(OPTIONS)) choose(byId(`${name}-${index}`), init[name]);
    first(`[data-remove="${index}"]`).disabled = inits.length === 1;
    if (Object.keys(OPTIONS).some((name) => init[name] !== OPTIONS[name])) unfold(index, true);
  }
  byId("add-init").disabled = inits.length === MOST_INITS;
  reveal();
}

/** Show or hide the options of a row. */
export function unfold(index, isOpen = !rowOf(index).classList.contains("unfolded")) {
  rowOf(index).classList.toggle("unfolded", isOpen);
  first(`[data-more="${index}"]`).setAttribute("aria-expanded", String(isOpen));
}

/** Show what has an effect under the schemes that are chosen. */
export function reveal() {
  for (let index = 0; index < MOST_INITS; index += 1) {
    const { value } = byId(`scheme-${index}`);
    first(`#inits > :nth-child(${index + 1}) .std`).hidden = value !== "fixed";
    byId(`fan-${index}-option`).hidden = !WITH_FAN.includes(value);
  }
}

/** Give who has just chosen fixed a number to start from; one that was taken out again is the service's to ask for. */
export function fillStd(control) {
  const std = byId(control.id.replace("scheme-", "std-"));
  if (control.id.startsWith("scheme-") && control.value === "fixed" && std.value === "") std.value = FIRST_STD;
}

/** Return the initializations that the rows say. */
export function read() {
  const shown = [...byId("inits").children].filter((one) => !one.hidden);
  return shown.map((_, index) => {
    const said = Object.keys(OPTIONS).map((name) => [name, byId(`${name}-${index}`).value.trim() || OPTIONS[name]]);
    return initOf(byId(`scheme-${index}`).value, byId(`std-${index}`).value.trim(), Object.fromEntries(said));
  });
}
