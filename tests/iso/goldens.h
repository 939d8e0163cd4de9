// The messages of vectors/cup.json for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "switch/base/bytes.h"
#include "switch/iso/codec.h"
#include "switch/iso/framing.h"

namespace tollgate::iso::test {

struct Golden {
  std::string id;
  bool defective = false;
  std::shared_ptr<const Dialect>
      dialect;  // cup, without TPDU and header where the message comes without them
  Bytes frame;  // without the length prefix
  boost::json::object json;
};

inline std::string read_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in.good()) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<Golden> goldens() {
  const auto cup = Dialect::builtin("cup");
  const auto bare = cup->without_envelope();
  const auto root =
      boost::json::parse(read_text(std::string(TOLLGATE_SOURCE_DIR) + "/tests/iso/vectors/cup.json"))
          .as_object();
  std::vector<Golden> result;
  for (const auto* list : {"observed_messages", "constructed_messages"}) {
    for (const auto& item : root.at(list).as_array()) {
      Golden golden;
      golden.json = item.as_object();
      golden.id = golden.json.at("id").as_string();
      golden.defective = golden.json.at("verdict").as_string() == "defective";
      const auto says = [&](const char* key) {
        return !golden.json.contains(key) || golden.json.at(key).as_bool();
      };
      golden.dialect = says("has_tpdu_header") ? cup : bare;
      golden.frame = *from_hex(std::string_view(golden.json.at("hex").as_string()));
      if (says("has_length_prefix")) golden.frame.erase(golden.frame.begin(), golden.frame.begin() + 2);
      result.push_back(std::move(golden));
    }
  }
  EXPECT_GT(result.size(), 80U);
  return result;
}

inline Golden golden(std::string_view id) {
  for (auto& one : goldens()) {
    if (one.id == id) return std::move(one);
  }
  ADD_FAILURE() << "no golden " << id;
  return {};
}

// The same field as the vector file writes it: digits and text as they are, text beyond ASCII as "hex:",
// binary as hex.
inline std::string shown(const MessageView& view, int field) {
  std::vector<char> buffer(view.dialect()->longest());
  const std::string text(view.value(field, buffer));
  if (view.dialect()->field(field).charset == Charset::binary) return to_hex(as_bytes(text));
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  return ascii ? text : "hex:" + to_hex(as_bytes(text));
}

// encode(copy of view) without the length prefix.
inline Bytes encoded_again(const MessageView& view) {
  MessageBuilder builder;
  builder.copy_all(view);
  Bytes out(view.frame().size() + 8);
  const auto encoded = encode(*view.dialect(), builder, out);
  if (!encoded) return {};
  const std::size_t prefix = encoded->size() - view.frame().size();
  return {encoded->begin() + static_cast<std::ptrdiff_t>(prefix), encoded->end()};
}

}  // namespace tollgate::iso::test
