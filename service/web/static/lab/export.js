// @ts-check
// Pictures as files: what the style sheet says is written into the drawing, which then stands alone.
const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-linejoin", "paint-order", "font-size",
  "font-weight", "font-family",
];
const TITLE = 46; // for two lines
const MARGIN = 12;
const PNG_SCALE = 2;

/** Return a drawing as the text of an SVG file, with its title above, and what network it is about. */
export function svgText(svg, { title, about }) {
  const copy = svg.cloneNode(true);
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((copied, index) => inline(originals[index], copied));
  for (const hits of copy.querySelectorAll("g[role=group]")) hits.remove();
  const { width, height } = svg.viewBox.baseVal;
  const [allWidth, allHeight] = [width + 2 * MARGIN, height + TITLE + 2 * MARGIN];
  copy.setAttribute("viewBox", `${-MARGIN} ${-MARGIN - TITLE} ${allWidth} ${allHeight}`);
  copy.setAttribute("width", allWidth);
  copy.setAttribute("height", allHeight);
  copy.setAttribute("role", "img");
  const page = getComputedStyle(document.body);
  copy.prepend(
    // Where the picture is from, for programs that show it.
    element("desc", {}, location.href),
    element("rect", { x: -MARGIN, y: -MARGIN - TITLE, width: allWidth, height: allHeight, fill: page.backgroundColor }),
    element("text", { x: 0, y: -30, fill: page.color, "font-size": 15, "font-weight": 600, "font-family": page.fontFamily }, title),
    element("text", { x: 0, y: -12, fill: page.color, "font-size": 12.5, "font-family": page.fontFamily }, about),
  );
  return new XMLSerializer().serializeToString(copy);
}

function inline(original, copy) {
  const style = getComputedStyle(original);
  for (const name of STYLES) copy.setAttribute(name, style.getPropertyValue(name));
  copy.removeAttribute("class");
  copy.removeAttribute("style");
}

function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** Let the reader save a drawing as SVG. */
export function saveSvg(svg, words, name) {
  save(new Blob([svgText(svg, words)], { type: "image/svg+xml" }), `${name}.svg`);
}

/** Let the reader save a drawing as PNG, with twice as many pixels as on the page. */
export async function savePng(svg, words, name) {
  const address = URL.createObjectURL(new Blob([svgText(svg, words)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width * PNG_SCALE, image.height * PNG_SCALE];
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    save(await new Promise((resolve) => canvas.toBlob(resolve, "image/png")), `${name}.png`);
  } finally {
    URL.revokeObjectURL(address);
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download begins after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
