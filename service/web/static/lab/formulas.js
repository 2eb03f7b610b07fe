// @ts-check
// Activations as expressions of x in the languages of the programs.
const FORMULAS = {
  identity: "x",
  sigmoid: "1.0 / (1.0 + exp(-x))",
  tanh: "tanh(x)",
  relu: "max(x, 0.0)",
  leaky_relu: "max(x, 0.01 * x)",
  elu: "max(x, 0.0) + exp(min(x, 0.0)) - 1.0",
  selu: "1.0507009873554805 * (max(x, 0.0) + 1.6732632423543772 * (exp(min(x, 0.0)) - 1.0))",
  gelu: "0.5 * x * (1.0 + erf(x / 1.4142135623730951))",
  silu: "x / (1.0 + exp(-x))",
  softplus: "max(x, 0.0) + log1p(exp(-abs(x)))",
  softsign: "x / (1.0 + abs(x))",
  mish: "x * tanh(max(x, 0.0) + log1p(exp(-abs(x))))",
  hard_tanh: "max(-1.0, min(1.0, x))",
  relu6: "min(max(x, 0.0), 6.0)",
};

const NAMES = {
  javascript: (name) => (name === "erf" ? "erf" : `Math.${name}`),
  java: (name) => (name === "erf" ? "erf" : `Math.${name}`),
  go: (name) => `math.${name === "log1p" ? "Log1p" : name[0].toUpperCase() + name.slice(1)}`,
  cpp: (name) => `std::${name}`,
  rust: (name) => ({ erf: "erf", log1p: "f64::ln_1p" })[name] ?? `f64::${name}`,
};

/** Return an activation as an expression in a language. */
export const expression = (language, activation) => FORMULAS[activation].replace(/\b(exp|tanh|max|min|erf|log1p|abs)\(/g, (_, name) => `${NAMES[language](name)}(`);

// Where a language has no erf of its own: Abramowitz and Stegun 7.1.26, to 1.5e-7.
const SERIES = "((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t";
const ERF = {
  javascript: `function erf(x) {
  const t = 1.0 / (1.0 + 0.3275911 * Math.abs(x));
  return Math.sign(x) * (1.0 - ${SERIES} * Math.exp(-x * x));
}
`,
  java: `
    static double erf(double x) {
        double t = 1.0 / (1.0 + 0.3275911 * Math.abs(x));
        return Math.signum(x) * (1.0 - ${SERIES} * Math.exp(-x * x));
    }
`,
  rust: `fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.3275911 * x.abs());
    x.signum() * (1.0 - ${SERIES} * (-x * x).exp())
}

`,
};

/** Return what a language needs beside the expressions of some activations. */
export const helper = (language, activations) => (activations.includes("gelu") ? (ERF[language] ?? "") : "");
