// `tollgate iso decode` and `tollgate iso encode`. What is shown here ends in tickets and chats, so what is
// not known to be harmless is hidden.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <istream>
#include <ostream>

#include "switch/base/sensitive.h"
#include "switch/cli/iso_parts.h"
#include "switch/cli/iso_tools.h"
#include "switch/iso/codec.h"
#include "switch/iso/framing.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

std::string hidden(std::size_t length) {
  return "(hidden, " + std::to_string(length) + ")";
}

template <std::size_t N>
bool among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Chip data without a card number, track, name or script in it; every other tag is hidden.
constexpr std::array<std::string_view, 28> kHarmlessChipTags = {
    "9F26", "9F27", "9F10", "9F37", "9F36", "95",   "9A",   "9C",  "9F02", "5F2A",
    "82",   "9F1A", "9F03", "9F33", "9F34", "9F35", "9F1E", "84",  "9F09", "9F41",
    "9F63", "91",   "8A",   "9F74", "DF31", "5F34", "9B",   "9F21"};
// Tags of 62: kind of service, wallet order, telecom, upstream serial. RC is a card number; RN a name, MP a
// telephone number.
constexpr std::array<std::string_view, 4> kHarmlessServiceTags = {"BT", "WO", "MO", "SN"};

json::value hide_tags(const json::value& list, bool (*shown)(std::string_view)) {
  json::array result;
  for (const auto& item : list.as_array()) {
    const auto& tag = item.as_array()[0].as_string();
    const auto& value = item.as_array()[1].as_string();
    if (tag == "RC")
      result.emplace_back(json::array{tag, MaskedPan::of(std::string_view(value)).text()});
    else
      result.emplace_back(json::array{tag, shown(tag) ? std::string(value) : hidden(value.size())});
  }
  return result;
}

json::value masked_48(json::value parts) {
  if (!parts.is_object() || !parts.as_object().contains("details")) return parts;
  for (auto& item : parts.as_object()["details"].as_array()) {
    auto& pan = item.as_object()["pan"];
    pan = MaskedPan::of(std::string_view(pan.as_string())).text();
  }
  return parts;
}

// The inside of a private field with what is sensitive in it hidden; null where nothing of it may be shown.
json::value shown_parts(const iso::MessageView& message, int field) {
  // The readers know cup's private fields; the same numbers mean other things elsewhere.
  const bool cup = message.dialect()->bcd_mti() && !message.dialect()->secondary_bitmap();
  if (!message.has(field) || !(cup || field == 55)) return nullptr;
  json::value parts = decoded_parts(message, field);
  if (parts.is_null()) return parts;
  switch (field) {
    case 48:
      return masked_48(std::move(parts));
    case 55:
      return hide_tags(parts, [](std::string_view tag) { return among(kHarmlessChipTags, tag); });
    case 59:
      return hide_tags(parts, [](std::string_view) { return false; });
    case 62:
      if (!parts.is_array()) return parts;
      // Parameters have numbers for tags and hold nothing of a cardholder.
      return hide_tags(
          parts, [](std::string_view tag) { return tag[0] <= '9' || among(kHarmlessServiceTags, tag); });
    case 54:
    case 60:
    case 61:
      return parts;
    default:
      return nullptr;
  }
}

std::string shown_value(const iso::MessageView& message, int field) {
  const auto& spec = message.dialect()->field(field);
  const std::string text = field_text(message, field);
  if (field == 2) return std::string(MaskedPan::of(text).text());
  if (spec.sensitive || spec.tlv) return hidden(message.length(field));
  if (spec.charset != iso::Charset::text) return text;
  const auto canonical = canonical_text(spec, text);
  return canonical ? readable(*canonical) : text;
}

std::string mti_text(iso::Mti mti) {
  std::array<std::uint8_t, 2> bytes{};
  store_be16(bytes.data(), mti.bcd);
  return to_hex(bytes);
}

std::string without_space(std::string_view text) {
  std::string result;
  std::ranges::copy_if(text, std::back_inserter(result),
                       [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; });
  return result;
}

void write_table(const iso::MessageView& view, std::ostream& out) {
  const auto& dialect = *view.dialect();
  const auto* row = dialect.classify(view);
  out << "dialect  " << dialect.name() << "\n";
  if (!view.tpdu().empty()) out << "tpdu     " << to_hex(view.tpdu()) << "\n";
  if (!view.header().empty()) out << "header   " << to_hex(view.header()) << "\n";
  out << "mti      " << mti_text(view.mti());
  if (row != nullptr) out << "  " << name(row->kind);
  out << "\n";
  for (int field = 2; field <= iso::kFieldMax; ++field) {
    if (!view.has(field)) continue;
    const std::string number = std::to_string(field);
    const std::string& title = dialect.field(field).name;
    out << std::string(4 - number.size(), ' ') << number << "  " << title
        << std::string(title.size() < 30 ? 30 - title.size() : 0, ' ') << "  " << shown_value(view, field)
        << "\n";
    const json::value parts = shown_parts(view, field);
    const auto line = [&](std::string_view key, const json::value& value) {
      out << "        " << key << "  "
          << (value.is_string() ? std::string(value.as_string()) : json::serialize(value)) << "\n";
    };
    if (parts.is_object()) {
      for (const auto& [key, value] : parts.as_object()) line(key, value);
    } else if (parts.is_array()) {
      for (const auto& item : parts.as_array()) {
        if (item.is_array())
          line(item.as_array()[0].as_string(), item.as_array()[1]);
        else
          line("-", item);
      }
    }
  }
}

void write_json(const iso::MessageView& view, std::ostream& out) {
  json::object root{{"dialect", view.dialect()->name()}};
  if (!view.tpdu().empty()) root["tpdu"] = to_hex(view.tpdu());
  if (!view.header().empty()) root["header"] = to_hex(view.header());
  root["mti"] = mti_text(view.mti());
  if (const auto* row = view.dialect()->classify(view)) root["kind"] = name(row->kind);
  json::object fields, decoded;
  for (int field = 2; field <= iso::kFieldMax; ++field) {
    if (!view.has(field)) continue;
    fields[std::to_string(field)] = shown_value(view, field);
    if (json::value parts = shown_parts(view, field); !parts.is_null())
      decoded[std::to_string(field)] = std::move(parts);
  }
  root["fields"] = std::move(fields);
  root["decoded"] = std::move(decoded);
  out << json::serialize(root) << "\n";
}

int unreadable(std::ostream& out, std::string_view why) {
  out << "error: " << why << "\n";
  return 2;
}

}  // namespace

int iso_decode(std::string_view hex, std::string_view dialect_name, IsoDecodeOptions options,
               std::istream& in, std::ostream& out) {
  const auto dialect = find_dialect(dialect_name);
  if (!dialect) return unreadable(out, dialect.error().text());
  std::string text(hex);
  if (hex == "-") {
    const auto read = read_stream(in);
    if (!read) return unreadable(out, read.error().text());
    text = *read;
  }
  const auto bytes = from_hex(without_space(text));
  if (!bytes || bytes->empty()) return unreadable(out, "the message must be hexadecimal");

  // With its length prefix when the prefix says exactly what is there.
  ByteView frame = *bytes;
  const iso::Cut cut = iso::next_frame((*dialect)->framing(), frame);
  if (cut.kind == iso::Cut::Kind::frame && cut.consumed == frame.size()) frame = cut.frame;
  iso::MessageView view;
  auto status = iso::decode(**dialect, frame, view);
  if (status.refusal == iso::Refusal::bad_tpdu) {
    // A body without TPDU and header, as captures have it.
    const auto bare = (*dialect)->without_envelope();
    if (iso::decode(*bare, frame, view).ok()) {
      (options.json ? write_json : write_table)(view, out);
      return 0;
    }
    status = iso::decode(**dialect, frame, view);
  }
  if (status.ok() || !options.json) (options.json ? write_json : write_table)(view, out);
  if (status.ok()) return 0;
  out << "refused: " << name(status.refusal);
  if (status.field != 0) out << " in field " << int{status.field};
  out << " at byte " << status.offset << " of the frame\n";
  return 1;
}

int iso_encode(std::string_view source, std::string_view dialect_name, std::istream& in, std::ostream& out) {
  const auto dialect = find_dialect(dialect_name);
  if (!dialect) return unreadable(out, dialect.error().text());
  std::string text(source);
  if (source == "-") {
    const auto read = read_stream(in);
    if (!read) return unreadable(out, read.error().text());
    text = *read;
  }
  boost::system::error_code error;
  const json::value root = json::parse(text, error);
  if (error || !root.is_object()) return unreadable(out, "the message must be a JSON object");
  const auto part = [&](const char* key, std::string_view otherwise) -> std::optional<Bytes> {
    const auto* node = root.as_object().if_contains(key);
    if (node == nullptr || node->is_null()) return from_hex(otherwise);
    return node->is_string() ? from_hex(std::string_view(node->as_string())) : std::nullopt;
  };
  const iso::Dialect& to = **dialect;
  const auto mti = part("mti", "");
  const auto tpdu = part("tpdu", to.tpdu_size() != 0 ? "6000000000" : "");
  const auto header = part("header", std::string(2U * to.header_size(), '0'));
  if (!mti || mti->size() != 2) return unreadable(out, "mti must be four digits");
  if (!tpdu || !header) return unreadable(out, "tpdu and header must be hexadecimal");

  iso::MessageBuilder builder;
  builder.set_mti({load_be16(mti->data())});
  builder.set_tpdu(*tpdu);
  builder.set_header(*header);
  std::array<std::string, iso::kFieldMax + 1> values;
  const auto* fields = root.as_object().if_contains("fields");
  if (fields == nullptr || !fields->is_object()) return unreadable(out, "fields must be an object");
  for (const auto& [key, value] : fields->as_object()) {
    const bool number =
        !key.empty() && key.size() <= 3 && key.find_first_not_of("0123456789") == std::string_view::npos;
    const int field = number ? std::stoi(std::string(key)) : 0;
    if (field < 2 || field > iso::kFieldMax || !value.is_string())
      return unreadable(out, "fields are numbers from 2 to 128 with texts");
    auto canonical = canonical_text(to.field(field), std::string_view(value.as_string()));
    if (!canonical) return unreadable(out, "field " + std::string(key) + " must be hexadecimal");
    auto& kept = values[static_cast<std::size_t>(field)];
    kept = *std::move(canonical);
    builder.set(field, kept);
  }
  Bytes frame(std::size_t{to.framing().maximum} + 8);
  const auto encoded = iso::encode(to, builder, frame);
  if (!encoded) {
    out << "refused: " << name(encoded.error().refusal);
    if (encoded.error().field != 0) out << " in field " << int{encoded.error().field};
    out << "\n";
    return 1;
  }
  out << to_hex(*encoded) << "\n";
  return 0;
}

}  // namespace tollgate::cli
