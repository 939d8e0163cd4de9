// A strict reader of Prometheus' text format 0.0.4, for tests: it shares no code with the writer, and refuses
// with a line and a reason what Prometheus would refuse or read wrongly. HELP and TYPE once and before the
// samples, samples of a family together, names and labels well-formed, no series twice, buckets rising and
// cumulative and ended by +Inf, _sum and _count there and equal to it.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace tollgate::testing_support {

class Exposition {
 public:
  // By the whole series as written: name{label="value"}. Fails the test when it is not there.
  [[nodiscard]] double value(std::string_view series) const;
  [[nodiscard]] bool has(std::string_view series) const { return samples.contains(series); }
  [[nodiscard]] std::size_t size() const { return samples.size(); }
  [[nodiscard]] std::size_t families() const { return types.size(); }

  std::map<std::string, double, std::less<>> samples;
  std::map<std::string, std::string, std::less<>> types;
};

[[nodiscard]] std::expected<Exposition, std::string> read_exposition(std::string_view page);

}  // namespace tollgate::testing_support
