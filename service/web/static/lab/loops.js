// @ts-check
// Forward passes in loops, in languages without a framework: the weights come from the service, the rest is arithmetic.
import { expression, helper } from "./formulas.js";

/** @typedef {{origin: string, query: string, sizes: number[], hidden: string, output: string}} Described */

/** @type {Record<string, (described: Described) => string>} */
export const LOOPS = {
  javascript: ({ origin, query, sizes, hidden, output }) => `const sizes = [${sizes.join(", ")}];
const hidden = (x) => ${expression("javascript", hidden)};
const output = (x) => ${expression("javascript", output)};
${helper("javascript", [hidden, output])}
async function tensor(name) {
  const answer = await fetch(\`${origin}/weights/\${name}.bin?${query}\`);
  if (!answer.ok) throw new Error(await answer.text());
  return new Float32Array(await answer.arrayBuffer());
}

let values = Array.from({ length: sizes[0] }, (_, i) => Math.cos(i));
for (let layer = 0; layer + 1 < sizes.length; layer++) {
  const [rows, columns] = [sizes[layer], sizes[layer + 1]];
  const weight = await tensor(\`layers.\${layer}.weight\`); // row by row: inputs, outputs
  const bias = await tensor(\`layers.\${layer}.bias\`);
  const activation = layer + 2 < sizes.length ? hidden : output;
  const next = [];
  for (let j = 0; j < columns; j++) {
    let sum = bias[j];
    for (let i = 0; i < rows; i++) sum += values[i] * weight[i * columns + j];
    next.push(activation(sum));
  }
  values = next;
}
for (const value of values) console.log(value);
`,

  go: ({ origin, query, sizes, hidden, output }) => `package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"net/http"
)

func hidden(x float64) float64 { return ${expression("go", hidden)} }

func output(x float64) float64 { return ${expression("go", output)} }

func tensor(name string, size int) []float32 {
	answer, err := http.Get("${origin}/weights/" + name + ".bin?${query}")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	values := make([]float32, size)
	if err := binary.Read(answer.Body, binary.LittleEndian, values); err != nil {
		log.Fatal(err)
	}
	return values
}

func main() {
	sizes := []int{${sizes.join(", ")}}
	values := make([]float64, sizes[0])
	for i := range values {
		values[i] = math.Cos(float64(i))
	}
	for layer := 0; layer+1 < len(sizes); layer++ {
		rows, columns := sizes[layer], sizes[layer+1]
		weight := tensor(fmt.Sprintf("layers.%d.weight", layer), rows*columns) // row by row: inputs, outputs
		bias := tensor(fmt.Sprintf("layers.%d.bias", layer), columns)
		activation := hidden
		if layer+2 == len(sizes) {
			activation = output
		}
		next := make([]float64, columns)
		for j := range next {
			sum := float64(bias[j])
			for i := 0; i < rows; i++ {
				sum += values[i] * float64(weight[i*columns+j])
			}
			next[j] = activation(sum)
		}
		values = next
	}
	for _, value := range values {
		fmt.Println(value)
	}
}
`,

  java: ({ origin, query, sizes, hidden, output }) => `// java Weights.java
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

public class Weights {
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static double hidden(double x) {
        return ${expression("java", hidden)};
    }

    static double output(double x) {
        return ${expression("java", output)};
    }
${helper("java", [hidden, output])}
    static FloatBuffer tensor(String name) throws Exception {
        var url = URI.create("${origin}/weights/" + name + ".bin?${query}");
        var answer = CLIENT.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) throw new RuntimeException(new String(answer.body()));
        return ByteBuffer.wrap(answer.body()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }

    public static void main(String[] arguments) throws Exception {
        int[] sizes = {${sizes.join(", ")}};
        double[] values = new double[sizes[0]];
        for (int i = 0; i < values.length; i++) values[i] = Math.cos(i);
        for (int layer = 0; layer + 1 < sizes.length; layer++) {
            int rows = sizes[layer], columns = sizes[layer + 1];
            FloatBuffer weight = tensor("layers." + layer + ".weight"); // row by row: inputs, outputs
            FloatBuffer bias = tensor("layers." + layer + ".bias");
            double[] next = new double[columns];
            for (int j = 0; j < columns; j++) {
                double sum = bias.get(j);
                for (int i = 0; i < rows; i++) sum += values[i] * weight.get(i * columns + j);
                next[j] = layer + 2 < sizes.length ? hidden(sum) : output(sum);
            }
            values = next;
        }
        for (double value : values) System.out.println(value);
    }
}
`,

  rust: ({ origin, query, sizes, hidden, output }) => `// rustc -O --edition 2021 weights.rs; the standard library has no HTTP, so curl fetches the weights
use std::process::Command;

fn hidden(x: f64) -> f64 {
    ${expression("rust", hidden)}
}

fn output(x: f64) -> f64 {
    ${expression("rust", output)}
}

${helper("rust", [hidden, output])}fn tensor(name: String) -> Vec<f32> {
    let url = format!("${origin}/weights/{}.bin?${query}", name);
    let answer = Command::new("curl").args(["--silent", "--show-error", "--fail", &url]).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    answer.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

fn main() {
    let sizes = [${sizes.join(", ")}];
    let mut values: Vec<f64> = (0..sizes[0]).map(|i| f64::cos(i as f64)).collect();
    for layer in 0..sizes.len() - 1 {
        let (rows, columns) = (sizes[layer], sizes[layer + 1]);
        let weight = tensor(format!("layers.{layer}.weight")); // row by row: inputs, outputs
        let bias = tensor(format!("layers.{layer}.bias"));
        let activation = if layer + 2 < sizes.len() { hidden } else { output };
        let mut next = Vec::with_capacity(columns);
        for j in 0..columns {
            let mut sum = f64::from(bias[j]);
            for i in 0..rows {
                sum += values[i] * f64::from(weight[i * columns + j]);
            }
            next.push(activation(sum));
        }
        values = next;
    }
    for value in values {
        println!("{value}");
    }
}
`,

  cpp: ({ origin, query, sizes, hidden, output }) => `// c++ -std=c++17 weights.cpp -lcurl; on a little-endian machine, as nearly all are
#include <curl/curl.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

double hidden(double x) { return ${expression("cpp", hidden)}; }

double output(double x) { return ${expression("cpp", output)}; }

std::size_t append(char* data, std::size_t size, std::size_t count, void* body) {
    static_cast<std::string*>(body)->append(data, size * count);
    return size * count;
}

std::vector<float> tensor(const std::string& name) {
    std::string url = "${origin}/weights/" + name + ".bin?${query}", body;
    CURL* curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (curl_easy_perform(curl) != CURLE_OK) std::exit(1);
    curl_easy_cleanup(curl);
    std::vector<float> values(body.size() / sizeof(float));
    std::memcpy(values.data(), body.data(), values.size() * sizeof(float));
    return values;
}

int main() {
    std::vector<std::size_t> sizes = {${sizes.join(", ")}};
    std::vector<double> values(sizes[0]);
    for (std::size_t i = 0; i < values.size(); i++) values[i] = std::cos(static_cast<double>(i));
    for (std::size_t layer = 0; layer + 1 < sizes.size(); layer++) {
        std::size_t rows = sizes[layer], columns = sizes[layer + 1];
        auto weight = tensor("layers." + std::to_string(layer) + ".weight");  // row by row: inputs, outputs
        auto bias = tensor("layers." + std::to_string(layer) + ".bias");
        std::vector<double> next(columns);
        for (std::size_t j = 0; j < columns; j++) {
            double sum = static_cast<double>(bias[j]);
            for (std::size_t i = 0; i < rows; i++) sum += values[i] * static_cast<double>(weight[i * columns + j]);
            next[j] = layer + 2 < sizes.size() ? hidden(sum) : output(sum);
        }
        values = next;
    }
    for (double value : values) std::printf("%.17g\\n", value);
}
`,
};
