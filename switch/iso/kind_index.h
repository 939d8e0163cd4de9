// Private to switch/iso: the [[kind]] rows of a dialect, prepared for classify().
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "switch/iso/message.h"

namespace tollgate::iso {

// The [[kind]] rows as classify() walks them: every part of a message that some row looks at is read once, as
// up to eight characters in a word; a row is then a few masked compares.
struct KindIndex {
  struct Part {
    std::uint8_t field, offset, count;
    std::array<char, 2> tag;  // {0, 0}: none
    friend bool operator==(const Part&, const Part&) noexcept = default;
  };
  struct Value {
    std::uint64_t mask, value;
  };
  struct Test {
    std::uint16_t part, first, last;  // values [first, last): one of them
  };
  struct Row {
    FieldBits present, absent;
    std::uint16_t first, last;  // tests
    std::uint16_t row;          // in Dialect::kinds()
  };
  struct Group {
    Mti mti;
    std::uint16_t first, last;  // rows
  };
  static constexpr std::size_t kPartsMax = 64;  // one bit each while a message is looked at
  std::vector<Part> parts;
  std::vector<Value> values;
  std::vector<Test> tests;
  std::vector<Row> rows;
  std::vector<Group> groups;
};

}  // namespace tollgate::iso
