// @ts-check
// What the service refuses, said at the field it is about, in the reader's language.
import { all, byId } from "./elements.js";
import { t } from "./i18n.js";
import { FIELDS, OPTIONS } from "./state.js";

const OF_A_LANE = ["scheme", "std", ...Object.keys(OPTIONS)];
const TOO_LARGE = 413;

/** Take all problems away. */
export function clear() {
  for (const element of all(".problem")) {
    element.hidden = true;
    element.textContent = "";
  }
  for (const element of all("[aria-invalid]")) element.removeAttribute("aria-invalid");
}

/**
 * Put words at the fields that were refused, and those about no field of this form above the pictures.
 * @param index which initialization was refused; null for a file
 */
export function show(problem, index) {
  const elsewhere = problem.errors.filter((error) => !placed(error, index));
  // The service's own words name its settings, which are not the reader's.
  if (problem.status === TOO_LARGE) say(byId("general-problem"), t("tooLarge"));
  else if (problem.errors.length === 0) say(byId("general-problem"), problem.message);
  for (const { field, message } of elsewhere) say(byId("general-problem"), `${field} ${message}`);
}

/** Say something that is about no field. */
export const sayGenerally = (text) => say(byId("general-problem"), text);

function placed(error, index) {
  const name = error.field.split(".")[0];
  const [control, place] = placeOf(name, index);
  if (!place) return false;
  control?.setAttribute("aria-invalid", "true");
  say(byId(place), wordsFor(name, error, index === null));
  return true;
}

/** Return the page's own words for a field; of a file, the service says best what is wrong. */
function wordsFor(name, { field, message, value }, isOwn) {
  if (isOwn && (name === "body" || name === "layers" || name === "inputs")) return `${field} ${message}`;
  const said = value === undefined || value === "" ? "" : t("insteadOf", { value });
  return t(`bad_${name}`) + said;
}

function placeOf(name, index) {
  const isOwn = index === null;
  if (!isOwn && OF_A_LANE.includes(name)) return [byId(`${name}-${index}`), `init-${index}-problem`];
  // Of a file, tensors are the fields: layers.0.weight.
  if (isOwn && ["body", "layers", "inputs"].includes(name)) return [byId("file"), "file-problem"];
  if (name === "layout") return [byId("layout"), "layout-problem"];
  return FIELDS.includes(name) ? [byId(name), `${name}-problem`] : [null, null];
}

function say(element, text) {
  const said = element.textContent ? element.textContent.split("; ") : [];
  if (!said.includes(text)) element.textContent = [...said, text].join("; ");
  element.hidden = false;
}
