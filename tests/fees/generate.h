// Random price lists for the oracle, the properties and the benches: sound by construction, over every
// feature of the reference. In a component the rules are told apart by one dimension with disjoint values, so
// none can be dead; with `overlap` they are free, and the caller drops what DEAD_RULE refuses.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "fees/engine.h"
#include "switch/base/chance.h"

namespace tollgate::fees::testing {

struct GenerateOptions {
  std::size_t components_max = 6;
  std::size_t rules_max = 6;
  bool overlap = false;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : chance_(seed) {}

  [[nodiscard]] boost::json::object schedule(const GenerateOptions& options);
  [[nodiscard]] Event event(PricedEvent kind);
  [[nodiscard]] std::int64_t volume();
  [[nodiscard]] std::int64_t amount();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return chance_.below(bound); }
  [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  [[nodiscard]] std::string rate();
  [[nodiscard]] boost::json::object rule(std::size_t index, bool tiers);
  [[nodiscard]] boost::json::object match(std::size_t index, std::size_t kind, bool overlap);
  [[nodiscard]] boost::json::object component(std::size_t index, const GenerateOptions& options, bool total);
  void add_groups(boost::json::object& schedule);

  SeededChance chance_;
};

// The text of a generated schedule, loaded; nullptr when only DEAD_RULE stands against it. Any other refusal
// is a failure of the caller's test.
[[nodiscard]] SchedulePtr load_generated(const boost::json::object& schedule, std::string* refused = nullptr);

}  // namespace tollgate::fees::testing
