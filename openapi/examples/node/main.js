// No SDK, only fetch and npyjs: node main.js http://127.0.0.1:8000
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import npyjs from "npyjs";

const service = process.argv[2] ?? "http://127.0.0.1:8000";
const network = "layers=784,256,10&activation=relu&seed=42";
const tensor = "layers.0.weight";
const npy = new npyjs();

function report(name, values) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  console.log(name, createHash("sha256").update(bytes).digest("hex"));
}

async function ask(path, options = {}) {
  const answer = await fetch(service + path, options);
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer;
}

const plan = await (await ask(`/plan?${network}`)).json();
console.log("plan", plan.elements, "values in", plan.tensors.length, "tensors");

const whole = await (await ask(`/weights.npy?${network}`)).arrayBuffer();
report("weights.npy", (await npy.load(whole)).data);

const weights = await (await ask(`/weights.json?${network}`)).json();
report("weights.json", Float32Array.from(weights.tensors.flatMap(({ data }) => data)));

const middle = Math.floor(whole.byteLength / 2);
const halves = [];
for (const Range of [`bytes=0-${middle - 1}`, `bytes=${middle}-`]) {
  halves.push(await (await ask(`/weights.npy?${network}`, { headers: { Range } })).arrayBuffer());
}
report("halves", (await npy.load(await new Blob(halves).arrayBuffer())).data);

const posted = await ask("/weights.npy", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ layers: [784, 256, 10], activation: "relu", seed: 42 }),
});
report("posted", (await npy.load(await posted.arrayBuffer())).data);

report("tensor.npy", (await npy.load(`${service}/weights/${tensor}.npy?${network}`)).data);
report("tensor.bin", new Uint8Array(await (await ask(`/weights/${tensor}.bin?${network}`)).arrayBuffer()));

const resnet = await readFile(new URL("../../resnet18.json", import.meta.url));
const model = await ask("/model/weights.safetensors", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: resnet,
});
report("resnet18", new Uint8Array(await model.arrayBuffer()));

const experiment = "layers=100,100,100,100,100,100&activation=sigmoid&scheme=fixed&std=1&seed=1";
const diagnosis = await (await ask(`/diagnose?${experiment}`)).json();
console.log("verdict", diagnosis.verdict.code);

const problem = await (await fetch(`${service}/plan?layers=784,0&activation=relu`)).json();
console.log("problem", problem.status, problem.type, problem.errors[0].field);
