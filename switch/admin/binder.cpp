#include "switch/admin/binder.h"

#include <algorithm>

namespace tollgate::admin {
namespace {

constexpr std::size_t kDepthMax = 24;
constexpr std::size_t kLabelsMax = 32;
constexpr std::size_t kErrorsMax = 100;  // of one document; more says nothing new

std::string escaped(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// C1 controls and bidirectional overrides: what a name could do to a terminal or to the reader of a list.
bool misleading(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto a = static_cast<unsigned char>(text[i]), b = static_cast<unsigned char>(text[i + 1]);
    if (a == 0xC2 && b < 0xA0) return true;
    if (a != 0xE2 || i + 2 >= text.size()) continue;
    const auto c = static_cast<unsigned char>(text[i + 2]);
    if (b == 0x80 && (c == 0x8E || c == 0x8F || (c >= 0xA8 && c <= 0xAE))) return true;
    if (b == 0x81 && c >= 0xA6 && c <= 0xA9) return true;
  }
  return false;
}

}  // namespace

std::expected<json::value, Problem> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::stream_parser parser({}, options);
  boost::system::error_code ec;
  const auto read = parser.write_some(text.data(), text.size(), ec);
  if (!ec) parser.finish(ec);
  const auto rest = text.substr(std::min(read, text.size()));
  if (!ec && rest.find_first_not_of(" \t\r\n") == std::string_view::npos) return parser.release();
  const auto before = text.substr(0, std::min(read, text.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  return refuse("malformed_json", "line " + std::to_string(line) + ", byte " + std::to_string(read) + ": " +
                                      (ec ? ec.message() : "something follows the document"));
}

Binder::Binder(const json::value& value, std::string pointer, FieldErrors& errors)
    : object_(value.if_object()), pointer_(std::move(pointer)), errors_(errors) {
  if (object_ == nullptr) errors_.push_back({pointer_, "invalid_type", "an object is expected"});
}

std::string Binder::pointer(std::string_view name) const {
  return pointer_ + "/" + escaped(name);
}

std::string Binder::pointer(std::string_view name, std::size_t index) const {
  return pointer(name) + "/" + std::to_string(index);
}

void Binder::error(std::string_view name, std::string code, std::string detail) {
  if (errors_.size() < kErrorsMax)
    errors_.push_back({name.empty() ? pointer_ : pointer(name), std::move(code), std::move(detail)});
}

const json::value* Binder::take(std::string_view name) {
  if (std::ranges::find(taken_, name) == taken_.end()) taken_.push_back(name);
  const auto* value = object_ == nullptr ? nullptr : object_->if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool Binder::has(std::string_view name) {
  return take(name) != nullptr;
}

std::optional<std::string> Binder::checked(const json::value& value, std::string where,
                                           const TextRule& rule) {
  const auto complain = [&](std::string code, std::string detail) -> std::optional<std::string> {
    if (errors_.size() < kErrorsMax)
      errors_.push_back({std::move(where), std::move(code), std::move(detail)});
    return std::nullopt;
  };
  if (!value.is_string()) return complain("invalid_type", "text is expected");
  const std::string_view text(value.get_string());
  if (text.size() < rule.min || text.size() > rule.max)
    return complain("invalid_length",
                    "from " + std::to_string(rule.min) + " to " + std::to_string(rule.max) + " bytes");
  if (std::ranges::any_of(text, is_control) || misleading(text))
    return complain("invalid_character", "control characters are not allowed");
  if (rule.allows != nullptr && !std::ranges::all_of(text, rule.allows))
    return complain("invalid_character", "it has a character that is not allowed here");
  return std::string(text);
}

std::optional<std::string> Binder::text(std::string_view name, const TextRule& rule) {
  const auto* value = take(name);
  return value == nullptr ? std::nullopt : checked(*value, pointer(name), rule);
}

std::string Binder::need_text(std::string_view name, const TextRule& rule) {
  if (object_ != nullptr && !has(name)) error(name, "required", "it is missing");
  return text(name, rule).value_or("");
}

std::optional<std::int64_t> Binder::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto* value = take(name);
  if (value == nullptr) return std::nullopt;
  std::int64_t number = 0;
  if (value->is_int64()) {
    number = value->get_int64();
  } else if (value->is_uint64()) {
    number = INT64_MAX;  // above int64: out of every range here
  } else {
    error(name, "invalid_type", "a whole number is expected");
    return std::nullopt;
  }
  if (number < min || number > max || value->is_uint64()) {
    error(name, "out_of_range", "from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::int64_t Binder::need_integer(std::string_view name, std::int64_t min, std::int64_t max) {
  if (object_ != nullptr && !has(name)) error(name, "required", "it is missing");
  return integer(name, min, max).value_or(min);
}

std::optional<bool> Binder::flag(std::string_view name) {
  const auto* value = take(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  error(name, "invalid_type", "true or false is expected");
  return std::nullopt;
}

std::optional<WallTime> Binder::time(std::string_view name) {
  const auto value = text(name, {1, 40});
  if (!value) return std::nullopt;
  const auto parsed = parse_rfc3339(*value);
  if (!parsed) error(name, "invalid_time", "a time as RFC 3339 writes it is expected");
  return parsed;
}

std::optional<std::string> Binder::one_of(std::string_view name,
                                          std::initializer_list<std::string_view> values) {
  auto value = text(name, {1, 64});
  if (!value || std::ranges::find(values, *value) != values.end()) return value;
  std::string all;
  for (const auto v : values) all.append(all.empty() ? "" : ", ").append(v);
  error(name, "invalid_value", "one of: " + all);
  return std::nullopt;
}

const json::array* Binder::array(std::string_view name, std::size_t count_max) {
  const auto* value = take(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    error(name, "invalid_type", "a list is expected");
    return nullptr;
  }
  if (value->get_array().size() > count_max) {
    error(name, "invalid_length", "at most " + std::to_string(count_max) + " entries");
    return nullptr;
  }
  return &value->get_array();
}

const json::value* Binder::object(std::string_view name) {
  const auto* value = take(name);
  if (value == nullptr || value->is_object()) return value;
  error(name, "invalid_type", "an object is expected");
  return nullptr;
}

std::vector<std::string> Binder::texts(std::string_view name, std::size_t count_max, const TextRule& rule) {
  std::vector<std::string> all;
  const auto* list = array(name, count_max);
  if (list == nullptr) return all;
  for (std::size_t i = 0; i < list->size(); ++i)
    if (auto one = checked((*list)[i], pointer(name, i), rule)) all.push_back(std::move(*one));
  return all;
}

std::optional<std::map<std::string, std::string>> Binder::labels(std::string_view name) {
  const auto* value = object(name);
  if (value == nullptr) return std::nullopt;
  const auto& members = value->get_object();
  if (members.size() > kLabelsMax)
    error(name, "invalid_length", "at most " + std::to_string(kLabelsMax) + " labels");
  std::map<std::string, std::string> all;
  for (const auto& [key, v] : members) {
    const std::string_view k(key);
    const auto where = pointer(name) + "/" + escaped(k);
    if (k.empty() || k.size() > 32 || !std::ranges::all_of(k, is_key_char))
      errors_.push_back({where, "invalid_character", "a label's name is [a-z0-9_.-]{1,32}"});
    else if (auto one = checked(v, where, {0, 64}))
      all.emplace(k, std::move(*one));
  }
  return all;
}

void Binder::done() {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : *object_)
    if (std::ranges::find(taken_, std::string_view(key)) == taken_.end())
      error(std::string_view(key), "unknown_field", "no such field here");
}

Problem problem_of(FieldErrors errors) {
  const bool only_unknown =
      std::ranges::all_of(errors, [](const FieldError& e) { return e.code == "unknown_field"; });
  Problem problem{only_unknown ? "unknown_field" : "validation_failed", {}};
  if (!errors.empty()) problem.detail = errors.front().pointer + ": " + errors.front().detail;
  if (errors.size() > 1) problem.detail += " (and " + std::to_string(errors.size() - 1) + " more)";
  problem.errors = std::move(errors);
  return problem;
}

}  // namespace tollgate::admin
