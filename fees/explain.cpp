#include "fees/explain.h"

#include <fmt/format.h>

namespace tollgate::fees {
namespace {

// "0.6 %" for 6,000,000 nano: the rate with its point moved by two.
std::string percent(std::int64_t rate_nano) {
  return exact_text(Exact{rate_nano} * 100 * kNano) + " %";
}

class Teller {
 public:
  Teller(const CompiledSchedule& schedule, Language language)
      : text_(schedule.text()), zh_(language == Language::zh) {}

  [[nodiscard]] std::string money(std::int64_t minor) const { return format_minor(minor, text_.currency); }
  // An exact value in major units: the point moves by the currency's decimals.
  [[nodiscard]] std::string exact_money(Exact exact) const {
    Exact divided = exact;
    for (int i = currency_exponent(text_.currency); i > 0; --i) {
      if (divided % 10 != 0) return exact_text(exact) + (zh_ ? " 最小单位" : " minor units");
      divided /= 10;
    }
    return exact_text(divided);
  }
  [[nodiscard]] std::string_view say(std::string_view en, std::string_view zh) const { return zh_ ? zh : en; }

  [[nodiscard]] std::string base_name(Base base) const {
    switch (base) {
      case Base::amount:
        return std::string(say("the amount", "交易金额"));
      case Base::goods:
        return std::string(say("the goods", "商品金额"));
      case Base::tip:
        return std::string(say("the tip", "小费"));
      case Base::cashback:
        return std::string(say("the cashback", "返现"));
      case Base::fees:
        return std::string(say("other fees", "其他费用"));
    }
    return {};
  }

  [[nodiscard]] std::string rates(const Rule& rule) const {
    if (rule.tiers.empty()) return rule.rate_nano == 0 ? std::string() : percent(rule.rate_nano);
    std::string out;
    for (const auto& tier : rule.tiers) {
      if (!out.empty()) out += say(", ", "，");
      out += tier.up_to == INT64_MAX
                 ? fmt::format("{} {}", percent(tier.rate_nano), say("above", "以上部分"))
                 : fmt::format("{} {} {}", percent(tier.rate_nano), say("up to", "至"), money(tier.up_to));
    }
    return out;
  }

  [[nodiscard]] std::string formula(const Rule& rule, std::int64_t base_minor) const {
    std::string out;
    const auto rate = rates(rule);
    if (!rate.empty())
      out = rule.tiers.empty() ? fmt::format("{} × {}", money(base_minor), rate)
                               : fmt::format("{}: {}", money(base_minor), rate);
    if (rule.fixed_minor != 0) out += (out.empty() ? "" : " + ") + money(rule.fixed_minor);
    if (out.empty()) out = say("free", "免费");
    if (rule.discount_nano != 0)
      out = fmt::format("({}) {} {}", out, say("less", "优惠"), percent(rule.discount_nano));
    return out;
  }

  [[nodiscard]] std::string line(const Line& line) const {
    const Component& component = text_.components[line.component];
    if (line.rule == kNoRule) {
      const auto word =
          (line.flags & flag::kReturned) != 0 ? say("given back", "退还") : say("taken back", "冲回");
      return fmt::format("{}: {} {}", component.id, word, money(line.amount_minor));
    }
    const Rule& rule = component.rules[line.rule];
    std::string out =
        fmt::format("{}: {} = {}", component.id, formula(rule, line.base_minor), money(line.amount_minor));
    const auto note = [&](std::uint16_t bit, std::string_view en, std::string_view zh) {
      if ((line.flags & bit) != 0) out += fmt::format("{}{}", say(", ", "，"), say(en, zh));
    };
    note(flag::kMax, "the maximum", "封顶");
    note(flag::kMin, "the minimum", "保底");
    note(flag::kTie, "an exact half", "恰为半分");
    note(flag::kGroupMax, "reduced by a cap group", "组合封顶减少");
    note(flag::kGroupMin, "raised by a cap group", "组合保底增加");
    if (line.exact != Exact{line.amount_minor} * kExactOne &&
        (line.flags & (flag::kGroupMax | flag::kGroupMin)) == 0)
      out += fmt::format("{}{} {}", say(", exact ", "，精确值 "), exact_money(line.exact),
                         say("rounded", "取整"));
    out += fmt::format("{}{} {}", say(", ", "，"), say("rule", "规则"), rule.id);
    if (line.payer == Payer::cardholder) out += say(", paid by the cardholder", "，持卡人承担");
    if (line.payer == Payer::house) out += say(", cost of the house", "，收单机构成本");
    if (line.payer == Payer::none) out += say(", computed only", "，仅计算");
    return out;
  }

  [[nodiscard]] std::string split(const SplitLine& line) const {
    const Split& split = text_.splits[line.split];
    std::string out = fmt::format("{} {}: ", say("share", "分润"), split.id);
    for (std::size_t p = 0; p < line.parties; ++p)
      out += fmt::format("{} {}{}", split.parties[p].party, money(line.party_minor[p]), say(", ", "，"));
    return out + fmt::format("{} {}", say("house", "机构"), money(line.house_minor));
  }

  [[nodiscard]] std::string tax(const Totals& totals) const {
    return fmt::format("{} {} {} {} = {}", say("tax", "税"), percent(text_.tax->rate_nano),
                       text_.tax->mode == TaxMode::inclusive ? say("included in", "价内，计税费用")
                                                             : say("on top of", "价外，计税费用"),
                       money(totals.taxable_minor), money(totals.tax_minor));
  }

  [[nodiscard]] std::string totals(const CompiledSchedule& schedule, const Assessment& a) const {
    std::string out = fmt::format("{} {}", say("fee", "手续费"), money(a.totals.fee_minor));
    if (a.totals.cardholder_fee_minor != 0)
      out += fmt::format("{}{} {}", say(", cardholder pays on top ", "，持卡人另付 "),
                         money(a.totals.cardholder_fee_minor), "");
    if (a.totals.cost_minor != 0)
      out += fmt::format("{}{}{}{}", say(", cost ", "，成本 "), money(a.totals.cost_minor),
                         say(", margin ", "，毛利 "), money(a.totals.fee_minor - a.totals.cost_minor));
    out += fmt::format("{}{} {} ({})", say(", merchant receives ", "，商户实收 "),
                       money(a.totals.merchant_net_minor), currency_code(text_.currency), schedule.label());
    return out;
  }

  [[nodiscard]] std::string rule(const Component& component, const Rule& rule) const {
    std::string out;
    const auto add = [&](std::string part) {
      out += (out.empty() ? "" : std::string(say(", ", "，"))) + std::move(part);
    };
    const auto rate = rates(rule);
    if (!rate.empty())
      add(zh_ ? fmt::format("{}的 {}", base_name(component.base), rate)
              : fmt::format("{} of {}", rate, base_name(component.base)));
    if (rule.fixed_minor != 0) add(fmt::format("{} {}", say("fixed", "固定"), money(rule.fixed_minor)));
    if (out.empty()) add(std::string(say("free", "免费")));
    if (rule.discount_nano != 0) add(fmt::format("{} {}", say("less", "优惠"), percent(rule.discount_nano)));
    if (rule.min_minor) add(fmt::format("{} {}", say("at least", "保底"), money(*rule.min_minor)));
    if (rule.max_minor) add(fmt::format("{} {}", say("at most", "封顶"), money(*rule.max_minor)));
    return out;
  }

 private:
  const FeeSchedule& text_;
  bool zh_;
};

}  // namespace

std::vector<std::string> explain(const CompiledSchedule& schedule, const Assessment& assessment,
                                 Language language) {
  const Teller teller(schedule, language);
  std::vector<std::string> out;
  for (const Line& line : assessment.lines()) out.push_back(teller.line(line));
  for (const SplitLine& line : assessment.splits()) out.push_back(teller.split(line));
  if (assessment.totals.tax_minor != 0) out.push_back(teller.tax(assessment.totals));
  out.push_back(teller.totals(schedule, assessment));
  return out;
}

std::string describe_rule(const CompiledSchedule& schedule, const Component& component, const Rule& rule,
                          Language language) {
  return Teller(schedule, language).rule(component, rule);
}

}  // namespace tollgate::fees
