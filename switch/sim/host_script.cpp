#include "switch/sim/host_script.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace tollgate::sim {
namespace {

std::optional<std::uint64_t> number_of(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<HostAct> act_of(std::string_view name) noexcept {
  if (name == "approve") return HostAct::approve;
  if (name == "decline") return HostAct::decline;
  if (name == "drop") return HostAct::drop;
  if (name == "late") return HostAct::late;
  if (name == "twice") return HostAct::twice;
  if (name == "disconnect") return HostAct::disconnect;
  return std::nullopt;
}

bool is_code(std::string_view text) noexcept {
  return text.size() == 2 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

bool moves_money(iso::Mti mti) noexcept {
  const auto cls = mti.bcd >> 8 & 0xF;
  return cls == 1 || cls == 2;
}

class HostScriptReader {
 public:
  HostScriptReader(HostScript& script, std::string_view file) : script_(script), file_(file) {}

  Result<void> read(const toml::table& table) {
    for (const auto& [key, node] : table) {
      if (key == "defaults" && node.is_boolean()) {
        script_.defaults_ = node.as_boolean()->get();
      } else if (key == "unknown_reversal" && node.is_string() && is_code(node.as_string()->get())) {
        script_.unknown_reversal_ = node.as_string()->get();
      } else if (key == "rule" && node.is_array_of_tables()) {
        for (const auto& rule : *node.as_array()) {
          if (auto done = read_rule(*rule.as_table()); !done) return done;
        }
      } else {
        return refuse(node, fmt::format("key {} is unknown or has a wrong value", key.str()));
      }
    }
    return {};
  }

 private:
  std::unexpected<Error> refuse(const toml::node& node, std::string what) const {
    return fail(ErrorCode::invalid, std::move(what), fmt::format("{}:{}", file_, node.source().begin.line));
  }

  Result<void> read_rule(const toml::table& table) {
    HostScript::Rule rule;
    bool has_act = false;
    for (const auto& [key, node] : table) {
      const bool good = node.is_string()
                            ? text(rule, key.str(), node.as_string()->get(), has_act)
                            : node.is_integer() && number(rule, key.str(), node.as_integer()->get());
      if (!good) return refuse(node, fmt::format("key {} is unknown or has a wrong value", key.str()));
    }
    if (!has_act) return refuse(table, "a rule says what to do");
    if (rule.answer.act == HostAct::decline && rule.answer.code == std::array{'0', '0'})
      rule.answer.code = {'0', '5'};
    if (rule.answer.act != HostAct::decline && rule.answer.code != std::array{'0', '0'}) {
      return refuse(table, "rc belongs to decline");
    }
    script_.rules_.push_back(std::move(rule));
    return {};
  }

  static bool text(HostScript::Rule& rule, std::string_view key, const std::string& value, bool& has_act) {
    if (key == "do") {
      const auto act = act_of(value);
      if (act) rule.answer.act = *act;
      has_act = act.has_value();
      return has_act;
    }
    if (key == "rc" && is_code(value) && value != "00") {
      std::copy(value.begin(), value.end(), rule.answer.code.begin());
      return true;
    }
    if (key == "amount") return amount(rule, value);
    if (key == "pan" && number_of(value)) return rule.pan = value, true;
    if (key == "tid" && value.size() == 8) return rule.tid = value, true;
    if (key != "mti" || value.size() != 4) return false;
    std::uint16_t mti = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + 4, mti, 16);
    rule.mti = mti;
    return error == std::errc{} && end == value.data() + 4;
  }

  static bool amount(HostScript::Rule& rule, std::string_view value) {
    const auto dash = value.find('-');
    if (value.starts_with("..")) {
      rule.last_two = true;
      rule.amount_low = value.size() == 4 ? number_of(value.substr(2)) : std::nullopt;
    } else if (dash == std::string_view::npos) {
      rule.amount_low = number_of(value);
      rule.amount_high = rule.amount_low.value_or(0);
    } else {
      rule.amount_low = number_of(value.substr(0, dash));
      const auto high = number_of(value.substr(dash + 1));
      if (!high || rule.amount_low > high) return false;
      rule.amount_high = *high;
    }
    return rule.amount_low.has_value();
  }

  static bool number(HostScript::Rule& rule, std::string_view key, std::int64_t value) {
    if (value < 0) return false;
    const auto n = static_cast<std::uint64_t>(value);
    if (key == "skip") return rule.skip = n, true;
    if (key == "count" && n > 0) return rule.count = n, true;
    if (key == "every" && n > 0) return rule.every = n, true;
    if (key == "delay_ms" && n <= 3'600'000)
      return rule.answer.delay_ms = static_cast<std::uint32_t>(n), true;
    return false;
  }

  HostScript& script_;
  std::string_view file_;
};

Result<HostScript> HostScript::parse(std::string_view toml, std::string_view file) {
  HostScript script;
  try {  // toml++ tells a syntax error by an exception; none leaves this function
    const auto table = toml::parse(toml, file);
    if (auto done = HostScriptReader(script, file).read(table); !done) return std::unexpected(done.error());
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::invalid, std::string(error.description()),
                fmt::format("{}:{}", file, error.source().begin.line));
  }
  return script;
}

Result<HostScript> HostScript::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "cannot be read", path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse(text, path);
}

bool HostScript::fits(const Rule& rule, const HostQuestion& question) noexcept {
  if (rule.mti ? *rule.mti != question.mti.bcd : !moves_money(question.mti)) return false;
  if (!rule.pan.empty() && !question.pan.starts_with(rule.pan)) return false;
  if (!rule.tid.empty() && question.tid != rule.tid) return false;
  if (!rule.amount_low) return true;
  if (!question.amount_minor) return false;
  const auto amount = *question.amount_minor;
  return rule.last_two ? amount % 100 == *rule.amount_low
                       : amount >= *rule.amount_low && amount <= rule.amount_high;
}

HostAnswer HostScript::decide(const HostQuestion& question) noexcept {
  for (auto& rule : rules_) {
    if (!fits(rule, question)) continue;
    const auto at = rule.met++;
    if (at < rule.skip || at - rule.skip >= rule.count || (at - rule.skip) % rule.every != 0) continue;
    return rule.answer;
  }
  if (!defaults_ || !question.amount_minor || !moves_money(question.mti)) return {};
  switch (*question.amount_minor % 100) {
    case 51:
      return {.act = HostAct::decline, .code = {'5', '1'}};
    case 91:
      return {.act = HostAct::drop};
    case 92:
      return {.act = HostAct::late};
    case 94:
      return {.act = HostAct::twice};
    default:
      return {};
  }
}

}  // namespace tollgate::sim
