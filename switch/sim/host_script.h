// What a simulated host does with a request, as rules in a file:
//
//   defaults = true            # false: without the last-two-digits rules below
//   unknown_reversal = "25"    # 39 of a 0410 whose original was never seen
//   [[rule]]                   # the first rule that fits decides
//   mti = "0200"               # all conditions are optional; all that are there must hold
//   amount = "..51"            # last two digits; or "12345"; or "100-20000" (fen, both ends included)
//   pan = "622202"             # prefix of field 2, or of field 35
//   tid = "10000001"
//   skip = 3                   # lets the first 3 that fit pass by
//   count = 10                 # looks at the next 10 that fit, then never again
//   every = 5                  # of those, applies to the first, the sixth …
//   do = "decline"             # approve decline drop late twice disconnect
//   rc = "51"                  # decline: field 39 (default 05)
//   delay_ms = 20              # before the answer
//
// A rule without mti is for messages that move money: not for reversals and network management, unless it
// names them. Without a rule that fits, the last two digits of the amount decide, on every message but
// reversals and network management: ..51 declines with 51, ..91 is approved and never answered, ..92 is
// answered after twice the switch's time-out,
// ..94 is answered twice; all else is approved. A script that is wrong is refused with file, line and reason.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "switch/base/result.h"
#include "switch/iso/message.h"

namespace tollgate::sim {

enum class HostAct : std::uint8_t {
  approve,
  decline,
  drop,  // decided and booked as approved, never told: what a lost answer looks like
  late,  // told after twice the switch's time-out
  twice,
  disconnect,  // booked as approved, the link is closed instead of an answer
};

// x1xx authorisation and x2xx financial messages; not x4xx reversal, x8xx network.
[[nodiscard]] bool moves_money(iso::Mti mti) noexcept;

struct HostQuestion {
  iso::Mti mti;
  std::optional<std::uint64_t> amount_minor;
  std::string_view pan, tid;
};

struct HostAnswer {
  HostAct act = HostAct::approve;
  std::array<char, 2> code{'0', '0'};
  std::uint32_t delay_ms = 0;
};

class HostScript {
 public:
  // The amount rules alone.
  HostScript() = default;
  [[nodiscard]] static Result<HostScript> parse(std::string_view toml, std::string_view file);
  [[nodiscard]] static Result<HostScript> load(const std::string& path);

  // Not const: rules count what they were applied to.
  [[nodiscard]] HostAnswer decide(const HostQuestion& question) noexcept;
  [[nodiscard]] const std::string& unknown_reversal() const noexcept { return unknown_reversal_; }
  [[nodiscard]] std::size_t size() const noexcept { return rules_.size(); }

 private:
  friend class HostScriptReader;
  struct Rule {
    std::optional<std::uint16_t> mti;
    bool last_two = false;  // amount_low is the last two digits
    std::optional<std::uint64_t> amount_low;
    std::uint64_t amount_high = 0;
    std::string pan, tid;
    std::uint64_t skip = 0, count = UINT64_MAX, every = 1;
    HostAnswer answer;
    std::uint64_t met = 0;  // questions that its conditions fitted
  };
  [[nodiscard]] static bool fits(const Rule& rule, const HostQuestion& question) noexcept;

  std::vector<Rule> rules_;
  bool defaults_ = true;
  std::string unknown_reversal_ = "25";
};

}  // namespace tollgate::sim
