#include "fees/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "fees/program.h"
#include "fees/segments.h"

namespace tollgate::fees {
namespace {

// What one amount costs in one segment: integers as booked, and exact values where the booked ones only add
// rounding noise.
struct Point {
  std::int64_t amount = 0;
  std::int64_t fee = 0;  // merchant's fee and tax on top
  std::int64_t net = 0;
  Int128 exact_net = 0;  // over 10^18
  Int128 exact_margin = 0;
  std::int64_t margin = 0;
  std::vector<std::uint32_t> shape;  // rules, clamps and tiers: between equal shapes the fee is linear
};

class Axis {
 public:
  Axis(const CompiledSchedule& schedule, const Segment& segment)
      : schedule_(schedule),
        event_(segment.event),
        volumes_(schedule.text().components.size(), segment.volume) {}

  [[nodiscard]] Point at(std::int64_t amount) {
    event_.amount_minor = amount;
    assess(schedule_, event_, {volumes_}, assessment_);
    Point p;
    p.amount = amount;
    const Totals& t = assessment_.totals;
    const Program& program = schedule_.program();
    const bool on_top = program.taxed && program.tax_mode == TaxMode::exclusive;
    p.fee = t.fee_minor + (on_top ? t.tax_minor : 0);
    p.net = t.merchant_net_minor;
    p.margin = t.fee_minor - t.cost_minor;
    Int128 fees = 0, costs = 0, taxable = 0;
    for (const Line& line : assessment_.lines()) {
      const bool grouped = (line.flags & (flag::kGroupMax | flag::kGroupMin)) != 0;
      const Int128 value = grouped ? Int128{line.amount_minor} * kExactOne : line.exact;
      if (line.payer == Payer::merchant) fees += value;
      if (line.payer == Payer::house) costs += value;
      if (line.taxable) taxable += value;
      p.shape.push_back(shape_of(line));
    }
    p.shape.push_back(amount == 0 ? 0 : 1);  // a zero ticket has no minimum
    p.exact_net = Int128{amount} * kExactOne - fees - (on_top ? taxable / kNano * program.tax_nano : 0);
    p.exact_margin = fees - costs;
    return p;
  }

 private:
  [[nodiscard]] std::uint32_t shape_of(const Line& line) const {
    const Rule& rule = schedule_.text().components[line.component].rules[line.rule];
    const bool running = schedule_.text().components[line.component].volume == VolumeMode::running;
    const std::int64_t end = line.base_minor + (running ? line.volume : 0);
    std::uint32_t tier = 0;
    while (tier + 1 < rule.tiers.size() && end > rule.tiers[tier].up_to) ++tier;
    const std::uint32_t zero = line.base_minor == 0 ? flag::kReturned : 0;  // a bit that a sale never has
    const std::uint32_t flags =
        (line.flags & (flag::kMin | flag::kMax | flag::kGroupMin | flag::kGroupMax)) | zero;
    return std::uint32_t{line.component} << 24 | std::uint32_t{line.rule} << 16 | tier << 8 | flags;
  }

  const CompiledSchedule& schedule_;
  Event event_;
  std::vector<std::int64_t> volumes_;
  Assessment assessment_;
};

// Largest amount in [low, high] that satisfies `holds`, which is true up to some amount and false after it;
// low − 1 if none.
template <class Holds>
std::int64_t last_where(std::int64_t low, std::int64_t high, Holds holds) {
  std::int64_t below = low - 1;
  while (below < high) {
    const std::int64_t middle = below + (high - below + 1) / 2;
    if (holds(middle))
      below = middle;
    else
      high = middle - 1;
  }
  return below;
}

class Analysis {
 public:
  Analysis(const CompiledSchedule& schedule, const Segment& segment, std::vector<Finding>& out)
      : axis_(schedule, segment), segment_(segment), out_(out) {}

  void run() {
    for (std::size_t i = 0; i < segment_.starts.size(); ++i) {
      const std::int64_t low = segment_.starts[i];
      const std::int64_t high = i + 1 < segment_.starts.size() ? segment_.starts[i + 1] - 1 : kAmountMax;
      pieces(axis_.at(low), axis_.at(high));
    }
    if (free_ > 0) out_.push_back({FindingKind::free_ticket, segment_.name, 1, free_, 0, 0});
    if (above_ >= 0) out_.push_back({FindingKind::fee_above_amount, segment_.name, 0, above_, 0, 0});
    flush_negative();
  }

 private:
  // Clamps and groups switch once on their way up, so halving finds every switch.
  void pieces(const Point& low, const Point& high) {
    if (low.shape == high.shape) return piece(low, high);
    if (high.amount - low.amount == 1) {
      piece(low, low);
      return piece(high, high);
    }
    const Point middle = axis_.at(low.amount + (high.amount - low.amount) / 2);
    if (low.shape == middle.shape) return pieces_joined(low, middle, high);
    pieces(low, middle);
    pieces(axis_.at(middle.amount + 1), high);
  }
  // `low` and `middle` are of one shape: where does it end?
  void pieces_joined(const Point& low, const Point& middle, const Point& high) {
    const auto last = last_where(middle.amount, high.amount - 1,
                                 [&](std::int64_t a) { return axis_.at(a).shape == low.shape; });
    piece(low, axis_.at(last));
    pieces(axis_.at(last + 1), high);
  }

  // A stretch on which the exact fee is linear and the booked fee never falls.
  void piece(const Point& low, const Point& high) {
    if (seen_ && low.exact_net < last_.exact_net) fall(last_, low);
    if (high.exact_net < low.exact_net) fall(low, high);
    seen_ = true;
    last_ = high;
    const auto free = last_where(std::max<std::int64_t>(low.amount, 1), high.amount,
                                 [&](std::int64_t a) { return axis_.at(a).fee == 0; });
    if (free >= std::max<std::int64_t>(low.amount, 1)) free_ = free;
    above(low.amount, high);
    margins(low, high);
  }

  void fall(const Point& from, const Point& to) {
    out_.push_back({FindingKind::net_falls, segment_.name, from.amount, to.amount, from.net, to.net});
  }

  // The booked fee never falls here, so no amount from fee(a) on can lie below its fee: step down until one
  // does. A rate within a millionth of 1 steps slowly; what is reported then is a bound, never too small.
  static constexpr int kStepsMax = 20'000;
  void above(std::int64_t low, const Point& high) {
    std::int64_t a = high.amount, fee = high.fee;
    for (int steps = 0; fee <= a && steps < kStepsMax; ++steps) {
      if (fee - 1 < low) return;
      a = fee - 1;
      fee = axis_.at(a).fee;
    }
    above_ = std::max(above_, a);
  }

  void margins(const Point& low, const Point& high) {
    const bool from = low.exact_margin < 0, to = high.exact_margin < 0;
    if (!from && !to) return;
    std::int64_t first = low.amount, last = high.amount;
    if (from && !to)
      last =
          last_where(low.amount, high.amount, [&](std::int64_t a) { return axis_.at(a).exact_margin < 0; });
    if (!from && to)
      first =
          last_where(low.amount, high.amount, [&](std::int64_t a) { return axis_.at(a).exact_margin >= 0; }) +
          1;
    if (negative_.to_minor + 1 != first || !losing_) {
      flush_negative();
      negative_ = {FindingKind::negative_margin, segment_.name, first, last, axis_.at(first).margin, 0};
      losing_ = true;
    }
    negative_.to_minor = last;
    negative_.after_minor = axis_.at(last).margin;
  }
  void flush_negative() {
    if (losing_) out_.push_back(negative_);
    losing_ = false;
  }

  Axis axis_;
  const Segment& segment_;
  std::vector<Finding>& out_;
  bool seen_ = false, losing_ = false;
  Point last_;
  Finding negative_;
  std::int64_t free_ = 0, above_ = -1;
};

}  // namespace

Report report_on(const CompiledSchedule& schedule) {
  auto segments = segments_of(schedule, kSegmentPoints);
  Report report;
  report.complete = segments.complete;
  report.segments = segments.list.size();
  for (const auto& segment : segments.list) Analysis(schedule, segment, report.findings).run();
  return report;
}

Priced<std::shared_ptr<const Examination>> Examination::of(std::string_view json) {
  auto schedule = load_schedule(json);
  if (!schedule) return std::unexpected(std::move(schedule.error()));
  return std::shared_ptr<const Examination>(new Examination(std::move(*schedule)));
}

namespace {
constexpr std::array<std::string_view, 4> kCodes = {"net_falls", "fee_above_amount", "free_ticket",
                                                    "negative_margin"};
}  // namespace

std::string_view finding_code(FindingKind kind) noexcept {
  return kCodes[static_cast<std::size_t>(kind)];
}

std::optional<FindingKind> finding_kind(std::string_view code) noexcept {
  const auto it = std::ranges::find(kCodes, code);
  if (it == kCodes.end()) return std::nullopt;
  return static_cast<FindingKind>(it - kCodes.begin());
}

std::string Finding::text(const CompiledSchedule& schedule, Language language) const {
  const auto money = [&](std::int64_t minor) { return format_minor(minor, schedule.text().currency); };
  const bool zh = language == Language::zh;
  const auto say = [&](std::string_view en, std::string_view chinese, const auto&... amounts) {
    return fmt::format(fmt::runtime(zh ? chinese : en), zh && segment == "any" ? "全部" : segment,
                       amounts...);
  };
  const auto from = money(from_minor), to = money(to_minor);
  switch (kind) {
    case FindingKind::net_falls:
      return say("{}: from {} to {} the merchant's net goes from {} to {}",
                 "{}：金额从 {} 到 {}，商户实收从 {} 变为 {}", from, to, money(before_minor),
                 money(after_minor));
    case FindingKind::fee_above_amount:
      return say("{}: the fee is above the ticket up to {}", "{}：金额不超过 {} 时手续费高于交易金额", to);
    case FindingKind::free_ticket:
      if (to_minor == kAmountMax) return say("{}: no ticket pays a fee", "{}：任何金额都不收手续费");
      return say("{}: the largest ticket that pays nothing is {}", "{}：不收手续费的最大金额为 {}", to);
    case FindingKind::negative_margin:
      return say("{}: fees are below the house's costs from {} to {} (margin {} to {})",
                 "{}：金额从 {} 到 {} 时手续费低于机构成本（毛利 {} 至 {}）", from, to, money(before_minor),
                 money(after_minor));
  }
  return {};
}

}  // namespace tollgate::fees
