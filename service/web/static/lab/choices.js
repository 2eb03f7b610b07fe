// What can be chosen. The service validates; a test holds these lists to its own.
export const ACTIVATIONS = [
  "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "mish",
  "hard_tanh", "relu6",
];
export const SCHEMES = ["auto", "xavier", "he", "glorot", "lecun", "he_fan_out", "fixed"];
export const FORMULAS = {
  xavier: "√(1/fan in)",
  he: "√(2/fan in)",
  glorot: "√(2/(fan in + fan out))",
  lecun: "√(1/fan in)",
  he_fan_out: "√(2/fan out)",
};
export const DISTRIBUTIONS = ["normal", "truncated_normal", "uniform"];
export const INPUTS = ["normal", "uniform"];
export const NORMALIZATIONS = ["none", "batch"];

export const PRESETS = {
  textbook: Array(6).fill(100).join(","),
  classifier: "784,256,10",
  deep: Array(51).fill(100).join(","),
};

export const MOST_INITS = 4;

// The four that textbooks draw beside each other.
export const TEXTBOOK_INITS = [
  { scheme: "fixed", std: "1" },
  { scheme: "fixed", std: "0.01" },
  { scheme: "xavier", std: "" },
  { scheme: "he", std: "" },
];

/** Return a seed that is short enough to read out. */
export function anotherSeed() {
  const [drawn] = crypto.getRandomValues(new Uint32Array(1));
  return String(drawn % 1_000_000);
}
