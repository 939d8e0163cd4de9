// A partition's objects as plain values for operators.
#include <algorithm>

#include "switch/core/partition.h"

namespace tollgate::core {
namespace {

TerminalState state_of(Standing standing, bool activated) {
  if (!activated) return TerminalState::pending;
  return standing == Standing::active ? TerminalState::active : TerminalState::suspended;
}

std::vector<std::string> actions_of(TerminalState state) {
  switch (state) {
    case TerminalState::pending: return {"activate", "suspend"};
    case TerminalState::active: return {"suspend"};
    case TerminalState::suspended: return {"activate", "suspend"};
    default: return {};
  }
}

}  // namespace

HoldView Partition::hold_view(const v1::Hold& hold) const {
  return {ObjectId(hold.id()), hold.scope(), hold.reason(), hold.note(), hold.evidence(), hold.by(), WallTime{hold.since_us()}, WallTime{hold.until_us()}};
}

TerminalView Partition::view_of(const Terminal& terminal) const {
  TerminalView view;
  const auto& merchant = *merchants_[terminal.merchant];
  const auto standing = standing_of(terminal);
  view.terminal = terminal.terminal;
  view.merchant = ObjectId(merchant.merchant.id());
  view.state = state_of(standing, terminal.terminal.activated());
  view.accepts = acceptance_of(standing);
  for (const auto id : terminal.holds) view.holds.push_back(hold_view(holds_.at(id)));
  for (const auto id : merchant.holds) view.holds.push_back(hold_view(holds_.at(id)));
  view.key_generation = terminal.key_generation;
  view.signed_on_at = WallTime{terminal.signed_on ? terminal.signed_on_us : 0};
  view.last_seen_at = WallTime{terminal.last_seen_us};
  view.last_transaction_at = WallTime{terminal.last_transaction_us};
  view.batch = terminal.batch;
  view.batch_count = terminal.batch_count;
  view.batch_total_minor = terminal.batch_total_minor;
  view.allowed_actions = actions_of(view.state);
  return view;
}

MerchantView Partition::view_of(const MerchantState& merchant) const {
  MerchantView view;
  view.merchant = merchant.merchant;
  view.suspended = !merchant.holds.empty();
  for (const auto id : merchant.holds) view.holds.push_back(hold_view(holds_.at(id)));
  view.terminals = merchant.terminals;
  return view;
}

std::optional<TerminalView> Partition::terminal_view(ObjectId id) const {
  const auto it = terminal_by_id_.find(id.raw());
  if (it == terminal_by_id_.end()) return std::nullopt;
  return view_of(*terminals_[it->second]);
}

std::optional<TerminalView> Partition::terminal_view(std::string_view tid, std::string_view merchant_code) const {
  const auto key = TerminalKey::of(tid, merchant_code);
  const auto it = key ? terminal_by_key_.find(*key) : terminal_by_key_.end();
  if (it == terminal_by_key_.end()) return std::nullopt;
  return view_of(*terminals_[it->second]);
}

void Partition::find_terminals(const std::function<bool(const v1::Terminal&)>& wanted, std::vector<TerminalView>& found) const {
  for (const auto& terminal : terminals_)
    if (wanted(terminal->terminal)) found.push_back(view_of(*terminal));
}

std::vector<ObjectId> Partition::terminal_ids() const {
  std::vector<ObjectId> ids;
  ids.reserve(terminals_.size());
  for (const auto& terminal : terminals_) ids.emplace_back(terminal->terminal.id());
  return ids;
}

void Partition::count_terminals(std::map<TerminalState, std::uint64_t>& count) const {
  for (const auto& terminal : terminals_) ++count[state_of(standing_of(*terminal), terminal->terminal.activated())];
}

std::optional<MerchantView> Partition::merchant_view(std::string_view code) const {
  const auto it = merchant_by_code_.find(std::string(code));
  if (it == merchant_by_code_.end()) return std::nullopt;
  return view_of(*merchants_[it->second]);
}

}  // namespace tollgate::core
