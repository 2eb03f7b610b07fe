// @ts-check
// The reference in the reader's choice of light or dark: its element takes colours as attributes only.
const LIGHT = { "bg-color": "#fcfcfb", "text-color": "#1d2126", "nav-bg-color": "#f2f3f4", "nav-text-color": "#1d2126", "primary-color": "#1c5fae" };
const DARK = { "bg-color": "#14171a", "text-color": "#e9ecef", "nav-bg-color": "#1b1f24", "nav-text-color": "#e9ecef", "primary-color": "#7db4f0" };

const reference = document.querySelector("openapi-explorer");
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  for (const [name, colour] of Object.entries(dark.matches ? DARK : LIGHT)) reference?.setAttribute(name, colour);
}

paint();
dark.addEventListener("change", paint);
