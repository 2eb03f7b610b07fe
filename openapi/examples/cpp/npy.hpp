// Reads the .npy files that fanin sends: little-endian float32, row-major, one or two axes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

struct Array {
    std::vector<std::size_t> shape;
    std::vector<float> values;
};

inline Array read_npy(const std::string& file) {
    if (file.size() < 10 || file.compare(0, 6, "\x93NUMPY") != 0) throw std::runtime_error("no .npy file");
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(file[at]); };
    const std::size_t start = 10u + byte(8) + 256u * byte(9);
    if (file.size() < start) throw std::runtime_error("the header is cut short");
    const std::string header = file.substr(10, start - 10);
    if (header.find("'<f4'") == std::string::npos || header.find("'fortran_order': False") == std::string::npos)
        throw std::runtime_error("not row-major float32: " + header);

    Array array;
    std::size_t count = 1;
    std::smatch axes;
    if (!std::regex_search(header, axes, std::regex(R"(\(([^)]*)\))"))) throw std::runtime_error("no shape");
    const std::string sizes = axes[1];
    const std::regex digits("[0-9]+");
    for (std::sregex_iterator size(sizes.begin(), sizes.end(), digits), end; size != end; ++size) {
        array.shape.push_back(std::stoull(size->str()));
        count *= array.shape.back();
    }
    if (file.size() != start + count * sizeof(float)) throw std::runtime_error("the values are cut short");
    array.values.resize(count);
    std::memcpy(array.values.data(), file.data() + start, count * sizeof(float));  // on little-endian machines
    return array;
}
