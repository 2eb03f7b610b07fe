// @ts-check
// Choices of a select, and values that may not be among them.
import { byId } from "./elements.js";

/** Put choices into a select, and keep what was chosen. */
export function options(id, values, name) {
  const select = byId(id);
  const chosen = select.value;
  select.replaceChildren(...values.map((value) => new Option(name(value), value)));
  if (values.includes(chosen)) select.value = chosen;
}

/** Choose a value. A link may name what is not on the list; the service then says what is. */
export function choose(control, value) {
  const isUnknown = control instanceof HTMLSelectElement && ![...control.options].some((option) => option.value === value);
  if (isUnknown) control.add(new Option(value, value));
  control.value = value;
}
