// @ts-check
// All pictures of a view: drawn anew when the view, the language or the room for them changes.
import { all, byId } from "./elements.js";
import { CHARTS, chart, hasFigures } from "./charts.js";
import { savePng, saveSvg } from "./export.js";
import { histograms, KINDS } from "./histograms.js";
import { t } from "./i18n.js";
import { CODES, markElement } from "./verdicts.js";

const HEIGHT = { lead: 350, leadOnPhone: 300, other: 290 };
const PHONE = 520;

let kind = "activations";

/** Prepare the choice of what histograms are of; `changed` draws again. */
export function begin(changed) {
  for (const input of all("[name=histogram-kind]")) {
    input.addEventListener("change", () => {
      kind = input.value;
      changed();
    });
  }
}

/** Let one figure lead: it is the large one, above the others. */
export function lead(id) {
  const chosen = byId(`figure-${id}`);
  if (chosen.parentElement.id === "stage") return;
  const figures = byId("figures");
  for (const figure of [...byId("stage").children]) figures.append(figure);
  byId("stage").append(chosen);
  // The others keep their order.
  for (const name of ORDER) if (name !== id) figures.append(byId(`figure-${name}`));
}

const ORDER = ["gradients", "activations", "rank", "histograms", "saturated", "dead", "learning"];

/** Draw all pictures of the lanes: {index, name, title, diagnosis}. `about` says what network they show. */
export function draw(lanes, about) {
  // Without room, as while a page is put away, there is nothing to draw in.
  if (byId("pictures").clientWidth === 0) return;
  drawHistograms(lanes, about);
  for (const figure of CHARTS) {
    const frame = byId(`figure-${figure.id}`);
    frame.hidden = !hasFigures(figure, lanes) && !isLead(frame);
    if (frame.hidden) continue;
    place(frame, { title: t(figure.title), caption: t(figure.caption), about }, chart(figure, lanes, sizeOf(frame)));
  }
  drawLegend();
}

const isLead = (frame) => frame.parentElement.id === "stage";

/** Return the pixels for a chart in its frame. */
export function sizeOf(frame) {
  const width = frame.clientWidth;
  if (!isLead(frame)) return { width, height: HEIGHT.other };
  return { width, height: width < PHONE ? HEIGHT.leadOnPhone : HEIGHT.lead };
}

function drawHistograms(lanes, about) {
  const host = byId("figure-histograms");
  const drawn = histograms(kind, lanes, host.clientWidth);
  const said = [
    t(kind === "activations" ? "histogramsCaption" : "ownAxisCaption"),
    drawn.cut === null ? "" : t("histogramsCut", { cut: drawn.cut }),
    drawn.isBounded ? t("histogramsSaturated") : "",
  ];
  place(host, { title: t(KINDS[kind].title), caption: said.filter(Boolean).join(t("space")), about }, drawn.svg);
}

/** Put a drawing, its words and its buttons into a frame. */
export function place(host, { title, caption, about }, svg) {
  const heading = host.querySelector("h2");
  heading.textContent = title;
  host.querySelector(".caption").textContent = caption;
  host.querySelector(".drawing").replaceChildren(svg);
  const name = `fanin-${host.id.replace("figure-", "")}`;
  const words = { title, about };
  host.querySelector(".save").replaceChildren(
    button(t("saveSvg"), t("saveSvgOf", { title }), () => saveSvg(svg, words, name)),
    button(t("savePng"), t("savePngOf", { title }), () => savePng(svg, words, name)),
  );
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
  byId("legend").replaceChildren(...entries);
}
