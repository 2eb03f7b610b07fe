// @ts-check
// NumPy's archive: a ZIP whose members are arrays.
const END = 0x06054b50;
const MEMBER = 0x02014b50;
const LONGEST_COMMENT = 65_557; // with the end record before it
const NUMPY = "\x93NUMPY";
const DTYPES = { "<f2": "F16", "<f4": "F32", "<f8": "F64" };

/**
 * Return the arrays of an archive in their order, or null if it is none that can be read here.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<{name: string, shape: number[], dtype: string, values: Uint8Array<ArrayBuffer>}[] | null>}
 */
export async function readNpz(bytes) {
  try {
    const members = membersOf(bytes);
    return members && (await Promise.all(members.map(async ({ name, method, data }) => arrayOf(name, await unpacked(method, data)))));
  } catch {
    return null;
  }
}

/** Return the names of a ZIP's members, or null if it is none. */
export function membersOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  const least = Math.max(0, bytes.length - LONGEST_COMMENT);
  while (end >= least && view.getUint32(end, true) !== END) end -= 1;
  if (end < least) return null;
  const members = [];
  let at = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count -= 1) {
    if (view.getUint32(at, true) !== MEMBER) return null;
    const [size, nameLength, extra, comment, local] = [
      view.getUint32(at + 20, true), view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true),
      view.getUint32(at + 42, true),
    ];
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    members.push({ name, method: view.getUint16(at + 10, true), data: bytes.subarray(start, start + size) });
    at += 46 + nameLength + extra + comment;
  }
  return members;
}

async function unpacked(method, data) {
  if (method === 0) return data;
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function arrayOf(member, bytes) {
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (text(0, 6) !== NUMPY) throw new TypeError(member);
  const isLong = bytes[6] > 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [start, length] = isLong ? [12, view.getUint32(8, true)] : [10, view.getUint16(8, true)];
  const header = text(start, start + length);
  const dtype = DTYPES[header.match(/'descr': '([^']*)'/)?.[1] ?? ""];
  const isFortran = header.includes("'fortran_order': True");
  const shape = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "").split(",").filter((part) => part.trim()).map(Number);
  if (dtype === undefined) throw new TypeError(member);
  const values = bytes.slice(start + length);
  const name = member.replace(/\.npy$/, "");
  return { name, shape, dtype, values: isFortran && shape.length === 2 ? inRows(values, shape[0], shape[1]) : values };
}

/** Return a matrix that is stored column by column row by row. */
function inRows(values, rows, columns) {
  const size = values.length / (rows * columns);
  const turned = new Uint8Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const from = (column * rows + row) * size;
      turned.set(values.subarray(from, from + size), (row * columns + column) * size);
    }
  }
  return turned;
}
