#include "switch/cli/iso_parts.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <iterator>
#include <vector>

#include "switch/iso/private_fields.h"
#include "switch/iso/tlv.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kInputMax = std::size_t{64} << 20;

std::string canonical(const iso::MessageView& message, int field) {
  std::string text(message.length(field), '\0');
  (void)message.value(field, text);
  return text;
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
bool ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// Takes the parts of a value off its left end, one after another.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : rest_(text) {}
  std::string take(std::size_t n) {
    const std::string part(rest_.substr(0, n));
    rest_.remove_prefix(part.size());
    return part;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

struct Part {
  const char* name;
  std::size_t size;
};

// An object of parts as long as the value lasts; the last one may be cut only where `ragged` says so.
template <std::size_t N>
json::value parts_of(std::string_view text, const std::array<Part, N>& parts, bool ragged = false) {
  Cutter cutter(text);
  json::object result;
  for (const auto& [name, size] : parts) {
    if (cutter.left() == 0) break;
    if (cutter.left() < size && !ragged) return nullptr;
    result[name] = readable(cutter.take(size));
  }
  return result;
}

json::value field_60(std::string_view text) {
  static constexpr std::array<Part, 7> kParts = {
      {{"60.1", 2}, {"60.2", 6}, {"60.3", 3}, {"60.4", 1}, {"60.5", 1}, {"60.6", 1}, {"60.7", 3}}};
  return text.size() < 8 ? json::value(nullptr) : parts_of(text, kParts);
}

json::value field_61(std::string_view text) {
  static constexpr std::array<Part, 5> kParts = {
      {{"61.1 batch", 6}, {"61.2 stan", 6}, {"61.3 date", 4}, {"61.4 mode", 2}, {"61.5 institution", 11}}};
  return text.size() < 12 ? json::value(nullptr) : parts_of(text, kParts);
}

json::object totals(Cutter& cutter) {
  json::object result;
  for (const auto& [name, size] : {Part{"debit_amount", 12},
                                   {"debit_count", 3},
                                   {"credit_amount", 12},
                                   {"credit_count", 3},
                                   {"code", 1}}) {
    result[name] = cutter.take(size);
  }
  return result;
}

json::value upload_details(std::string_view text) {
  Cutter cutter(text);
  json::object result{{"count", cutter.take(2)}};
  json::array details;
  while (cutter.left() >= 40) {
    json::object item{{"card_class", cutter.take(2)}, {"stan", cutter.take(6)}};
    const std::string pan = cutter.take(20);  // zero-filled left
    item["pan"] = pan.substr(std::min(pan.find_first_not_of('0'), pan.size()));
    item["amount"] = cutter.take(12);
    details.emplace_back(std::move(item));
  }
  result["details"] = std::move(details);
  return result;
}

// Field 48 is told apart by its length: no two of its uses share one.
json::value field_48(std::string_view text) {
  Cutter cutter(text);
  if (!all_digits(text)) return nullptr;
  if (text.size() == 62) {
    json::object result{{"domestic", totals(cutter)}};
    result["foreign"] = totals(cutter);
    return result;
  }
  if (text.size() == 24) {
    json::object result{{"principal", cutter.take(12)}};
    result["service_fee"] = cutter.take(12);
    return result;
  }
  if (text.size() == 12) return json::object{{"tip", text}};
  if (text.size() == 4) return json::object{{"total", text}};
  return text.size() > 2 && (text.size() - 2) % 40 == 0 ? upload_details(text) : nullptr;
}

json::value field_54(std::string_view text) {
  json::array result;
  for (Cutter cutter(text); cutter.left() != 0;) {
    if (cutter.left() < 20) return nullptr;
    json::object balance;
    for (const auto& [name, size] :
         {Part{"account", 2}, {"type", 2}, {"currency", 3}, {"sign", 1}, {"amount", 12}}) {
      balance[name] = readable(cutter.take(size));
    }
    result.emplace_back(std::move(balance));
  }
  return result;
}

json::value field_55(ByteView data) {
  json::array result;
  while (!data.empty()) {
    const auto object = iso::next_tlv(data);
    if (!object) return nullptr;
    std::array<std::uint8_t, 4> tag{};
    store_be32(tag.data(), object->tag);
    const std::size_t skip = object->tag > 0xFFFF ? 1 : object->tag > 0xFF ? 2 : 3;
    result.emplace_back(json::array{to_hex(ByteView(tag).subspan(skip)), to_hex(object->value)});
  }
  return result;
}

json::value text_tlv_list(std::string_view text) {
  json::array result;
  for (Cutter cutter(text); cutter.left() != 0;) {
    if (cutter.left() < 5) return nullptr;
    const std::string tag = cutter.take(2), digits = cutter.take(3);
    if (!all_digits(digits) || !ascii(tag)) return nullptr;
    const std::size_t size = std::stoul(digits);
    if (cutter.left() < size) return nullptr;
    result.emplace_back(json::array{tag, readable(cutter.take(size))});
  }
  return result;
}

// Values of parameter download and status upload have fixed lengths by code (cup dialect, section 7).
std::size_t parameter_size(std::string_view code) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 22> kSizes = {
      {{"01", 1},  {"02", 1},  {"03", 1},  {"04", 1},  {"05", 1}, {"11", 2}, {"12", 2}, {"13", 1},
       {"14", 14}, {"15", 14}, {"16", 14}, {"17", 14}, {"18", 1}, {"19", 2}, {"20", 1}, {"21", 1},
       {"22", 40}, {"23", 1},  {"24", 1},  {"25", 1},  {"26", 4}, {"51", 12}}};
  const auto found = std::ranges::find(kSizes, code, &std::pair<std::string_view, std::size_t>::first);
  return found == kSizes.end() ? 0 : found->second;
}

json::value parameters(std::string_view text) {
  json::array result;
  for (Cutter cutter(text); cutter.left() != 0;) {
    const std::string code = cutter.take(2);
    const std::size_t size = parameter_size(code);
    if (size == 0 || cutter.left() < size) return nullptr;
    result.emplace_back(json::array{code, readable(cutter.take(size))});
  }
  return result;
}

json::value sign_in_request(const iso::MessageView& message, std::string_view text) {
  const auto serial = iso::sign_in_serial(message);
  if (!serial) return nullptr;
  Cutter cutter(text);
  json::object result{{"text", readable(text)}};
  result["label"] = cutter.take(11);
  result["length"] = cutter.take(2);
  result["licence"] = readable(cutter.take(4));
  result["serial"] = readable(*serial);
  return result;
}

// Check values stand in clear in a key block; keys do not (section 7: 24, 40 or 60 bytes).
json::value key_block(ByteView data) {
  const auto at = [&](std::size_t offset) { return to_hex(data.subspan(offset, 4)); };
  if (data.size() == 24) return json::object{{"kcv", {{"pik", at(8)}, {"mak", at(20)}}}};
  if (data.size() == 40) return json::object{{"kcv", {{"pik", at(16)}, {"mak", at(36)}}}};
  if (data.size() == 60) return json::object{{"kcv", {{"pik", at(16)}, {"mak", at(36)}, {"tdk", at(56)}}}};
  return nullptr;
}

json::value chip_item(std::string_view text) {
  static constexpr std::array<Part, 7> kParts = {{{"usage", 2},
                                                  {"card_class", 2},
                                                  {"response", 2},
                                                  {"amount", 12},
                                                  {"currency", 3},
                                                  {"cryptogram", 1},
                                                  {"result", 1}}};
  const std::size_t size = text.starts_with("61") ? 21 : text.starts_with("71") ? 23 : 0;
  if (text.size() != size) return nullptr;
  json::value result = parts_of(text, kParts);
  result.as_object()["text"] = readable(text);
  return result;
}

json::value field_62(const iso::MessageView& message, std::string_view text) {
  const auto f60 = iso::field_60(message);
  const int code = f60 && f60->management ? *f60->management : 0;
  switch (message.mti().bcd) {
    case 0x0800:
    case 0x0820:
      if (code >= 360 && code <= 362) return parameters(text);
      return sign_in_request(message, text);
    case 0x0810:
    case 0x0830:
      if (code >= 360 && code <= 362) return parameters(text);
      return code <= 4 ? key_block(as_bytes(text)) : json::value(nullptr);
    case 0x0320:
      return chip_item(text);
    default:
      return text_tlv_list(text);
  }
}

json::value field_63(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kOrganisations = {"CUP", "VIS", "MCC", "MAE",
                                                                     "JCB", "DCC", "AMX"};
  const bool organisation = std::ranges::find(kOrganisations, text.substr(0, 3)) != kOrganisations.end();
  const std::array<Part, 5> parts = {{{organisation ? "organisation" : "operator", 3},
                                      {"issuer", 20},
                                      {"unionpay", 20},
                                      {"acquirer", 20},
                                      {"terminal", 100}}};
  return parts_of(text, parts, true);
}

}  // namespace

Result<std::string> read_stream(std::istream& in) {
  std::string text;
  std::array<char, 65536> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kInputMax) return fail(ErrorCode::full, "larger than 64 MiB");
  }
  return text;
}

Result<std::string> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "cannot be opened", file);
  return read_stream(in);
}

Result<std::shared_ptr<const iso::Dialect>> find_dialect(std::string_view name) {
  if (name.find('/') != std::string_view::npos || name.ends_with(".toml")) {
    const auto text = read_file(std::string(name));
    return text ? iso::Dialect::load(*text, name) : std::unexpected(text.error());
  }
  if (auto dialect = iso::Dialect::builtin(name)) return dialect;
  std::string known;
  for (const auto one : iso::Dialect::builtin_names())
    known += (known.empty() ? "" : ", ") + std::string(one);
  return fail(ErrorCode::not_found,
              "no dialect \"" + std::string(name) + "\"; there are " + known + ", and files (*.toml)");
}

std::string readable(std::string_view bytes) {
  if (ascii(bytes)) return std::string(bytes);
  const iconv_t converter = iconv_open("UTF-8", "GBK");
  if (converter != iconv_t(-1)) {
    std::string utf8(bytes.size() * 3, '\0');
    std::string input(bytes);
    char* from = input.data();
    char* to = utf8.data();
    std::size_t from_left = input.size(), to_left = utf8.size();
    const bool whole =
        iconv(converter, &from, &from_left, &to, &to_left) != static_cast<std::size_t>(-1) && from_left == 0;
    iconv_close(converter);
    utf8.resize(utf8.size() - to_left);
    const bool printable =
        std::ranges::all_of(utf8, [](char c) { return static_cast<std::uint8_t>(c) >= ' ' && c != '\x7F'; });
    if (whole && printable) return "gbk:" + utf8;
  }
  return "hex:" + to_hex(as_bytes(bytes));
}

std::string field_text(const iso::MessageView& message, int field) {
  const std::string text = canonical(message, field);
  if (message.dialect()->field(field).charset == iso::Charset::binary) return to_hex(as_bytes(text));
  return ascii(text) ? text : "hex:" + to_hex(as_bytes(text));
}

std::optional<std::string> canonical_text(const iso::FieldSpec& spec, std::string_view text) {
  const bool prefixed = text.starts_with("hex:") && spec.charset != iso::Charset::binary;
  if (spec.charset != iso::Charset::binary && !prefixed) return std::string(text);
  const auto bytes = from_hex(text.substr(prefixed ? 4 : 0));
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

json::value decoded_parts(const iso::MessageView& message, int field) {
  if (!message.has(field)) return nullptr;
  const std::string text = canonical(message, field);
  switch (field) {
    case 48:
      return field_48(text);
    case 54:
      return field_54(text);
    case 55:
      return field_55(as_bytes(text));
    case 59:
      return text_tlv_list(text);
    case 60:
      return field_60(text);
    case 61:
      return field_61(text);
    case 62:
      return field_62(message, text);
    case 63:
      return field_63(text);
    default:
      return nullptr;
  }
}

}  // namespace tollgate::cli
