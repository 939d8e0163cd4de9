// Program: a schedule made ready for the processor (internal to fees/). Matching is not a scan: for every
// dimension that a component uses, each class of values has a row of bits, one a rule, and the rule is the
// lowest bit of the rows ANDed. Ranges become classes by their break points; classes of facts are found once
// per event and shared by all components.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "fees/engine.h"
#include "fees/model.h"

namespace tollgate::fees {

// Codes of one component, each with an index; open addressing, built once.
class CodeTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  void build(std::vector<Code> codes);  // distinct
  [[nodiscard]] std::uint32_t find(const Code& code, std::uint64_t mixed) const noexcept;
  [[nodiscard]] const std::vector<Code>& codes() const noexcept { return codes_; }

 private:
  std::vector<Code> codes_;
  std::vector<std::uint32_t> slots_;  // index + 1; 0 is free
};

// Starts of classes, ascending: class 0 is everything below the first.
class BreakPoints {
 public:
  void add(const Range& range);
  void seal();
  [[nodiscard]] std::uint32_t classes() const noexcept {
    return static_cast<std::uint32_t>(starts_.size()) + 1;
  }
  [[nodiscard]] std::uint32_t of(std::int64_t value) const noexcept;
  // A value of that class.
  [[nodiscard]] std::int64_t sample(std::uint32_t cls) const noexcept {
    return cls == 0 ? INT64_MIN : starts_[cls - 1];
  }

 private:
  std::vector<std::int64_t> starts_;
};

// Break points that all components share, and what an event is in their terms.
struct SharedClasses {
  BreakPoints mcc, amount, dates, hours;
  std::uint16_t used = 0;  // a bit per Dimension that some rule names
};

void add_break_points(const Match& match, SharedClasses& classes);
void seal(SharedClasses& classes);

struct Prepared {
  const Facts* facts = nullptr;
  Currency currency;
  std::uint64_t brand_mixed = 0;
  std::array<std::uint64_t, kTagsMax> tag_mixed;
  std::uint32_t mcc = 0;  // 0 absent, else class + 1
  std::uint32_t amount = 0, dates = 0, hours = 0, weekday = 0;

  Prepared(const SharedClasses& classes, Currency of_schedule, const Event& event) noexcept;
};

// The rules of one component.
class RuleSet {
 public:
  void build(const std::vector<Rule>& rules, const SharedClasses& classes);
  [[nodiscard]] std::uint16_t first(const Prepared& event, std::int64_t volume) const noexcept;

 private:
  static constexpr std::size_t kWordsMax = kRulesMax / 64;
  struct Table {
    Dimension dimension;
    std::uint32_t rows_at = 0;  // in rows_, of row 0
    std::uint32_t map_at = 0;   // in maps_, shared class -> row; ranges only
  };
  [[nodiscard]] const std::uint64_t* row(const Table& table, const Prepared& event, std::int64_t volume,
                                         std::uint64_t* scratch) const noexcept;
  template <class Holds>
  std::uint32_t add_rows(const std::vector<Rule>& rules, Dimension dimension, std::uint32_t count,
                         Holds holds);
  void add_shared(const std::vector<Rule>& rules, Dimension dimension, const BreakPoints& points,
                  bool absent_first);
  void add_plain(const std::vector<Rule>& rules, Dimension dimension);

  std::uint16_t rules_ = 0;
  std::uint16_t words_ = 1;
  std::vector<Table> tables_;
  std::vector<std::uint64_t> rows_;
  std::vector<std::uint16_t> maps_;
  CodeTable brands_, tags_;
  std::vector<std::uint16_t> currencies_;  // ascending
  BreakPoints volume_;
};

struct CompiledRule {
  std::int64_t rate_nano;
  std::int64_t fixed_minor;
  std::int64_t keep_nano;  // 1 − discount
  std::int64_t min_minor;  // −1: none
  std::int64_t max_minor;  // −1: none
  std::uint32_t tier_at;
  std::uint16_t tier_count;
  std::uint16_t account;
};

struct CompiledComponent {
  std::uint16_t index;
  Payer payer;
  Base base;
  Rounding rounding;
  bool taxable;
  bool running;       // S is the volume number
  bool reads_volume;  // a rule matches it, or tiers start from it
  std::uint16_t contra;
  std::uint64_t base_of;  // a bit per component
  std::uint32_t rules_at;
  RuleSet matching;
};

struct CompiledCap {
  std::vector<std::uint16_t> members;
  std::int64_t max_minor, min_minor;  // −1: none
};

struct CompiledSplit {
  std::vector<std::uint16_t> of, less;
  SplitMethod method;
  struct Node {
    std::int64_t share_nano;
    std::int16_t from;  // −1: the house
  };
  std::vector<Node> nodes;
};

class Program {
 public:
  explicit Program(const FeeSchedule& schedule);

  SharedClasses classes;
  Currency currency;
  Rounding rounding;
  RoundAt round_at;
  bool taxed = false;  // TRANSACTION tax
  TaxMode tax_mode = TaxMode::inclusive;
  std::int64_t tax_nano = 0;
  std::vector<CompiledComponent> components;
  std::vector<CompiledRule> rules;
  std::vector<Tier> tiers;
  std::vector<CompiledCap> caps;
  std::vector<CompiledSplit> splits;
  std::array<std::vector<std::uint16_t>, 5> priced_by;  // by PricedEvent
};

// TRANSACTION tax on a sum of taxable lines.
[[nodiscard]] std::int64_t transaction_tax(const Program& program, std::int64_t taxable_minor) noexcept;

// Prices one component alone on a known base, as RETROACTIVE closing does: no cap, split or total may touch
// it.
struct Alone {
  std::uint16_t component = 0;
  std::int64_t base_minor = 0;
  std::int64_t volume = 0;
};
[[nodiscard]] std::int64_t price_alone(const CompiledSchedule& schedule, const Event& event,
                                       const Alone& alone) noexcept;

}  // namespace tollgate::fees
