// @ts-check
// What can be chosen. The service validates; a test holds these lists to its own.
export const ACTIVATIONS = [
  "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "mish",
  "hard_tanh", "relu6",
];
export const SCHEMES = [
  "auto", "xavier", "he", "glorot", "lecun", "he_fan_out", "fixed", "variance_preserving", "orthogonal", "identity",
];
// They have no distribution: their values depend on each other.
export const MATRICES = ["orthogonal", "identity"];
// Schemes that leave open which connections they count.
export const WITH_FAN = ["xavier", "he", "lecun", "variance_preserving"];
export const FANS = ["in", "out", "average", "geometric"];
export const CUTS = ["0.5", "1", "1.5", "2", "2.5", "3", "4", "5", "6"];
export const CUT_STDS = ["after", "before"];
export const FORMULAS = {
  xavier: "√(1/fan in)",
  he: "√(2/fan in)",
  glorot: "√(2/(fan in + fan out))",
  lecun: "√(1/fan in)",
  he_fan_out: "√(2/fan out)",
  variance_preserving: "gain/√(fan in)",
  orthogonal: "√(1/max(fan in, fan out))",
};
export const DISTRIBUTIONS = ["normal", "truncated_normal", "uniform"];
export const INPUTS = ["normal", "uniform"];
export const NORMALIZATIONS = ["none", "batch"];
export const OPTIMIZERS = ["sgd", "momentum", "adam"];
/** What a network can be trained on: its inputs and its classes. */
export const DATA = { digits: [64, 10], spiral: [2, 3], circles: [2, 2] };

const hundreds = (layers) => Array(layers + 1).fill(100).join(",");

export const PRESETS = {
  textbook: hundreds(5),
  classifier: "784,256,10",
  deep: hundreds(50),
  digits: `64,${hundreds(4)},10`,
};

export const MOST_INITS = 4;

// The four that textbooks draw beside each other.
export const TEXTBOOK_INITS = "fixed:1,fixed:0.01,xavier,he";

/** Return a seed that is short enough to read out. */
export function anotherSeed() {
  const [drawn] = crypto.getRandomValues(new Uint32Array(1));
  return String(drawn % 1_000_000);
}
