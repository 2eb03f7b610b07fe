// Weights of the reader's own: chosen in a dialog, or dropped anywhere on the page.

/** Tell `chosen` of every file. */
export function begin(chosen) {
  const input = document.getElementById("file");
  const place = document.getElementById("drop");
  input.addEventListener("change", () => {
    if (input.files.length) chosen(input.files[0]);
  });
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    place.classList.add("over");
  });
  document.addEventListener("dragleave", () => place.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    place.classList.remove("over");
    // So that the control names the file.
    input.files = event.dataTransfer.files;
    chosen(event.dataTransfer.files[0]);
  });
}

/** Forget the file. */
export function clear() {
  document.getElementById("file").value = "";
}
