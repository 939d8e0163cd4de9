// The vector files of this folder, and short ways to write keys and bytes in tests.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "switch/base/bytes.h"
#include "switch/crypto/lab.h"

namespace tollgate::crypto {

inline Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

inline std::string vector_path(const char* name) {
  return std::string(TOLLGATE_SOURCE_DIR "/tests/crypto/vectors/") + name;
}

inline boost::json::object read_vectors(const char* name) {
  std::ifstream in(vector_path(name), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return boost::json::parse(text).as_object();
}

inline std::string_view text(const boost::json::object& object, const char* name) {
  return object.at(name).as_string();
}

// The entry of "crypto" in cup_crypto.json.
inline boost::json::object cup_crypto(std::string_view id) {
  const auto document = read_vectors("cup_crypto.json");
  for (const auto& entry : document.at("crypto").as_array()) {
    if (entry.at("id").as_string() == id) return entry.as_object();
  }
  ADD_FAILURE() << "no vector " << id;
  return {};
}

inline std::string generate(const MacKey& key, ByteView data) {
  std::array<std::uint8_t, kField64Size> out;
  mac_generate(key, data, out);
  return std::string(as_text(out));
}

inline KeyVault test_vault() {
  return KeyVault::from_kek(Bytes(32, 0x5A));
}

}  // namespace tollgate::crypto
