#!/usr/bin/env bash
# Needs curl, jq and coreutils (and perl for JSON): ./main.sh http://127.0.0.1:8000
set -euo pipefail
service=${1:-http://127.0.0.1:8000}
network='layers=784,256,10&activation=relu&seed=42'
tensor=layers.0.weight
resnet=$(realpath ../../resnet18.json)

report() { printf '%s %s\n' "$1" "$(sha256sum | cut -d ' ' -f 1)"; }
ask() { curl --silent --show-error --fail "$@"; }

cd "$(mktemp -d)"
trap 'rm -r "$PWD"' EXIT

ask "$service/plan?$network" > plan.json
jq -r '"plan \(.elements) values in \(.tensors | length) tensors"' plan.json
# The values of a .npy file come after its header; the plan says where the first tensor begins.
start=$(jq '.tensors[0].offset + 1' plan.json)

ask -o whole.npy "$service/weights.npy?$network"
tail -c "+$start" whole.npy | report weights.npy

ask "$service/weights.json?$network" | jq '.tensors[].data[]' | perl -ne 'print pack "f<", $_' | report weights.json

middle=$(($(stat -c %s whole.npy) / 2))
ask -o halves.npy -r "0-$((middle - 1))" "$service/weights.npy?$network"
ask -o halves.npy -C - "$service/weights.npy?$network" # goes on where the file ends
tail -c "+$start" halves.npy | report halves

ask --json '{"layers": [784, 256, 10], "activation": "relu", "seed": 42}' "$service/weights.npy" |
  tail -c "+$start" | report posted

ask "$service/weights/$tensor.npy?$network" | tail -c +129 | report tensor.npy
ask "$service/weights/$tensor.bin?$network" | report tensor.bin

ask -H "Content-Type: application/json" --data-binary "@$resnet" "$service/model/weights.safetensors" | report resnet18

ask "$service/diagnose?layers=100,100,100,100,100,100&activation=sigmoid&scheme=fixed&std=1&seed=1" |
  jq -r '"verdict \(.verdict.code)"'

curl --silent "$service/plan?layers=784,0&activation=relu" |
  jq -r '"problem \(.status) \(.type) \(.errors[0].field)"'
