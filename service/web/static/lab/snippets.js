// The weights of a view from a program: lines that run as they are, without an SDK.
export const LANGUAGES = { curl: "curl", python: "Python", javascript: "JavaScript", go: "Go", cpp: "C++" };

/** Return the program that reads the weights which a query describes. */
export const snippet = (language, origin, query) => PROGRAMS[language](origin, query);

const PROGRAMS = {
  curl: (origin, query) => `curl -o weights.npz '${origin}/weights.npz?${query}'
`,

  python: (origin, query) => `import io
import urllib.request

import numpy

url = "${origin}/weights.npz?${query}"
with urllib.request.urlopen(url) as answer:
    weights = numpy.load(io.BytesIO(answer.read()))
for name, values in weights.items():
    print(name, *values.shape, values.std())
`,

  javascript: (origin, query) => `const service = "${origin}";
const plan = await (await fetch(\`\${service}/plan?${query}\`)).json();
for (const { name, shape, links } of plan.tensors) {
  const answer = await fetch(service + links.bin);
  const values = new Float32Array(await answer.arrayBuffer());
  console.log(name, ...shape, values[0]);
}
`,

  go: (origin, query) => `package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"net/http"
)

func main() {
	url := "${origin}/weights/layers.0.weight.bin?${query}"
	answer, err := http.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	values := make([]float32, answer.ContentLength/4)
	if err := binary.Read(answer.Body, binary.LittleEndian, values); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(values), values[0])
}
`,

  cpp: (origin, query) => `// c++ weights.cpp -lcurl; on a little-endian machine, as nearly all are
#include <curl/curl.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

std::size_t append(char* data, std::size_t size, std::size_t count, void* body) {
    static_cast<std::string*>(body)->append(data, size * count);
    return size * count;
}

int main() {
    std::string body;
    CURL* curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL,
                     "${origin}/weights/layers.0.weight.bin?${query}");
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (curl_easy_perform(curl) != CURLE_OK) return 1;
    curl_easy_cleanup(curl);
    std::vector<float> values(body.size() / sizeof(float));
    std::memcpy(values.data(), body.data(), values.size() * sizeof(float));
    std::printf("%zu %.9g\\n", values.size(), values[0]);
}
`,
};
