// What people read of the table: the sample file, the reference, the effective values.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "switch/config_table.h"

namespace tollgate::config {
namespace {

constexpr std::size_t kWidth = 100;

void append_comment(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto end = text.size();
    if (end > kWidth - 2) {
      end = text.rfind(' ', kWidth - 2);
      if (end == std::string_view::npos) end = text.size();
    }
    fmt::format_to(std::back_inserter(out), "# {}\n", text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

// What stands behind the value: choices or bounds. A text says enough by itself.
template <class Owner>
std::string hint(const Row<Owner>& row, Owner& owner) {
  const auto type = type_name(row.member(owner));
  return type.find('|') != std::string::npos ? type : bounds_text(row);
}

template <class Owner>
void append_key(std::string& out, const Row<Owner>& row, Owner& owner, std::string_view short_key) {
  append_comment(out, row.sentence);
  fmt::format_to(std::back_inserter(out), "{} = {}", short_key, written(row.member(owner)));
  if (const auto text = hint(row, owner); !text.empty())
    fmt::format_to(std::back_inserter(out), "  # {}", text);
  out += '\n';
}

template <class Owner>
void append_reference(std::string& out, const Row<Owner>& row, Owner& owner, std::string_view prefix) {
  auto type = type_name(row.member(owner));
  for (std::size_t at = 0; (at = type.find(" | ", at)) != std::string::npos;) type.replace(at, 3, ", ");
  fmt::format_to(std::back_inserter(out), "| `{}{}` | {} | `{}` | {} | {} |\n", prefix, row.key, type,
                 written(row.member(owner)), bounds_text(row), row.sentence);
}

Config defaults() {
  return load({})->config;
}

}  // namespace

std::string sample() {
  auto config = defaults();
  std::string out =
      "# Tollgate. Every key with its default; a key that is left out has it too. Stronger than this file "
      "are\n"
      "# the environment (TOLLGATE__STORE__PATH=/srv/tollgate) and flags (--set store.path=/srv/tollgate).\n"
      "# Check: tollgate config check FILE. What is in force and from where: tollgate config show.\n\n";
  std::string_view section;
  for (const auto& row : rows()) {
    const auto dot = row.key.find('.');
    const auto head = dot == std::string_view::npos ? std::string_view{} : row.key.substr(0, dot);
    if (head != section) fmt::format_to(std::back_inserter(out), "\n[{}]\n", head);
    section = head;
    append_key(out, row, config, head.empty() ? row.key : row.key.substr(dot + 1));
  }
  out += "\n# One section for each port that terminals connect to.\n[[listener]]\n";
  for (const auto& row : listener_rows()) append_key(out, row, config.listeners.front(), row.key);
  return out;
}

std::string reference() {
  auto config = defaults();
  std::string out = "| Key | Type | Default | Bounds | Meaning |\n|---|---|---|---|---|\n";
  for (const auto& row : rows()) append_reference(out, row, config, "");
  for (const auto& row : listener_rows())
    append_reference(out, row, config.listeners.front(), "listener.NAME.");
  return out;
}

std::string show(const Loaded& loaded) {
  std::size_t keys = 0, values = 0;
  for (const auto& setting : loaded.settings) {
    keys = std::max(keys, setting.key.size());
    values = std::max(values, std::min<std::size_t>(setting.value.size(), 40));
  }
  std::string out;
  for (const auto& setting : loaded.settings)
    fmt::format_to(std::back_inserter(out), "{:<{}}  {:<{}}  {}\n", setting.key, keys, setting.value, values,
                   setting.origin);
  return out;
}

}  // namespace tollgate::config
