// No SDK, only libcurl (and SHA-256 from OpenSSL):
// c++ -std=c++17 main.cpp -lcurl -lcrypto -o main && ./main http://127.0.0.1:8000
#include <curl/curl.h>
#include <openssl/sha.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

#include "npy.hpp"

namespace {

struct Answer {
    long status = 0;
    std::string body;
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* body) {
    static_cast<std::string*>(body)->append(data, size * count);
    return size * count;
}

// GET, or POST where there is a body.
Answer ask(const std::string& url, const std::string& range = "", const std::string& body = "") {
    Answer answer;
    CURL* curl = curl_easy_init();
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    if (!body.empty()) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    if (!range.empty()) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) throw std::runtime_error(curl_easy_strerror(code));
    return answer;
}

std::string download(const std::string& url, const std::string& range = "", const std::string& body = "") {
    Answer answer = ask(url, range, body);
    if (answer.status >= 300) throw std::runtime_error(answer.body);
    return std::move(answer.body);
}

void report(const char* name, const void* values, std::size_t bytes) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(static_cast<const unsigned char*>(values), bytes, digest);
    std::printf("%s ", name);
    for (const unsigned char byte : digest) std::printf("%02x", byte);
    std::printf("\n");
}

void report(const char* name, const std::vector<float>& values) {
    report(name, values.data(), values.size() * sizeof(float));
}

// The first string or number of this name in a JSON text: enough for these answers, and no JSON library.
std::string field(const std::string& text, const std::string& name) {
    std::smatch found;
    if (!std::regex_search(text, found, std::regex("\"" + name + "\":\"?([^\",}]*)"))) throw std::runtime_error(text);
    return found[1];
}

// All numbers of all lists of this name in a JSON text.
std::vector<float> numbers(const std::string& text, const std::string& name) {
    std::vector<float> values;
    const std::string list = "\"" + name + "\":[";
    for (std::size_t at = text.find(list); at != std::string::npos; at = text.find(list, at)) {
        const char* next = text.c_str() + at + list.size();
        while (*next != ']') {
            char* end = nullptr;
            values.push_back(static_cast<float>(std::strtod(next, &end)));
            next = *end == ',' ? end + 1 : end;
        }
        at += list.size();
    }
    return values;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

void run(const std::string& service) {
    const std::string network = "layers=784,256,10&activation=relu&seed=42";
    const std::string tensor = service + "/weights/layers.0.weight";

    const std::string plan = download(service + "/plan?" + network);
    std::printf("plan %s values in %zu tensors\n", field(plan, "elements").c_str(), occurrences(plan, "\"fan_in\":"));

    const std::string whole = download(service + "/weights.npy?" + network);
    report("weights.npy", read_npy(whole).values);
    report("weights.json", numbers(download(service + "/weights.json?" + network), "data"));

    const std::size_t middle = whole.size() / 2;
    const std::string first = download(service + "/weights.npy?" + network, "0-" + std::to_string(middle - 1));
    const std::string second = download(service + "/weights.npy?" + network, std::to_string(middle) + "-");
    report("halves", read_npy(first + second).values);

    const std::string network_as_json = R"({"layers": [784, 256, 10], "activation": "relu", "seed": 42})";
    report("posted", read_npy(download(service + "/weights.npy", "", network_as_json)).values);

    report("tensor.npy", read_npy(download(tensor + ".npy?" + network)).values);
    const std::string bare = download(tensor + ".bin?" + network);
    report("tensor.bin", bare.data(), bare.size());

    std::ostringstream resnet;
    resnet << std::ifstream("../../resnet18.json").rdbuf();
    const std::string model = download(service + "/model/weights.safetensors", "", resnet.str());
    report("resnet18", model.data(), model.size());

    const std::string experiment = "layers=100,100,100,100,100,100&activation=sigmoid&scheme=fixed&std=1&seed=1";
    const std::string diagnosis = download(service + "/diagnose?" + experiment);
    std::printf("verdict %s\n", field(diagnosis.substr(diagnosis.find("\"verdict\":")), "code").c_str());

    const Answer refused = ask(service + "/plan?layers=784,0&activation=relu");
    std::printf("problem %s %s %s\n", field(refused.body, "status").c_str(), field(refused.body, "type").c_str(),
                field(refused.body, "field").c_str());
}

}  // namespace

int main(int count, char** arguments) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    try {
        run(count > 1 ? arguments[1] : "http://127.0.0.1:8000");
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << '\n';
        return 1;
    }
    curl_global_cleanup();
    return 0;
}
