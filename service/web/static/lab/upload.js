// @ts-check
// Weights of the reader's own: chosen in a dialog, or dropped anywhere on the page.
import { byId } from "./elements.js";
import { likelyLayout, networkIn } from "./own.js";

let filesRead = 0; // what tells one file from another of the same name

/** Tell `chosen` of every file that holds a network, and `refused` why another cannot be used. */
export function begin(chosen, refused) {
  const input = byId("file");
  const place = byId("drop");
  const take = async (file) => {
    try {
      chosen(await read(file));
    } catch (error) {
      // So that the same file, once mended, is a change.
      clear();
      refused(error);
    }
  };
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
  });
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    place.classList.add("over");
  });
  document.addEventListener("dragleave", () => place.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    const files = event.dataTransfer?.files;
    if (!files?.length) return;
    event.preventDefault();
    place.classList.remove("over");
    // So that the control names the file.
    input.files = files;
    take(files[0]);
  });
}

/** Return a file as the page uses it; what cannot be read here goes to the service as it is, which says why. */
async function read(file) {
  const network = await networkIn(file);
  filesRead += 1;
  if (network === null) return { id: filesRead, name: file.name, body: file, sizes: {}, layout: "in_out" };
  const layouts = Object.keys(network.sizes);
  const likely = likelyLayout(network.names);
  return { id: filesRead, name: file.name, body: network.body, sizes: network.sizes, layout: layouts.includes(likely) ? likely : layouts[0] };
}

/** Forget the file. */
export function clear() {
  byId("file").value = "";
}
