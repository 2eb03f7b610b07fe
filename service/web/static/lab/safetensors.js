// @ts-check
// The safetensors format: a length, a JSON header, and the values.
const LENGTH = 8;

/**
 * Return the tensors of a file, as its header declares them, or null if it is no such file.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {{name: string, shape: number[], dtype: string, values: Uint8Array<ArrayBuffer>}[] | null}
 */
export function readSafetensors(bytes) {
  if (bytes.length < LENGTH) return null;
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (length > bytes.length - LENGTH) return null;
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH, LENGTH + length)));
    delete header.__metadata__;
    const data = bytes.subarray(LENGTH + length);
    return Object.entries(header).map(([name, { shape, dtype, data_offsets: [from, to] }]) => (
      { name, shape, dtype, values: data.subarray(from, to) }
    ));
  } catch {
    return null;
  }
}

/** Return a file that holds tensors under the names given. */
export function writeSafetensors(tensors) {
  let at = 0;
  const entries = tensors.map(({ name, shape, dtype, values }) => {
    const place = [at, at + values.length];
    at += values.length;
    return [name, { dtype, shape, data_offsets: place }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // Values begin at a multiple of eight bytes.
  const padded = new Uint8Array(Math.ceil(header.length / LENGTH) * LENGTH).fill(32);
  padded.set(header);
  const length = new Uint8Array(LENGTH);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  return new Blob([length, padded, ...tensors.map(({ values }) => values)]);
}
