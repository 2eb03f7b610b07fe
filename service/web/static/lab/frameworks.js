// @ts-check
// Models of frameworks that start with the weights of a view, and run once.

/** @typedef {import("./loops.js").Described} Described */

const TORCH = {
  identity: "Identity", sigmoid: "Sigmoid", tanh: "Tanh", relu: "ReLU", leaky_relu: "LeakyReLU", elu: "ELU", selu: "SELU", gelu: "GELU",
  silu: "SiLU", softplus: "Softplus", softsign: "Softsign", mish: "Mish", hard_tanh: "Hardtanh", relu6: "ReLU6",
};
const JAX = {
  gelu: "partial(nn.gelu, approximate=False)", softsign: "nn.soft_sign", mish: "jax.nn.mish",
};
const KERAS = { identity: "linear" };

const kerasName = (name) => (name === "leaky_relu" ? "keras.layers.LeakyReLU(negative_slope=0.01)" : `"${KERAS[name] ?? name}"`);
const jaxName = (name) => (name === "identity" ? "lambda x: x" : (JAX[name] ?? `nn.${name}`));

const READ = (origin, query) => `url = "${origin}/weights.npz?${query}"
with urllib.request.urlopen(url) as answer:
    weights = numpy.load(io.BytesIO(answer.read()))
`;

/** @type {Record<string, (described: Described) => string>} */
export const FRAMEWORKS = {
  pytorch: ({ origin, query, sizes, hidden, output }) => `import io
import urllib.request

import numpy
import torch
from torch import nn

# PyTorch has (outputs, inputs)
${READ(origin, `${query}&layout=out_in`)}
sizes = [${sizes.join(", ")}]
layers = [nn.Linear(inputs, outputs) for inputs, outputs in zip(sizes, sizes[1:])]
hidden, output = nn.${TORCH[hidden]}, nn.${TORCH[output]}
model = nn.Sequential(*(part for layer in layers[:-1] for part in (layer, hidden())), layers[-1], output())
for number, layer in enumerate(layers):
    layer.load_state_dict({kind: torch.from_numpy(weights[f"layers.{number}.{kind}"]) for kind in ("weight", "bias")})

with torch.no_grad():
    for value in model(torch.arange(sizes[0], dtype=torch.float32).cos()):
        print(value.item())
`,

  flax: ({ origin, query, sizes, hidden, output }) => `import io
import urllib.request
from functools import partial

import flax.linen as nn
import jax
import numpy

${READ(origin, query)}
sizes = [${sizes.join(", ")}]
hidden, output = ${jaxName(hidden)}, ${jaxName(output)}


class Model(nn.Module):
    @nn.compact
    def __call__(self, x):
        for size in sizes[1:-1]:
            x = hidden(nn.Dense(size)(x))
        return output(nn.Dense(sizes[-1])(x))


params = {
    f"Dense_{number}": {"kernel": weights[f"layers.{number}.weight"], "bias": weights[f"layers.{number}.bias"]}
    for number in range(len(sizes) - 1)
}
for value in Model().apply({"params": params}, jax.numpy.cos(jax.numpy.arange(sizes[0], dtype="float32"))):
    print(value)
`,

  keras: ({ origin, query, sizes, hidden, output }) => `import io
import urllib.request

import keras
import numpy

${READ(origin, query)}
sizes = [${sizes.join(", ")}]
hidden, output = ${kerasName(hidden)}, ${kerasName(output)}
model = keras.Sequential([keras.Input((sizes[0],))])
for size in sizes[1:-1]:
    model.add(keras.layers.Dense(size, activation=hidden))
model.add(keras.layers.Dense(sizes[-1], activation=output))
for number, layer in enumerate(model.layers):
    layer.set_weights([weights[f"layers.{number}.weight"], weights[f"layers.{number}.bias"]])

inputs = numpy.cos(numpy.arange(sizes[0], dtype="float32"))[None]
for value in numpy.asarray(model(inputs))[0]:
    print(value)
`,
};
