// @ts-check
// The weights of a view in a program: lines that run as they are, without an SDK.
import { FRAMEWORKS } from "./frameworks.js";
import { LOOPS } from "./loops.js";

/** @typedef {import("./loops.js").Described} Described */

export const LANGUAGES = {
  curl: "curl",
  numpy: "NumPy",
  pytorch: "PyTorch",
  flax: "JAX, Flax",
  keras: "Keras",
  javascript: "JavaScript",
  go: "Go",
  rust: "Rust",
  java: "Java",
  cpp: "C++",
};

/** Return the program that uses the weights which a query describes. */
export const snippet = (language, described) => PROGRAMS[language](described);

/** @type {Record<string, (described: Described) => string>} */
const PROGRAMS = {
  curl: ({ origin, query }) => `curl -o weights.npz '${origin}/weights.npz?${query}'
`,

  numpy: ({ origin, query }) => `import io
import urllib.request

import numpy

url = "${origin}/weights.npz?${query}"
with urllib.request.urlopen(url) as answer:
    weights = numpy.load(io.BytesIO(answer.read()))
for name, values in weights.items():
    print(name, *values.shape, values.std())
`,

  ...FRAMEWORKS,
  ...LOOPS,
};
