// All pictures of a view: drawn anew when the view, the language or the room for them changes.
import { DEPTH_FIGURES, depthFigure } from "./depth.js";
import { savePng, saveSvg } from "./export.js";
import { histograms } from "./histograms.js";
import { t } from "./i18n.js";
import { CODES, markElement } from "./verdicts.js";

/** Draw all pictures of the lanes: {index, name, title, diagnosis}, from top to bottom. */
export function draw(lanes) {
  const host = document.getElementById("figure-histograms");
  const drawn = histograms(lanes, host.clientWidth);
  const caption = [t("histogramsCaption", { cut: drawn.cut }), drawn.isBounded ? t("histogramsSaturated") : ""].join(" ");
  place(host, "histograms", caption, drawn.svg);
  for (const figure of DEPTH_FIGURES) {
    const host = document.getElementById(`figure-${figure.id}`);
    place(host, figure.title, t(figure.caption), depthFigure(figure, lanes, host.clientWidth));
  }
  drawLegend();
}

function place(host, key, caption, svg) {
  const scrolled = host.querySelector(".scroll")?.scrollLeft ?? 0;
  const heading = document.createElement("h2");
  heading.textContent = t(key);
  const buttons = document.createElement("div");
  buttons.className = "save";
  const name = `fanin-${host.id.replace("figure-", "")}`;
  buttons.append(
    button(t("saveSvg"), t("saveSvgOf", { title: t(key) }), () => saveSvg(svg, t(key), name)),
    button(t("savePng"), t("savePngOf", { title: t(key) }), () => savePng(svg, t(key), name)),
  );
  const words = document.createElement("p");
  words.className = "caption";
  words.textContent = caption;
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.append(svg);
  host.replaceChildren(heading, words, scroll, buttons);
  scroll.scrollLeft = scrolled;
}

function button(text, label, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", pressed);
  return made;
}

function drawLegend() {
  const entries = CODES.toReversed().map((code) => {
    const entry = document.createElement("div");
    const term = document.createElement("dt");
    const name = document.createElement("span");
    name.textContent = t(code);
    term.append(markElement(code), name);
    const meaning = document.createElement("dd");
    meaning.textContent = t(`${code}_long`);
    entry.append(term, meaning);
    return entry;
  });
  document.getElementById("legend").replaceChildren(...entries);
}
