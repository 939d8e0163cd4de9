#include "switch/sim/terminal_list.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <iterator>

namespace tollgate::sim {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

Result<TerminalConfig> terminal_of(const json::value& value, const std::string& where) {
  if (!value.is_object()) return fail(ErrorCode::invalid, "a terminal is an object", where);
  const auto& object = value.as_object();
  TerminalConfig config;
  config.tid = text_at(object, "tid");
  config.merchant_code = text_at(object, "merchant_code");
  config.serial = text_at(object, "serial_number");
  config.tmk = text_at(object, "tmk");
  if (const auto* keys = object.if_contains("lab_keys"); keys != nullptr && keys->is_object()) {
    config.tmk = text_at(keys->as_object(), "tmk");
  }
  if (config.tid.size() != 8) return fail(ErrorCode::invalid, "tid has 8 characters", where);
  if (config.merchant_code.size() != 15)
    return fail(ErrorCode::invalid, "merchant_code has 15 characters", where);
  if (config.tmk.size() != 32) return fail(ErrorCode::invalid, "tmk has 32 hexadecimal digits", where);
  return config;
}

Result<std::uint64_t> digits(const std::string& text, std::size_t size, std::string_view what) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.size() != size || error != std::errc{} || end != text.data() + size) {
    return fail(ErrorCode::invalid, fmt::format("a range of {} starts at {} digits", what, size), text);
  }
  return value;
}

}  // namespace

Result<std::vector<TerminalConfig>> parse_terminals(std::string_view text, std::string_view file) {
  boost::system::error_code error;
  const auto document = json::parse({text.data(), text.size()}, error);
  if (error) return fail(ErrorCode::invalid, error.message(), std::string(file));
  const json::value* list = &document;
  std::string pointer;
  if (document.is_object()) {
    list = document.as_object().if_contains("terminals");
    pointer = "/terminals";
  }
  if (list == nullptr || !list->is_array()) {
    return fail(ErrorCode::invalid, "has no list of terminals", std::string(file));
  }
  std::vector<TerminalConfig> terminals;
  for (const auto& item : list->as_array()) {
    auto terminal = terminal_of(item, fmt::format("{}{}/{}", file, pointer, terminals.size()));
    if (!terminal) return std::unexpected(terminal.error());
    terminals.push_back(std::move(*terminal));
  }
  if (terminals.empty()) return fail(ErrorCode::invalid, "the list of terminals is empty", std::string(file));
  return terminals;
}

Result<std::vector<TerminalConfig>> load_terminals(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "cannot be read", path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_terminals(text, path);
}

Result<std::vector<TerminalConfig>> generate_terminals(const TerminalRange& range) {
  const auto tid = digits(range.first_tid, 8, "terminals");
  if (!tid) return std::unexpected(tid.error());
  const auto merchant = digits(range.first_merchant, 15, "merchants");
  if (!merchant) return std::unexpected(merchant.error());
  if (range.count == 0 || range.merchants == 0 || *tid + range.count > 100'000'000) {
    return fail(ErrorCode::invalid, "a range has at least one member and ends before 99999999",
                range.first_tid);
  }
  std::vector<TerminalConfig> terminals(range.count);
  for (std::size_t i = 0; i < range.count; ++i) {
    terminals[i].tid = fmt::format("{:08}", *tid + i);
    terminals[i].merchant_code = fmt::format("{:015}", *merchant + i % range.merchants);
    terminals[i].tmk = range.tmk;
  }
  return terminals;
}

}  // namespace tollgate::sim
