// @ts-check
// The guide: nine cases in the article's order, each one key away from the next.
import { CASES, INTRODUCTION, neighbour } from "./cases.js";
import { byId } from "./elements.js";
import { t } from "./i18n.js";

let current = /** @type {string | null} */ (INTRODUCTION);
let open = /** @type {Function} */ (() => {});

/** Prepare the list of cases and the keys; `opened` is told of the case that is chosen. */
export function begin(opened) {
  open = opened;
  byId("cases").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    opened(link.dataset.case);
  });
  byId("case-next").addEventListener("click", () => step(1));
  byId("case-previous").addEventListener("click", () => step(-1));
  document.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = /** @type {Element} */ (event.target);
    const isTaken = at.closest("input, select, textarea, .hit, dialog, pre, .drawing, .wide") || event.altKey || event.ctrlKey || event.metaKey;
    if (by === undefined || isTaken) return;
    event.preventDefault();
    step(by);
  });
}

function step(by) {
  const next = neighbour(current, by);
  if (next) open(next.id);
}

/** Show which case a view is: its title, its sentences, and the way on. */
export function show(id) {
  current = id;
  const list = CASES.map((one, index) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `/?case=${one.id}`;
    link.dataset.case = one.id;
    const name = document.createElement("span");
    name.textContent = t(`case_${one.id}`);
    link.append(`${index + 1}`, name);
    link.setAttribute("aria-label", `${index + 1}: ${t(`case_${one.id}`)}`);
    if (one.id === id) link.setAttribute("aria-current", "step");
    item.append(link);
    return item;
  });
  byId("cases").replaceChildren(...list);
  byId("case-title").textContent = id === null ? t("ownView") : t(`case_${id}_title`);
  byId("case-text").textContent = id === null ? t("ownViewText") : t(`case_${id}_text`);
  byId("case-previous").disabled = !neighbour(id, -1);
  byId("case-next").disabled = !neighbour(id, 1);
}
