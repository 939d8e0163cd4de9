#include "tests/base/exposition.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>
#include <vector>

namespace tollgate::testing_support {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  std::string name;
  Labels labels;
  double value = 0;
};

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text)
    if (!(std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_')) return false;
  return true;
}

std::optional<double> number(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text.empty() || text.find_first_not_of("0123456789.e+-") != std::string_view::npos) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

// {a="x",b="y"}; leaves at behind the brace.
std::optional<Labels> labels(std::string_view line, std::size_t& at) {
  Labels found;
  std::set<std::string> names;
  ++at;
  while (true) {
    const auto equals = line.find("=\"", at);
    if (equals == std::string_view::npos) return std::nullopt;
    std::string name(line.substr(at, equals - at)), value;
    if (!is_name(name) || !names.insert(name).second) return std::nullopt;
    for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\') {
        ++at;
        if (at >= line.size() || (line[at] != '\\' && line[at] != '"' && line[at] != 'n'))
          return std::nullopt;
        value += line[at] == 'n' ? '\n' : line[at];
      } else {
        value += line[at];
      }
    }
    found.emplace_back(std::move(name), std::move(value));
    if (++at >= line.size()) return std::nullopt;
    if (line[at] == '}') {
      ++at;
      return found;
    }
    if (line[at++] != ',') return std::nullopt;
  }
}

std::optional<Sample> sample(std::string_view line, std::string& series) {
  Sample s;
  std::size_t at = line.find_first_of("{ ");
  if (at == std::string_view::npos) return std::nullopt;
  s.name = line.substr(0, at);
  if (!is_name(s.name)) return std::nullopt;
  if (line[at] == '{') {
    auto read = labels(line, at);
    if (!read) return std::nullopt;
    s.labels = std::move(*read);
  }
  series = line.substr(0, at);
  if (at >= line.size() || line[at] != ' ') return std::nullopt;
  const auto value = number(line.substr(at + 1));
  if (!value) return std::nullopt;
  s.value = *value;
  return s;
}

// Reads line by line; keeps which family is open and what a histogram still owes.
class Reader {
 public:
  std::expected<Exposition, std::string> read(std::string_view page) {
    if (!page.empty() && !page.ends_with('\n')) return std::unexpected("the last line has no end");
    while (!page.empty()) {
      const auto end = page.find('\n');
      const auto line = page.substr(0, end);
      page.remove_prefix(end + 1);
      auto wrong = line.starts_with('#') ? comment(line) : data(line);
      if (!wrong.empty()) return std::unexpected(wrong + ": " + std::string(line));
    }
    if (auto wrong = close(); !wrong.empty()) return std::unexpected(wrong);
    return std::move(out_);
  }

 private:
  std::string comment(std::string_view line) {
    if (line.starts_with("# HELP ")) {
      if (auto wrong = close(); !wrong.empty()) return wrong;
      const auto rest = line.substr(7);
      const auto space = rest.find(' ');
      if (space == std::string_view::npos || space + 1 == rest.size()) return "HELP without text";
      family_ = rest.substr(0, space);
      if (!is_name(family_)) return "bad name in HELP";
      if (out_.types.contains(family_)) return "family twice";
      type_.clear();
      return {};
    }
    if (!line.starts_with("# TYPE " + family_ + " ") || !type_.empty() || family_.empty())
      return "TYPE not right after its HELP";
    type_ = line.substr(8 + family_.size());
    if (type_ != "counter" && type_ != "gauge" && type_ != "histogram") return "unknown type";
    out_.types[family_] = type_;
    return {};
  }

  std::string data(std::string_view line) {
    std::string series;
    const auto s = sample(line, series);
    if (!s) return "not a sample";
    if (type_.empty()) return "sample without TYPE";
    if (!out_.samples.emplace(series, s->value).second) return "series twice";
    if (type_ == "counter" && (s->value < 0 || !family_.ends_with("_total"))) return "not a counter";
    if (type_ != "histogram") return s->name == family_ ? "" : "sample of another family";
    return histogram(*s);
  }

  std::string histogram(const Sample& s) {
    auto rest = s.labels;
    if (s.name == family_ + "_bucket") {
      if (rest.empty() || rest.back().first != "le") return "bucket without le";
      const auto le = number(rest.back().second);
      rest.pop_back();
      auto& open = open_[rest];
      if (!le || !(*le > open.le)) return "buckets do not rise";
      if (s.value < open.cumulative) return "buckets are not cumulative";
      open.le = *le;
      open.cumulative = s.value;
      return {};
    }
    auto& open = open_[rest];
    if (!std::isinf(open.le)) return "no +Inf bucket before _sum and _count";
    if (s.name == family_ + "_sum") {
      open.sum = true;
    } else if (s.name == family_ + "_count") {
      if (s.value != open.cumulative) return "_count is not the +Inf bucket";
      open.count = true;
    } else {
      return "sample of another family";
    }
    return {};
  }

  std::string close() {
    for (const auto& [key, open] : open_)
      if (!std::isinf(open.le) || !open.sum || !open.count)
        return "histogram " + family_ + " is not complete";
    open_.clear();
    if (!family_.empty() && type_.empty()) return "HELP without TYPE";
    return {};
  }

  struct Open {
    double le = -std::numeric_limits<double>::infinity();
    double cumulative = 0;
    bool sum = false, count = false;
  };
  Exposition out_;
  std::string family_, type_;
  std::map<Labels, Open> open_;
};

}  // namespace

double Exposition::value(std::string_view series) const {
  const auto it = samples.find(series);
  EXPECT_NE(it, samples.end()) << "no series " << series;
  return it == samples.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

std::expected<Exposition, std::string> read_exposition(std::string_view page) {
  return Reader().read(page);
}

}  // namespace tollgate::testing_support
