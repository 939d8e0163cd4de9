#include "switch/admin/http.h"

#include <algorithm>

namespace tollgate::http {
namespace {
bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}
}  // namespace

void Headers::set(std::string name, std::string value) {
  std::erase_if(all_, [&](const auto& h) { return same_name(h.first, name); });
  add(std::move(name), std::move(value));
}

const std::string* Headers::find(std::string_view name) const noexcept {
  const auto it = std::ranges::find_if(all_, [&](const auto& h) { return same_name(h.first, name); });
  return it == all_.end() ? nullptr : &it->second;
}

std::string_view Headers::get(std::string_view name) const noexcept {
  const auto* value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

std::size_t Headers::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(all_, [&](const auto& h) { return same_name(h.first, name); }));
}

}  // namespace tollgate::http
