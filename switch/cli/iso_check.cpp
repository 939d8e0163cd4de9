// `tollgate iso check`: vector files held against the codec.
#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>
#include <vector>

#include "switch/cli/iso_parts.h"
#include "switch/cli/iso_tools.h"
#include "switch/iso/codec.h"
#include "switch/iso/framing.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

// Where a message was refused, in the words of vector files.
struct Outcome {
  bool refused = false;
  bool incomplete = false;
  std::string place;  // "field 60", "bitmap", "MTI", "TPDU", "header", "length prefix", "end"
  iso::Refusal refusal = iso::Refusal::none;
};

Outcome outcome_of(const iso::DecodeStatus& status) {
  using iso::Refusal;
  if (status.ok()) return {};
  Outcome outcome{true, status.refusal == Refusal::truncated, "start", status.refusal};
  if (status.field != 0)
    outcome.place = "field " + std::to_string(status.field);
  else if (status.refusal == Refusal::bad_tpdu)
    outcome.place = "TPDU";
  else if (status.refusal == Refusal::bad_header)
    outcome.place = "header";
  else if (status.refusal == Refusal::bad_mti)
    outcome.place = "MTI";
  else if (status.refusal == Refusal::bad_bitmap)
    outcome.place = "bitmap";
  else if (status.refusal == Refusal::trailing)
    outcome.place = "end";
  return outcome;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

// Whether the refusal is at the place that the vector's `parse` names. A sentence that names no place asks
// for a refusal only.
bool at_place(const Outcome& outcome, std::string_view parse) {
  const std::string said = lower(parse);
  if (const auto field = said.find("field "); field != std::string::npos) {
    const std::size_t from = field + 6;
    const std::size_t to = std::min(said.find_first_not_of("0123456789", from), said.size());
    if (to > from) return outcome.place == "field " + said.substr(from, to - from);
  }
  if (said.find("bitmap") != std::string::npos)
    return outcome.place == "bitmap" || outcome.refusal == iso::Refusal::unknown_field;
  for (const std::string_view place : {"MTI", "TPDU", "header"}) {
    if (said.find(lower(place)) != std::string::npos) return outcome.place == place;
  }
  if (said.find("incomplete") != std::string::npos || said.find("truncated") != std::string::npos)
    return outcome.incomplete;
  if (said.find("trailing") != std::string::npos || said.find("surplus") != std::string::npos)
    return outcome.place == "end";
  return outcome.refused;
}

class Case {
 public:
  Case(const json::object& message, const iso::Dialect& dialect, const iso::Dialect& bare, std::ostream& out)
      : message_(message), dialect_(says("has_tpdu_header") ? dialect : bare), out_(out) {
    const auto* id = message.if_contains("id");
    id_ = id != nullptr && id->is_string() ? std::string(id->as_string()) : "(no id)";
  }

  bool run() {
    const auto bytes = from_hex(text("hex").value_or("?"));
    if (!bytes) return failed("hex", "hexadecimal", "something else");
    const std::string verdict = text("verdict").value_or("");
    const Outcome outcome = decode(*bytes);
    if (verdict == "defective") {
      const std::string parse = text("parse").value_or("a refusal");
      if (outcome.refused && at_place(outcome, parse)) return true;
      return failed("parse", parse, outcome.refused ? describe(outcome) : "accepted");
    }
    if (verdict != "consistent") return failed("verdict", "consistent or defective", verdict);
    if (outcome.refused) return failed("parse", "accepted", describe(outcome));
    const bool head = check_head();
    const bool fields = check_fields();
    const bool again = check_encoding();
    const bool mac = check_mac();
    return check_decoded() && head && fields && again && mac;
  }

 private:
  bool says(const char* key) const {
    const auto* value = message_.if_contains(key);
    return value == nullptr || !value->is_bool() || value->as_bool();
  }
  std::optional<std::string> text(const char* key) const {
    const auto* value = message_.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->as_string());
  }
  bool failed(std::string_view what, std::string_view expected, std::string_view got) const {
    out_ << id_ << ": " << what << ": expected " << expected << ", got " << got << "\n";
    return false;
  }
  bool same(std::string_view what, std::string_view expected, std::string_view got) const {
    return expected == got || failed(what, expected, got);
  }
  static std::string describe(const Outcome& outcome) {
    return "refused at " + outcome.place + " (" + std::string(name(outcome.refusal)) + ")";
  }

  Outcome decode(const Bytes& bytes) {
    frame_ = bytes;
    if (says("has_length_prefix")) {
      const iso::Cut cut = iso::next_frame(dialect_.framing(), bytes);
      if (cut.kind == iso::Cut::Kind::incomplete)
        return {true, true, "length prefix", iso::Refusal::truncated};
      if (cut.kind == iso::Cut::Kind::refused)
        return {true, false, "length prefix", iso::Refusal::bad_length};
      if (cut.consumed != bytes.size()) return {true, false, "end", iso::Refusal::trailing};
      frame_.assign(cut.frame.begin(), cut.frame.end());
    }
    return outcome_of(iso::decode(dialect_, frame_, view_));
  }

  bool check_head() const {
    std::array<std::uint8_t, 2> mti{};
    store_be16(mti.data(), view_.mti().bcd);
    std::array<std::uint8_t, 16> bitmap{};
    store_be64(bitmap.data(), view_.fields().primary());
    store_be64(bitmap.data() + 8, view_.fields().secondary());
    bool good = true;
    if (const auto said = text("mti")) good &= same("mti", *said, to_hex(mti));
    if (const auto said = text("tpdu")) good &= same("tpdu", *said, to_hex(view_.tpdu()));
    if (const auto said = text("header")) good &= same("header", *said, to_hex(view_.header()));
    if (const auto said = text("bitmap")) {
      good &= same("bitmap", *said, to_hex(ByteView(bitmap).first(view_.has(1) ? 16 : 8)));
    }
    return good;
  }

  bool check_fields() const {
    const auto* node = message_.if_contains("fields");
    if (node == nullptr || !node->is_object()) return failed("fields", "an object", "none");
    bool good = true;
    for (const auto& [key, value] : node->as_object()) {
      const bool number =
          !key.empty() && key.size() <= 3 && key.find_first_not_of("0123456789") == std::string_view::npos;
      const int field = number ? std::stoi(std::string(key)) : 0;
      if (field < 2 || field > iso::kFieldMax || !value.is_string()) {
        good = failed("fields", "numbers from 2 to 128 with texts", key);
      } else if (!view_.has(field)) {
        good = failed("field " + std::string(key), std::string_view(value.as_string()), "absent");
      } else {
        good &=
            same("field " + std::string(key), std::string_view(value.as_string()), field_text(view_, field));
      }
    }
    for (int field = 2; field <= iso::kFieldMax; ++field) {
      if (!view_.has(field) || node->as_object().contains(std::to_string(field))) continue;
      good = failed("field " + std::to_string(field), "absent", field_text(view_, field));
    }
    return good;
  }

  // Encoded from the decoded message: the same bytes. Encoded from the values of the vector: the same values.
  bool check_encoding() const {
    iso::MessageBuilder copy;
    copy.copy_all(view_);
    std::vector<std::uint8_t> out(frame_.size() + 16);
    const auto encoded = iso::encode(dialect_, copy, out);
    if (!encoded) return failed("reencoded", "bytes", name(encoded.error().refusal));
    if (!same("reencoded", to_hex(frame_), to_hex(encoded->last(std::min(encoded->size(), frame_.size())))))
      return false;

    iso::MessageBuilder builder;
    builder.set_mti(view_.mti());
    builder.set_tpdu(view_.tpdu());
    builder.set_header(view_.header());
    std::array<std::string, iso::kFieldMax + 1> values;
    for (int field = 2; field <= iso::kFieldMax; ++field) {
      if (!view_.has(field)) continue;
      auto& value = values[static_cast<std::size_t>(field)];
      const auto canonical = canonical_text(dialect_.field(field), field_text(view_, field));
      if (!canonical) return failed("field " + std::to_string(field), "hexadecimal", "something else");
      value = *canonical;
      builder.set(field, value);
    }
    const auto made = iso::encode(dialect_, builder, out);
    if (!made) return failed("encoded from values", "bytes", name(made.error().refusal));
    iso::MessageView again;
    if (!iso::decode(dialect_, made->last(std::min(made->size(), frame_.size())), again).ok()) {
      return failed("encoded from values", "a message that decodes", "a refusal");
    }
    bool good = true;
    for (int field = 2; field <= iso::kFieldMax; ++field) {
      good &= same("field " + std::to_string(field) + " encoded from its value", field_text(view_, field),
                   field_text(again, field));
    }
    return good;
  }

  bool check_mac() const {
    std::optional<std::string> data = text("mac_data");
    if (const auto* mac = message_.if_contains("mac"); mac != nullptr && mac->is_object()) {
      if (const auto* node = mac->as_object().if_contains("data"); node != nullptr && node->is_string()) {
        if (data && *data != node->as_string())
          return failed("mac.data", *data, std::string_view(node->as_string()));
        data = std::string(node->as_string());
      }
    }
    return !data || same("mac.data", *data, to_hex(view_.mac_range()));
  }

  bool check_decoded() const {
    const auto* node = message_.if_contains("decoded");
    if (node == nullptr || !node->is_object()) return true;
    bool good = true;
    for (const auto& [key, expected] : node->as_object()) {
      // Tracks in clear need the TDK: `tollgate crypto check` has them.
      if (key == "35" || key == "36" || key == "52") continue;
      const bool number =
          !key.empty() && key.size() <= 3 && key.find_first_not_of("0123456789") == std::string_view::npos;
      const json::value got =
          number ? decoded_parts(view_, std::stoi(std::string(key))) : json::value(nullptr);
      good &= agree("decoded " + std::string(key), expected, got);
    }
    return good;
  }

  // Everything that the vector says must be in `got`; got may know more.
  bool agree(const std::string& path, const json::value& expected, const json::value& got) const {
    if (!expected.is_object()) return same(path, json::serialize(expected), json::serialize(got));
    if (!got.is_object()) return failed(path, json::serialize(expected), json::serialize(got));
    bool good = true;
    for (const auto& [key, value] : expected.as_object()) {
      if (needs_keys(key)) continue;
      const auto* found = find_part(got.as_object(), key);
      if (found == nullptr)
        good = failed(path + "." + std::string(key), json::serialize(value), "nothing known by that name");
      else
        good &= agree(path + "." + std::string(key), value, *found);
    }
    return good;
  }
  // What only a key opens; checked with the other vectors of cryptography.
  static bool needs_keys(std::string_view key) {
    return key == "layout" || key == "tmk" || key == "pik" || key == "mak" || key == "tdk";
  }
  // "61.1 batch" is known by its number.
  static const json::value* find_part(const json::object& parts, std::string_view key) {
    if (const auto* exact = parts.if_contains(key)) return exact;
    const auto number = key.substr(0, key.find(' '));
    for (const auto& [name, value] : parts) {
      if (number.find('.') != std::string_view::npos &&
          std::string_view(name).substr(0, name.find(' ')) == number)
        return &value;
    }
    return nullptr;
  }

  const json::object& message_;
  const iso::Dialect& dialect_;
  std::ostream& out_;
  std::string id_;
  Bytes frame_;
  iso::MessageView view_;
};

}  // namespace

int iso_check(const std::string& file, std::string_view dialect_name, std::ostream& out) {
  const auto dialect = find_dialect(dialect_name);
  const auto content = read_file(file);
  if (!dialect || !content) {
    out << "error: " << (dialect ? content.error() : dialect.error()).text() << "\n";
    return 2;
  }
  boost::system::error_code error;
  const json::value root = json::parse(*content, error);
  if (error || !root.is_object()) {
    out << "error: " << file << ": not a vector file: " << (error ? error.message() : "no object") << "\n";
    return 2;
  }
  const auto bare = (*dialect)->without_envelope();
  std::size_t passed = 0, failed = 0;
  for (const char* list : {"messages", "observed_messages", "constructed_messages"}) {
    const auto* messages = root.as_object().if_contains(list);
    if (messages == nullptr || !messages->is_array()) continue;
    for (const auto& item : messages->as_array()) {
      const bool good = item.is_object() && Case(item.as_object(), **dialect, *bare, out).run();
      if (!item.is_object()) out << list << ": expected an object, got something else\n";
      ++(good ? passed : failed);
    }
  }
  if (passed + failed == 0) out << "error: " << file << ": no messages\n";
  out << passed << " passed, " << failed << " failed\n";
  return passed != 0 && failed == 0 ? 0 : 1;
}

}  // namespace tollgate::cli
