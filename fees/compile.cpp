// From the text of a schedule to its Program: ids become indices, defaults are filled in, rules of all
// components lie in one array.
#include <algorithm>

#include "fees/program.h"
#include "switch/base/check.h"

namespace tollgate::fees {
namespace {

std::uint16_t index_of(const FeeSchedule& schedule, const std::string& id) {
  const auto it = std::ranges::find(schedule.components, id, &Component::id);
  TG_CHECK(it != schedule.components.end());  // UNKNOWN_ID was looked for before
  return static_cast<std::uint16_t>(it - schedule.components.begin());
}

std::vector<std::uint16_t> indices_of(const FeeSchedule& schedule, const std::vector<std::string>& ids) {
  std::vector<std::uint16_t> indices;
  for (const auto& id : ids) indices.push_back(index_of(schedule, id));
  return indices;
}

CompiledRule compile_rule(const Component& component, const Rule& rule, std::vector<Tier>& tiers) {
  CompiledRule compiled{};
  compiled.rate_nano = rule.rate_nano;
  compiled.fixed_minor = rule.fixed_minor;
  compiled.keep_nano = kNano - rule.discount_nano;
  compiled.min_minor = rule.min_minor.value_or(-1);
  compiled.max_minor = rule.max_minor.value_or(-1);
  compiled.tier_at = static_cast<std::uint32_t>(tiers.size());
  compiled.tier_count = static_cast<std::uint16_t>(rule.tiers.size());
  compiled.account = rule.account != 0 ? rule.account : component.account;
  tiers.insert(tiers.end(), rule.tiers.begin(), rule.tiers.end());
  return compiled;
}

CompiledSplit compile_split(const FeeSchedule& schedule, const Split& split) {
  CompiledSplit compiled{indices_of(schedule, split.of), indices_of(schedule, split.less), split.method, {}};
  for (const auto& party : split.parties) {
    std::int16_t from = -1;
    if (!party.from.empty()) {
      const auto it = std::ranges::find(split.parties, party.from, &Party::party);
      from = static_cast<std::int16_t>(it - split.parties.begin());
    }
    compiled.nodes.push_back({party.share_nano, from});
  }
  return compiled;
}

}  // namespace

Program::Program(const FeeSchedule& schedule)
    : currency(schedule.currency), rounding(schedule.rounding), round_at(schedule.round_at) {
  for (const auto& component : schedule.components)
    for (const auto& rule : component.rules) classes.add(rule.match);
  classes.seal();
  if (schedule.tax && schedule.tax->level == TaxLevel::transaction) {
    taxed = true;
    tax_mode = schedule.tax->mode;
    tax_nano = schedule.tax->rate_nano;
  }
  for (const auto& component : schedule.components) {
    CompiledComponent compiled{};
    compiled.index = static_cast<std::uint16_t>(components.size());
    compiled.payer = component.payer;
    compiled.base = component.base;
    compiled.rounding = component.rounding.value_or(schedule.rounding);
    compiled.taxable = component.payer == Payer::merchant && !component.tax_exempt;
    compiled.running = component.volume == VolumeMode::running;
    compiled.contra = component.contra;
    compiled.reads_volume = std::ranges::any_of(component.rules, [&](const Rule& r) {
      return r.match.names(Dimension::volume) || (compiled.running && !r.tiers.empty());
    });
    for (const auto& id : component.base_of) compiled.base_of |= std::uint64_t{1} << index_of(schedule, id);
    compiled.rules_at = static_cast<std::uint32_t>(rules.size());
    for (const auto& rule : component.rules) rules.push_back(compile_rule(component, rule, tiers));
    if (blocks.empty()) blocks.emplace_back();
    auto word = blocks.back().add(component.rules);
    if (!word) word = blocks.emplace_back().add(component.rules);
    compiled.block = static_cast<std::uint16_t>(blocks.size() - 1);
    compiled.word = word.value();
    compiled.words = static_cast<std::uint16_t>((component.rules.size() + 63) / 64);
    compiled.by_volume.build(component.rules);
    for (std::size_t e = 0; e < priced_by.size(); ++e)
      if (component.prices(static_cast<PricedEvent>(e))) priced_by[e].push_back(compiled.index);
    components.push_back(std::move(compiled));
  }
  for (auto& block : blocks) block.seal(classes);
  for (const auto& cap : schedule.caps)
    caps.push_back(
        {indices_of(schedule, cap.members), cap.max_minor.value_or(-1), cap.min_minor.value_or(-1)});
  for (const auto& split : schedule.splits) splits.push_back(compile_split(schedule, split));
}

}  // namespace tollgate::fees
