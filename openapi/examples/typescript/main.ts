// Uses the SDK that hey-api generates: node main.ts http://127.0.0.1:8000
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { client } from "../../sdk/typescript/client.gen.ts";
import type { Model } from "../../sdk/typescript/types.gen.ts";
import * as fanin from "../../sdk/typescript/sdk.gen.ts";

client.setConfig({ baseUrl: process.argv[2] ?? "http://127.0.0.1:8000" });
const network = { layers: "784,256,10", activation: "relu", seed: 42 } as const;
const tensor = "layers.0.weight";

function report(name: string, values: Uint8Array): void {
  console.log(name, createHash("sha256").update(values).digest("hex"));
}

/** The values of a .npy file: what follows its header, whose length stands in bytes 8 and 9. */
function valuesOf(file: Uint8Array): Uint8Array {
  return file.subarray(10 + file[8]! + 256 * file[9]!);
}

async function bytesOf(answer: Promise<{ data: Blob | File }>): Promise<Uint8Array> {
  return (await answer).data.bytes();
}

const { data: plan } = await fanin.getPlan({ query: network, throwOnError: true });
console.log("plan", plan.elements, "values in", plan.tensors.length, "tensors");

const whole = await bytesOf(fanin.getWeightsNpy({ query: network, throwOnError: true }));
report("weights.npy", valuesOf(whole));

const { data: weights } = await fanin.getWeightsJson({ query: network, throwOnError: true });
const numbers = Float32Array.from(weights.tensors.flatMap(({ data }) => data));
report("weights.json", new Uint8Array(numbers.buffer));

const middle = Math.floor(whole.length / 2);
const halves = [];
for (const Range of [`bytes=0-${middle - 1}`, `bytes=${middle}-`]) {
  halves.push(await bytesOf(fanin.getWeightsNpy({ query: network, headers: { Range }, throwOnError: true })));
}
report("halves", valuesOf(Buffer.concat(halves)));

const body = { ...network, layers: network.layers.split(",").map(Number) };
report("posted", valuesOf(await bytesOf(fanin.postWeightsNpy({ body, throwOnError: true }))));

const one = { path: { tensor }, query: network, throwOnError: true } as const;
report("tensor.npy", valuesOf(await bytesOf(fanin.getTensorNpy(one))));
report("tensor.bin", await bytesOf(fanin.getTensorBin(one)));

const model = JSON.parse(readFileSync(new URL("../../resnet18.json", import.meta.url), "utf8")) as Model;
report("resnet18", await bytesOf(fanin.postModelWeightsSafetensors({ body: model, throwOnError: true })));

const { data: diagnosis } = await fanin.getDiagnosis({
  query: { layers: "100,100,100,100,100,100", activation: "sigmoid", scheme: "fixed", std: 1, seed: 1 },
  throwOnError: true,
});
console.log("verdict", diagnosis.verdict.code);

const { error: problem } = await fanin.getPlan({ query: { ...network, layers: "784,0" } });
console.log("problem", problem?.status, problem?.type, problem?.errors?.[0]?.field);
