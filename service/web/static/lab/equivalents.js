// @ts-check
// Initializers of other libraries by their own names: the tables of a page of the documents, where alone they are spelt.
import { byId } from "./elements.js";
import { t } from "./i18n.js";

const PAGE = "/docs/initializers";
const KINDS = { both: "equivalentsBoth", matrix: "equivalentsMatrix", kernel: "equivalentsKernel" };

/** @typedef {{library: string, module: string, rows: string[][]}} Table */
let tables = /** @type {Table[] | null} */ (null);

/** Read the tables when they are unfolded first. */
export function begin() {
  byId("equivalents").addEventListener("toggle", async () => {
    if (!byId("equivalents").open || tables !== null) return;
    try {
      const response = await fetch(PAGE);
      if (!response.ok) throw new TypeError(`${response.status}`);
      tables = tablesIn(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    label();
  });
}

/** Write the tables in the reader's language; their code is the same in each. */
export function label() {
  const problem = byId("equivalents-problem");
  problem.hidden = tables !== null || !byId("equivalents").open;
  problem.textContent = t("unreachable");
  byId("equivalents-tables").replaceChildren(...(tables ?? []).map(drawn));
}

const textOf = (/** @type {Element | null | undefined} */ element) => element?.textContent?.trim() ?? "";

/** Return the tables of a page, each with the heading that it stands under. */
function tablesIn(/** @type {Document} */ page) {
  const found = /** @type {Table[]} */ ([]);
  let library = "";
  for (const element of page.querySelectorAll("main h2, main table")) {
    if (element.tagName === "H2") library = textOf(element);
    else {
      const rows = [...element.querySelectorAll("tbody tr")].map((row) => [...row.children].map(textOf));
      found.push({ library, module: textOf(element.querySelector("th")), rows });
    }
  }
  return found;
}

function drawn(/** @type {Table} */ { library, module, rows }) {
  const table = document.createElement("table");
  table.createCaption().textContent = library;
  const head = table.createTHead().insertRow();
  for (const text of [module, t("equivalentsFor"), t("equivalentsHere")]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const [name, kind, here] of rows) {
    const row = body.insertRow();
    row.insertCell().append(code(name));
    row.insertCell().textContent = t(KINDS[kind]);
    row.insertCell().append(code(here));
  }
  // What is wider than the screen scrolls by itself, also for who has only a keyboard.
  const frame = document.createElement("div");
  frame.className = "wide";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", library);
  frame.append(table);
  return frame;
}

function code(/** @type {string} */ text) {
  const element = document.createElement("code");
  element.textContent = text;
  return element;
}
