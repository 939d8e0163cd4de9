// The messages of cup_vectors.txt by name.
#pragma once

#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "switch/base/bytes.h"

namespace tollgate::sim {

inline const Bytes& vector_frame(const std::string& name) {
  static const auto all = [] {
    std::map<std::string, Bytes> frames;
    std::ifstream in(TOLLGATE_SOURCE_DIR "/tests/sim_peers/cup_vectors.txt");
    std::string line;
    while (std::getline(in, line)) {
      const auto space = line.find(' ');
      if (line.empty() || line[0] == '#') continue;
      frames[line.substr(0, space)] = from_hex(line.substr(space + 1)).value();
    }
    return frames;
  }();
  return all.at(name);  // throws on a name that the file lacks
}

// Without the length prefix, as a socket's reader hands it over.
inline ByteView vector_body(const std::string& name) {
  return ByteView(vector_frame(name)).subspan(2);
}

}  // namespace tollgate::sim
