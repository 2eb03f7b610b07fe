// English and Japanese: the browser's choice, until the reader makes another.
import en from "./en.js";
import ja from "./ja.js";

const TEXTS = { en, ja };
const KEPT = "fanin.language";

export const language = () => document.documentElement.lang;

/** Return a text in the reader's language, with {names} replaced. */
export function t(key, values = {}) {
  return TEXTS[language()][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Choose a language for this visit and the next ones. */
export function choose(name) {
  document.documentElement.lang = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  translate();
}

/** Put the page into the language that was kept, or that the browser prefers. */
export function begin() {
  document.documentElement.lang = kept() ?? (navigator.language.startsWith("ja") ? "ja" : "en");
  translate();
}

function kept() {
  try {
    const name = localStorage.getItem(KEPT);
    return name in TEXTS ? name : null;
  } catch {
    return null;
  }
}

function translate() {
  for (const element of document.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of document.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
  }
}
