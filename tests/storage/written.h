// How much of a file was written: its size without the zeros at its end, which wait there for the next
// records of a log (storage/rocks_log_files.h).
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace tollgate::storage::test {

inline std::size_t written_size(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return bytes.find_last_not_of('\0') + 1;
}

}  // namespace tollgate::storage::test
