// @ts-check
// Weights of the reader's own: their names may be any, and their layout is found where only one fits.
import { membersOf, readNpz } from "./npz.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";

const KNOWN = /^(layers\.\d+\.(weight|bias)|inputs)$/;
const LAYOUTS = ["in_out", "out_in"];

/** Why a file cannot be used: a text's key, and the values in it. */
export class Unusable extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }
}

/**
 * Return a file's network: its sizes in each layout that fits, and the body that the service reads.
 * @returns {Promise<{body: Blob, sizes: Record<string, number[]>, names: string[]} | null>} null where the service says best what is wrong
 */
export async function networkIn(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (isPickle(bytes, file.name)) throw new Unusable("ownPickle");
  const tensors = readSafetensors(bytes) ?? (await readNpz(bytes));
  if (tensors === null) return null;
  const layers = layersOf(tensors);
  const sizes = Object.fromEntries(LAYOUTS.map((layout) => [layout, sizesIn(layers, layout)]).filter(([, found]) => found));
  if (Object.keys(sizes).length === 0) throw new Unusable("ownChain", { names: listed(layers.map(({ weight }) => weight)) });
  const renamed = layers.flatMap(({ weight, bias }, index) => [
    { ...weight, name: `layers.${index}.weight` },
    ...(bias ? [{ ...bias, name: `layers.${index}.bias` }] : []),
  ]);
  const inputs = tensors.filter(({ name }) => name === "inputs");
  return { body: writeSafetensors([...renamed, ...inputs]), sizes, names: layers.map(({ weight }) => weight.name) };
}

/** PyTorch's own files are a pickle, alone or in a ZIP. Reading one may run any program. */
function isPickle(bytes, name) {
  const isZip = membersOf(bytes)?.some((member) => member.name.endsWith("data.pkl")) ?? false;
  return isZip || (/\.(pt|pth|ckpt|pkl)$/i.test(name) && bytes[0] === 0x80);
}

/** Return the dense layers of a file, from the first to the last. */
function layersOf(tensors) {
  const own = tensors.filter(({ name }) => name !== "inputs");
  const odd = own.find(({ shape }) => shape.length !== 1 && shape.length !== 2);
  if (odd) throw new Unusable("ownAxes", { name: odd.name, shape: odd.shape.join(" × ") });
  const weights = own.filter(({ shape }) => shape.length === 2);
  if (weights.length === 0) throw new Unusable("ownNone");
  for (const ordered of [byName(weights), weights]) {
    const layers = withBiases(ordered, own);
    if (LAYOUTS.some((layout) => sizesIn(layers, layout))) return layers;
  }
  return withBiases(byName(weights), own);
}

/** Order as people count: fc2 before fc10. Files of safetensors have an order of their own. */
const byName = (tensors) => tensors.toSorted((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));

const parent = (name) => name.slice(0, Math.max(0, name.search(/[./_]?[^./_]*$/)));

function withBiases(weights, tensors) {
  const biases = tensors.filter(({ shape }) => shape.length === 1);
  return weights.map((weight) => ({ weight, bias: biases.find(({ name }) => parent(name) === parent(weight.name)) }));
}

/** Return the node counts from input to output, if each layer takes what the one before gives in this layout. */
function sizesIn(layers, layout) {
  const fans = layers.map(({ weight: { shape } }) => (layout === "in_out" ? shape : shape.toReversed()));
  const fit = fans.every(([taken, given], index) => (
    (index === 0 || fans[index - 1][1] === taken) && (!layers[index].bias || layers[index].bias.shape[0] === given)
  ));
  return fit ? [fans[0][0], ...fans.map(([, given]) => given)] : null;
}

/** Return the layout that a file's names speak for: kernels are Keras' and Flax', weights PyTorch's. */
export function likelyLayout(names) {
  if (names.every((name) => KNOWN.test(name))) return "in_out";
  return names.some((name) => /weight$/.test(name)) ? "out_in" : "in_out";
}

const listed = (tensors) => tensors.map(({ name, shape }) => `${name} (${shape.join(" × ")})`).join(", ");
