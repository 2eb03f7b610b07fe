// Computes weights from docs/recipe.md alone, without the service or any package:
// node recipe.js SEED TENSOR STD INDEX... prints the float32 bits of each element in hexadecimal;
// node recipe.js orthogonal SEED TENSOR ROWS COLUMNS COPY GAIN prints those of a matrix, row by row.
import { createHash } from "node:crypto";

const LOG = ["3F800000", "BEFFFFFC", "3EAAABC9", "BE8002B8", "3E4C5BA4", "BE299951", "3E191C79", "BE131DD6", "3DB2A24B"];
const SIN = ["3F800000", "BE2AAAA4", "3C08873E", "B94FB222", "362E9C57"];
const COS = ["3F800000", "BF000000", "3D2AAAA3", "BAB6099C", "37CFB40A", "B48BDCE5"];
const LN2 = "3F317218";
const ANGLE = "30490FDB";

const f32 = Math.fround;
const view = new DataView(new ArrayBuffer(4));
const bitsOf = (value) => (view.setFloat32(0, value), view.getInt32(0));
const floatOf = (bits) => (view.setInt32(0, bits), view.getFloat32(0));
const constant = (hex) => floatOf(parseInt(hex, 16) | 0);

const u64 = (value) => BigInt.asUintN(64, value);

/** One block of Philox4x64-10: four words. */
function philox(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2e7470ee14c6c93n * c0;
    const p1 = 0xca5a826395121157n * c2;
    [c0, c1, c2, c3] = [(p1 >> 64n) ^ c1 ^ k0, u64(p1), (p0 >> 64n) ^ c3 ^ k1, u64(p0)];
    k0 = u64(k0 + 0x9e3779b97f4a7c15n);
    k1 = u64(k1 + 0xbb67ae8584caa73bn);
  }
  return [c0, c1, c2, c3];
}

function horner(x, hex) {
  const c = hex.map(constant);
  let p = f32(c[c.length - 1] * x);
  for (let k = c.length - 2; k > 0; k--) p = f32(f32(p + c[k]) * x);
  return f32(p + c[0]);
}

/** Element `index` of the standard normal stream under `key`: section 3 of the recipe. */
function normal(key, index) {
  const word = index / 2n;
  const drawn = philox([u64(word / 4n + 1n), 0n, 0n, 0n], key)[Number(word % 4n)];
  const lo = Number(drawn & 0xffffffffn);
  const hi = Number(drawn >> 32n) | 0;
  const x = f32(f32(lo >>> 1) + 0.5);
  const i = (bitsOf(x) - 0x3f3504f3) | 0;
  const m = f32(floatOf((i & 0x007fffff) + 0x3f3504f3) - 1);
  const ln = f32(f32(horner(m, LOG) * m) + f32(f32((i >> 23) - 31) * constant(LN2)));
  const r = f32(Math.sqrt(f32(ln * -2)));
  const t = f32(f32(hi) * constant(ANGLE));
  const s = f32(t * t);
  if (index % 2n === 0n) return f32(horner(s, COS) * (lo & 1 ? -r : r));
  return f32(f32(horner(s, SIN) * t) * r);
}

/** Q of section 12, an array of m columns of n numbers. JavaScript's numbers are float64, and nothing is fused. */
function orthonormal(key, base, n, m) {
  const reflections = [];
  for (let r = 0; r < m; r++) {
    const v = new Float64Array(n);
    let s = 0;
    for (let i = r; i < n; i++) {
      v[i] = normal(key, BigInt(base + r * n + i));
      s += v[i] * v[i];
    }
    const norm = Math.sqrt(s);
    const sign = v[r] >= 0 ? 1 : -1;
    const beta = 1 / (norm * (norm + Math.abs(v[r])));
    v[r] += sign * norm;
    reflections.push({ v, sign, beta, isNothing: s === 0 });
  }
  return reflections.map((_, j) => {
    const a = new Float64Array(n);
    a[j] = 1;
    for (let r = j; r >= 0; r--) {
      const { v, sign, beta, isNothing } = reflections[r];
      if (isNothing) continue;
      let w = 0;
      for (let i = r; i < n; i++) w += v[i] * a[i];
      w *= beta;
      for (let i = r; i < n; i++) a[i] = -sign * (a[i] - v[i] * w);
    }
    return a;
  });
}

function keyOf(seed, tensor) {
  const digest = createHash("sha256").update(`${seed}/${tensor}`).digest();
  return [digest.readBigUInt64LE(0), digest.readBigUInt64LE(8)];
}

const show = (value) => console.log((bitsOf(value) >>> 0).toString(16).padStart(8, "0"));

const [first, ...others] = process.argv.slice(2);
if (first === "orthogonal") {
  const [seed, tensor, ...numbers] = others;
  const [rows, columns, copy, gain] = numbers.map(Number);
  const [n, m] = [Math.max(rows, columns), Math.min(rows, columns)];
  const q = orthonormal(keyOf(seed, tensor), copy * n * m, n, m);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) show(f32((rows >= columns ? q[j][i] : q[i][j]) * gain));
  }
} else {
  const [tensor, std, ...indices] = others;
  const key = keyOf(first, tensor);
  for (const index of indices) show(f32(normal(key, BigInt(index)) * f32(Number(std))));
}
