// @ts-check
// Layer sizes as people write them, and as the service reads them.
const MOST_SIZES = 1001; // more than can be diagnosed

/** Return sizes with commas between: "784 - 256 - 10", "784、256、10" and "64, 100x5, 10" are read; other text stays. */
export function canonicalSizes(text) {
  // A minus before the first digit of a size is no separator: the service says that it must not be there.
  if (/(^|,)\s*-\d/.test(text)) return text.trim();
  const plain = text.normalize("NFKC").replace(/[×✕✖·*]/g, "x").replace(/[、;:/|→>‐-―−-]/g, ",").toLowerCase();
  const joined = plain.replace(/\s*x\s*/g, "x").trim();
  // Three sizes or more with x between them are a list; two are a size and how often it comes.
  const listed = /^\d+(x\d+){2,}$/.test(joined) ? joined.replaceAll("x", ",") : joined;
  const parts = listed.split(/[\s,]+/).filter(Boolean);
  if (!parts.every((part) => /^\d+(x\d+)?$/.test(part))) return text.trim();
  const sizes = [];
  for (const part of parts) {
    const [first, second] = part.split("x").map(withoutZeros);
    const [size, count] = second === undefined ? [first, 1] : repeated(first, second);
    if (sizes.length + Number(count) > MOST_SIZES) return text.trim();
    sizes.push(...Array(Number(count)).fill(size));
  }
  return sizes.join(",");
}

const withoutZeros = (digits) => digits.replace(/^0+(?=\d)/, "");

// 100x5 and 5 × 100 are both five times 100: the larger number is the size.
const repeated = (first, second) => (Number(first) >= Number(second) ? [first, second] : [second, first]);
