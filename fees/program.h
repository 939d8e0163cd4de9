// Program: a schedule made ready for the processor (internal to fees/). Matching is not a scan: for every
// dimension that a component uses, each class of values has a row of bits, one a rule, and the rule is the
// lowest bit of the rows ANDed. Values become classes (ranges by their break points), found once per event;
// components are matched together, a block of them at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "fees/engine.h"
#include "fees/model.h"

namespace tollgate::fees {

// Codes that rules name, each with an index; open addressing, built once.
class CodeTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  void add(const std::vector<Code>& codes) { codes_.insert(codes_.end(), codes.begin(), codes.end()); }
  void seal();
  [[nodiscard]] std::uint32_t find(const Code& code) const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(codes_.size()); }

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
  static constexpr std::size_t kIndexFrom = 8;  // fewer are found as fast by halving
  [[nodiscard]] std::uint64_t bucket_of(std::int64_t value) const noexcept {
    return (static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(starts_.front())) >> shift_;
  }

  std::vector<std::int64_t> starts_;
  std::vector<std::uint32_t> index_;  // by bucket of equal width: its first start
  int shift_ = 0;
};

// The classes that all components share: what an event is in their terms is found once. For mcc, brand, tags
// and currency class 0 is "absent, or named by no rule".
struct SharedClasses {
  BreakPoints mcc, amount, dates, hours;
  CodeTable brands, tags;
  std::vector<std::uint16_t> currencies;  // ascending
  std::uint16_t used = 0;                 // a bit per Dimension that some rule names

  void add(const Match& match);
  void seal();
  [[nodiscard]] std::uint32_t classes(Dimension dimension) const noexcept;
  [[nodiscard]] std::uint32_t of_currency(std::uint16_t number) const noexcept;
};

struct Prepared {
  std::array<std::uint32_t, kDimensions> classes;  // by Dimension; of those that some rule names
  std::array<std::uint32_t, kTagsMax> tags;
  std::uint32_t tag_count = 0;

  Prepared(const SharedClasses& shared, Currency of_schedule, const Event& event) noexcept;
};

// The rules of some components that follow each other, matched together: a bit per rule, each component from
// a word of its own on. Volumes differ by component and are left out here.
class RuleBlock {
 public:
  static constexpr std::size_t kWordsMax = 16;
  using Candidates = std::array<std::uint64_t, kWordsMax>;

  // Where the rules of the component begin; nullopt when the block has no room left.
  [[nodiscard]] std::optional<std::uint16_t> add(const std::vector<Rule>& rules);
  void seal(const SharedClasses& shared);
  // The rules that take the event at some volume.
  void match(const Prepared& event, Candidates& left) const noexcept;

 private:
  struct Placed {
    const Match* match = nullptr;  // until seal
    std::size_t bit = 0;
  };
  struct Table {
    Dimension dimension = Dimension::channel;
    std::uint32_t rows_at = 0;  // in rows_, of row 0
    std::uint32_t map_at = 0;   // in maps_: class -> row
  };
  [[nodiscard]] const std::uint64_t* row(const Table& table, std::uint32_t cls) const noexcept {
    return rows_.data() + table.rows_at + std::size_t{maps_[table.map_at + cls]} * words_;
  }
  Table add_table(Dimension dimension, std::uint32_t rows);
  void set(const Table& table, std::uint32_t row, const Placed& rule) noexcept;
  void add_values(Dimension dimension, const SharedClasses& shared);
  void add_ranges(Dimension dimension, const BreakPoints& shared);
  void add_codes(Dimension dimension, const SharedClasses& shared);

  std::size_t words_ = 0;      // a multiple of four once sealed
  std::vector<Placed> rules_;  // until seal
  std::vector<Table> tables_;  // of dimensions in which an event has one class
  Table tags_;
  bool reads_tags_ = false;
  std::vector<std::uint64_t> rows_;
  std::vector<std::uint32_t> maps_;
};

// Which rules of one component take a volume; no rows when none of them asks for it.
class VolumeRows {
 public:
  void build(const std::vector<Rule>& rules);
  [[nodiscard]] const std::uint64_t* of(std::int64_t volume) const noexcept {
    return rows_.empty() ? nullptr : rows_.data() + std::size_t{points_.of(volume)} * words_;
  }

 private:
  std::size_t words_ = 1;
  BreakPoints points_;
  std::vector<std::uint64_t> rows_;
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
  std::uint16_t block;  // in Program::blocks
  std::uint16_t word;   // of its first rule in the block
  std::uint16_t words;
  VolumeRows by_volume;
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
  std::vector<RuleBlock> blocks;
  std::vector<CompiledRule> rules;
  std::vector<Tier> tiers;
  std::vector<CompiledCap> caps;
  std::vector<CompiledSplit> splits;
  std::array<std::vector<std::uint16_t>, 5> priced_by;  // by PricedEvent
};

// The first rule of each component that takes one event. Cheapest when components are asked for in order.
class Matcher {
 public:
  Matcher(const Program& program, const Event& event) noexcept
      : program_(program), prepared_(program.classes, program.currency, event) {}
  [[nodiscard]] std::uint16_t first(const CompiledComponent& component, std::int64_t volume) noexcept;

 private:
  const Program& program_;
  Prepared prepared_;
  std::uint32_t block_ = 0xFFFFFFFF;
  RuleBlock::Candidates left_;
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
