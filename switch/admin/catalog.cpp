#include "switch/admin/catalog.h"

#include <boost/json.hpp>

#include "switch/base/check.h"

// g++ 12 has no #embed; the assembler includes the file as it is.
__asm__(
    ".section .rodata\n"
    ".global tollgate_admin_catalog\n"
    ".global tollgate_admin_catalog_end\n"
    "tollgate_admin_catalog:\n"
    ".incbin \"" TOLLGATE_CATALOG
    "\"\n"
    "tollgate_admin_catalog_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" const char tollgate_admin_catalog[];
extern "C" const char tollgate_admin_catalog_end[];

namespace tollgate::admin {
namespace {

namespace json = boost::json;

std::string text(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
}

Wording wording(const json::object& o) {
  return {text(o, "en"), text(o, "zh-CN")};
}

}  // namespace

std::string_view catalog_text() noexcept {
  return {tollgate_admin_catalog,
          static_cast<std::size_t>(tollgate_admin_catalog_end - tollgate_admin_catalog)};
}

Language language_of(std::string_view accept_language) noexcept {
  while (!accept_language.empty()) {
    const auto comma = accept_language.find(',');
    auto one = accept_language.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    if (one.starts_with("zh")) return Language::zh;
    if (one.starts_with("en")) return Language::en;
    if (comma == std::string_view::npos) break;
    accept_language.remove_prefix(comma + 1);
  }
  return Language::en;
}

Catalog::Catalog() {
  boost::system::error_code ec;
  const auto parsed = json::parse(catalog_text(), ec);
  TG_CHECK(!ec && parsed.is_object());  // ours: a test reads it before anybody ships it
  const auto& root = parsed.get_object();
  for (const auto& [code, v] : root.at("problems").as_object()) {
    const auto& o = v.as_object();
    problems.emplace(code, ProblemKind{static_cast<unsigned>(o.at("status").as_int64()), wording(o)});
  }
  for (const auto& [code, v] : root.at("reasons").as_object()) {
    const auto& o = v.as_object();
    ReasonKind kind{text(o, "verbs"), text(o, "required"), {}, wording(o)};
    for (const auto& role : o.at("release").as_array()) kind.release.emplace_back(role.as_string());
    reasons.emplace(code, std::move(kind));
  }
  for (const auto& [code, v] : root.at("checks").as_object()) checks.emplace(code, wording(v.as_object()));
  for (const auto& [code, v] : root.at("field_39").as_object()) {
    const auto& o = v.as_object();
    response_codes.emplace(code, ResponseCodeKind{wording(o), text(o, "seen_en"), text(o, "next")});
  }
}

const Catalog& Catalog::get() {
  static const Catalog catalog;
  return catalog;
}

}  // namespace tollgate::admin
