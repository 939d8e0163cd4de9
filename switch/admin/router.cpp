#include "switch/admin/router.h"

#include "switch/admin/query.h"

namespace tollgate::admin {
namespace {

std::string_view next_segment(std::string_view& path) {
  const auto slash = path.find('/');
  const auto segment = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  return segment;
}

enum class Fit { no, yes, unreadable };

Fit fits(std::string_view path_template, std::string_view path, PathParameters& parameters) {
  if (!path.starts_with('/')) return Fit::no;
  if (std::ranges::count(path, '/') != std::ranges::count(path_template, '/')) return Fit::no;
  path.remove_prefix(1);
  path_template.remove_prefix(1);
  Fit fit = Fit::yes;
  while (!path_template.empty() || !path.empty()) {
    const auto wanted = next_segment(path_template);
    const auto given = next_segment(path);
    if (!wanted.starts_with('{')) {
      if (wanted != given) return Fit::no;
      continue;
    }
    const auto value = percent_decode(given, false);
    if (given.empty()) return Fit::no;
    if (value)
      parameters.emplace(wanted.substr(1, wanted.size() - 2), *value);
    else
      fit = Fit::unreadable;
  }
  return fit;
}

}  // namespace

std::expected<Router::Match, Problem> Router::find(std::string_view method, std::string_view path) const {
  std::string methods;
  for (const auto& route : routes_) {
    Match match{&route, {}};
    const auto fit = fits(route.path, path, match.parameters);
    if (fit == Fit::no) continue;
    if (route.method != method) {
      methods.append(methods.empty() ? "" : ", ").append(route.method);
      continue;
    }
    if (fit == Fit::unreadable) return refuse("invalid_parameter", "the path is not readable text");
    return match;
  }
  return refuse("not_found", methods.empty() ? "no such path" : "this path takes " + methods);
}

}  // namespace tollgate::admin
