// @ts-check
// English and Japanese: the browser's choice, until the reader makes another.
import { all } from "./elements.js";
import en from "./en.js";
import ja from "./ja.js";
import sentences from "./messages.json" with { type: "json" };

const TEXTS = { en, ja };
const KEPT = "fanin.language";

export const language = () => document.documentElement.lang;

/** Return a text in the reader's language, with {names} replaced. */
export function t(key, values = {}) {
  return filled(TEXTS[language()][key], values);
}

/** Return a sentence of the service's own, evidence or advice, in the reader's language. */
export function sentence({ key, values }) {
  return filled(sentences[language()][key], values);
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
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
    return name !== null && name in TEXTS ? name : null;
  } catch {
    return null;
  }
}

function translate() {
  for (const element of all("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of all("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  }
  for (const button of all("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
  }
}
