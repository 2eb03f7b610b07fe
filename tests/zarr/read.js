// Reads arrays of a Zarr store with zarrita: node read.js URL NAME...
// Writes a line of JSON with the dtype and shape of each, then the bytes of each in C order.
import * as zarr from "zarrita";

const [url, ...names] = process.argv.slice(2);
const store = await zarr.withConsolidatedMetadata(new zarr.FetchStore(url), { format: "v3" });
const root = await zarr.open.v3(store, { kind: "group" });
const arrays = await Promise.all(names.map((name) => zarr.open.v3(root.resolve(name), { kind: "array" })));
process.stdout.write(`${JSON.stringify(arrays.map(({ dtype, shape }) => ({ dtype, shape })))}\n`);
for (const array of arrays) {
  const { data } = await zarr.get(array);
  process.stdout.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
