// Private to switch/iso: what a dialect file says, before it is a Dialect. The reader fills a draft from TOML
// (twice when the file extends another dialect: what the second says wins); the loader turns it into a
// Dialect and checks that it adds up.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "switch/iso/dialect.h"

namespace tollgate::iso {

// Thrown inside the loading of a dialect, caught by Dialect::load.
struct DialectRefused {
  std::string where;  // "cup.toml:12"
  std::string what;
};

// One thing that the file says, and where.
template <class T>
struct Said {
  T value{};
  std::string where;
};

using FieldList = Said<std::vector<Said<std::variant<int, std::string>>>>;  // numbers and names of sets

struct FieldDraft {
  std::string where;
  std::string name;
  Said<std::string> format;  // "n..19 LL"
  std::optional<Said<std::string>> align, pack;
  bool tlv = false, sensitive = false;
};

struct EncodingDraft {
  Packing digits = Packing::ascii;  // bcd_right stands for BCD
  Packing binary = Packing::hex;
  LengthPacking lengths = LengthPacking::ascii;
  bool equals_separator = true;
  bool hex_counts_characters = true;
};

// What rows and the `like` tables that they share can both say.
struct RowDraft {
  std::optional<KindClass> cls;
  std::optional<bool> mac, mac_reply, signed_on;
  std::optional<FieldList> required, any;
  std::optional<Said<std::string>> reply;
};

struct KindDraft {
  std::string where;
  Kind kind = Kind::unknown;
  Mti mti;
  std::optional<Said<std::string>> like;
  RowDraft own;
  std::vector<Said<KindRow::Pattern>> match;
};

struct ReplyDraft {
  FieldList echo, refusal, approval;
};

struct DialectDraft {
  std::string name;
  Framing framing;
  std::uint8_t tpdu_size = 0, header_size = 0;
  bool bcd_mti = false, hex_bitmap = true, secondary = true;
  Said<int> mac_field{64, {}};
  EncodingDraft encoding;
  std::map<int, FieldDraft> fields;
  std::map<std::string, FieldList, std::less<>> sets;
  std::map<std::string, ReplyDraft, std::less<>> replies;
  std::map<std::string, RowDraft, std::less<>> likes;
  std::vector<KindDraft> kinds;  // those of the extending file first: the first that fits wins
};

// Reads TOML into the draft; throws DialectRefused. Returns the name that the file extends, read into the
// draft before.
void read_dialect(std::string_view text, std::string_view file, DialectDraft& draft);

}  // namespace tollgate::iso
