// @ts-check
// What every picture is made of: one drawing with a panel for each initialization, on common axes.
import { create, format, select } from "./d3.js";
import { FIRST_LAYER } from "./drawing.js";
import { t } from "./i18n.js";
import { drawMarker } from "./looks.js";

const significant = format(".3~g");
const percent = format(".3~p");
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Return a number with three digits, or a dash where the service gives none. */
export const number = (value) => (value === undefined ? "–" : significant(value));

/** Return a share in percent, or a dash where the service gives none. */
export const share = (value) => (value === undefined ? "–" : percent(value));

/** Return a power of ten as it stands at an axis. */
export function power(value) {
  const exponent = Math.round(Math.log10(value));
  if (Math.abs(exponent) <= 2) return String(10 ** exponent).replace(/(\.0*1)0+\d$/, "$1");
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPT[digit]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** Return an empty drawing of so many pixels. Its size is fixed: what does not fit is scrolled to. */
export function drawing(title, width, height) {
  return create("svg")
    .attr("xmlns", "http://www.w3.org/2000/svg")
    .attr("role", "group")
    .attr("aria-label", title)
    .attr("width", width)
    .attr("height", height)
    .attr("viewBox", `0 0 ${width} ${height}`);
}

/** Write a panel's heading: the initialization, and the worst that was found. */
export function laneHeading(panel, lane, { width }) {
  const { code } = lane.diagnosis.verdict;
  const heading = panel.append("g").attr("aria-hidden", "true");
  drawMarker(heading, lane.index, 6, -7);
  const text = heading.append("text").attr("class", "lane").attr("x", 18).attr("y", -2).text(width > 480 ? lane.title : lane.name);
  text.append("tspan").attr("class", "verdict-name").attr("dx", 12).text(t(code));
}

/**
 * Make layers reachable: by pointer, and by keyboard as one stop a panel, with arrows between layers.
 * @param places {{x: number, y: number, width: number, height: number}[]} by layer
 */
export function addHits(panel, lane, places, describe) {
  const group = panel.append("g").attr("role", "group").attr("aria-label", lane.title);
  lane.diagnosis.layers.forEach((layer, index) => {
    const { x, y, width, height } = places[index];
    const lines = describe(layer, index);
    const label = [t("layer", { number: FIRST_LAYER + index }), ...layer.verdicts.map(({ code }) => t(code))].join(", ");
    const hit = group
      .append("g")
      .attr("class", "hit")
      .attr("role", "button")
      .attr("tabindex", index === 0 ? 0 : -1)
      .attr("data-at", `${lane.index}:${index}`)
      .attr("aria-label", `${label}; ${lines.map(([name, value]) => `${name} ${value}`).join(", ")}`);
    hit.append("rect").attr("x", x).attr("y", y).attr("width", width).attr("height", height);
    hit.datum({ lane, layer, index, lines });
  });
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** Handle everything that can be done with the layers of all pictures under an element. */
export function listen(root, { show, hide, open }) {
  const hitOf = (event) => event.target.closest(".hit");
  const enter = (hit) => {
    mark(root, hit.dataset.at);
    show(hit, select(hit).datum());
  };
  const leave = () => {
    mark(root, null);
    hide();
  };
  root.addEventListener("pointerover", (event) => (hitOf(event) ? enter(hitOf(event)) : leave()));
  root.addEventListener("pointerleave", leave);
  root.addEventListener("focusin", (event) => hitOf(event) && enter(hitOf(event)));
  root.addEventListener("focusout", leave);
  root.addEventListener("click", (event) => {
    const hit = hitOf(event);
    if (!hit) return;
    hit.focus({ preventScroll: true });
    leave();
    open(select(hit).datum());
  });
  root.addEventListener("keydown", (event) => {
    const hit = hitOf(event);
    if (!hit) return;
    if (event.key === "Escape") leave();
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      leave();
      open(select(hit).datum());
    }
    if (event.key in STEPS) {
      event.preventDefault();
      step(hit, STEPS[event.key]);
    }
  });
}

function step(hit, by) {
  const siblings = [...hit.parentNode.querySelectorAll(".hit")];
  const to = siblings[Math.min(siblings.length - 1, Math.max(0, siblings.indexOf(hit) + by))];
  hit.setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus();
}

function mark(root, at) {
  for (const hit of root.querySelectorAll(".hit.on")) hit.classList.remove("on");
  if (at !== null) for (const hit of root.querySelectorAll(`.hit[data-at="${at}"]`)) hit.classList.add("on");
}
