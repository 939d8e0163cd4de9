#include "switch/admin/estate_plan.h"

#include <algorithm>

#include "switch/admin/fee_findings.h"
#include "switch/admin/json_out.h"
#include "switch/admin/views.h"
#include "switch/crypto/lab.h"

namespace tollgate::admin {
namespace {

constexpr std::string_view kLabOverride = "published by the estate file of a lab";

template <class Command>
std::variant<core::PartitionCommand, core::HouseCommand> house(Command&& command) {
  return core::HouseCommand(std::forward<Command>(command));
}

PlannedRow row_for(Kind kind, const Item& item) {
  PlannedRow row;
  row.kind = kind;
  row.key = item.key;
  row.pointer = item.pointer;
  return row;
}

// Decides a row from what is there and what is wanted. False: nothing to order.
template <class Message>
bool decide(PlannedRow& row, const Item& item, const Message* before, const Message& wanted,
            std::uint64_t version) {
  if (item.version && before != nullptr && *item.version != version) {
    row.result = "refused";
    row.code = "version_mismatch";
    row.detail = "it has version " + std::to_string(version);
    return false;
  }
  if (before == nullptr) {
    row.result = "create";
    return true;
  }
  row.changes = diff(*before, wanted);
  row.result = row.changes.empty() ? "unchanged" : "update";
  return !row.changes.empty();
}

class Planner {
 public:
  Planner(const EstateDocument& document, const Backend& backend)
      : d_(document), backend_(backend), reference_(backend.reference()) {}

  std::vector<Unit> run() {
    for (const auto& h : d_.hosts) host(h);
    cards();
    for (const auto& s : d_.fee_schedules) schedule(s);
    routes();
    for (const auto& m : d_.merchants) merchant(m);
    for (const auto& a : d_.fee_assignments) assignment(a);
    for (const auto& v : d_.devices) device(v);
    for (const auto& t : d_.terminals) terminal(t);
    return std::move(units_);
  }

 private:
  Unit& unit(Kind kind, const std::string& key, PartitionId partition = kHouse) {
    auto& u = units_.emplace_back();
    u.kind = kind;
    u.name = std::string(name(kind)) + "/" + key;
    u.partition = partition;
    return u;
  }

  void host(const HostItem& item) {
    const auto it =
        std::ranges::find_if(reference_->hosts, [&](const v1::Host& h) { return h.name() == item.name; });
    const auto* before = it == reference_->hosts.end() ? nullptr : &*it;
    v1::Host wanted;
    if (before != nullptr) wanted = *before;
    item.overlay(wanted);
    if (item.lab_zmk)
      if (const auto key = crypto::import_clear_zone_key(*item.lab_zmk))
        wanted.set_zmk_kcv(key->check_value().hex());
    auto& u = unit(Kind::hosts, item.key);
    auto& row = u.rows.emplace_back(row_for(Kind::hosts, item));
    if (decide(row, item, before, wanted, before != nullptr ? before->version() : 0))
      u.order = house(core::SetHost{wanted, item.lab_zmk});
  }

  // Cards and routes are one record each: the document's are laid over the list that is there.
  template <class Items, class List, class Overlay, class KeyOf>
  bool merge(Unit& u, Kind kind, const Items& items, List& list, const Overlay& overlay,
             const KeyOf& key_of) {
    bool any = false;
    for (const auto& item : items) {
      const auto it =
          std::ranges::find_if(list, [&](const auto& known) { return key_of(known) == item.key; });
      auto& row = u.rows.emplace_back(row_for(kind, item));
      auto wanted = it == list.end() ? typename List::value_type() : *it;
      overlay(item, wanted);
      if (!decide(row, item, it == list.end() ? nullptr : &*it, wanted, 0)) continue;
      any = true;
      if (it == list.end())
        list.push_back(std::move(wanted));
      else
        *it = std::move(wanted);
    }
    return any;
  }

  void cards() {
    if (d_.cards.empty()) return;
    auto list = reference_->cards;
    auto& u = unit(Kind::cards, "*");
    const bool any = merge(
        u, Kind::cards, d_.cards, list, [](const CardItem& i, v1::CardRange& c) { i.overlay(c); },
        [](const v1::CardRange& c) { return c.prefix(); });
    if (any) u.order = house(core::SetCards{std::move(list)});
  }

  void routes() {
    if (d_.routes.empty()) return;
    auto list = reference_->routes;
    auto& u = unit(Kind::routes, "*");
    const bool any = merge(
        u, Kind::routes, d_.routes, list, [](const RouteItem& i, v1::Route& r) { r = i.route; },
        [](const v1::Route& r) { return r.name(); });
    if (any) u.order = house(core::SetRoutes{std::move(list)});
    u.blind = !d_.hosts.empty();
  }

  // Whether it is there is the engine's to say: it has the hash of each version.
  void schedule(const ScheduleItem& item) {
    auto& u = unit(Kind::fee_schedules, item.key);
    u.rows.push_back(row_for(Kind::fee_schedules, item));
    auto& row = u.rows.back();
    row.result = "create";
    const auto made = fees::Examination::of(item.json);
    const auto examined = made ? *made : nullptr;
    if (!item.publish) {
      u.order = house(core::DraftSchedule{item.json, item.file, examined});
      row.note = "a draft; tollgate fees publish " + item.key;
      return;
    }
    // In a lab the file is the written word; elsewhere "publish" was refused before.
    row.override_reason = item.override_reason.empty() ? std::string(kLabOverride) : item.override_reason;
    u.order = house(core::PublishSchedule{item.json, item.file, row.override_reason, examined});
  }

  void assignment(const AssignmentItem& item) {
    auto& u = unit(Kind::fee_assignments, item.key);
    u.rows.push_back(row_for(Kind::fee_assignments, item));
    u.rows.back().result = "create";
    u.order = house(core::Assign{item.json});
    u.blind = std::ranges::any_of(d_.fee_schedules,
                                  [&](const ScheduleItem& s) { return s.schedule_id == item.schedule_id; });
  }

  void merchant(const MerchantItem& item) {
    const auto view = backend_.merchant(item.merchant_code);
    auto& u = unit(Kind::merchants, item.key, backend_.partition_of(item.merchant_code));
    auto& row = u.rows.emplace_back(row_for(Kind::merchants, item));
    v1::Merchant wanted;
    if (view) {
      wanted = view->merchant;
      row.id = format_id("mer_", ObjectId(view->merchant.id()));
    } else {
      new_merchants_.insert(item.merchant_code);
    }
    item.overlay(wanted);
    if (decide(row, item, view ? &view->merchant : nullptr, wanted, view ? view->merchant.version() : 0))
      u.order = core::PartitionCommand(core::SetMerchant{std::move(wanted)});
  }

  void device(const DeviceItem& item) {
    const auto* before = device_of(*reference_, item.serial_number);
    auto& u = unit(Kind::devices, item.key);
    auto& row = u.rows.emplace_back(row_for(Kind::devices, item));
    v1::Device wanted;
    if (before != nullptr) {
      wanted = *before;
      row.id = format_id("dev_", ObjectId(before->id()));
    }
    item.overlay(wanted);
    if (decide(row, item, before, wanted, before != nullptr ? before->version() : 0))
      u.order = house(core::SetDevice{std::move(wanted)});
  }

  void terminal(const TerminalItem& item) {
    auto found = backend_.find_terminals(item.tid, item.merchant_code, {});
    const auto* view = found.empty() ? nullptr : &found.front();
    const auto* before = view == nullptr ? nullptr : &view->terminal;
    auto& u = unit(Kind::terminals, item.key, backend_.partition_of(item.merchant_code));
    auto& row = u.rows.emplace_back(row_for(Kind::terminals, item));
    v1::Terminal wanted;
    if (before != nullptr) {
      wanted = *before;
      row.id = format_id("term_", ObjectId(before->id()));
    }
    item.overlay(wanted);
    if (item.lab_tmk)
      if (const auto key = crypto::import_clear_tmk(*item.lab_tmk))
        wanted.set_tmk_kcv(key->check_value().hex());
    bool order = decide(row, item, before, wanted, before != nullptr ? before->version() : 0);
    const bool wakes = item.active.value_or(false) && (before == nullptr || !before->activated());
    if (row.result == "refused") return;
    if (wakes && before != nullptr) {
      row.changes.push_back({"/state", "\"pending\"", "\"active\""});
      row.result = "update";
      order = true;
    }
    if (item.active.value_or(false) && view != nullptr && view->state != core::TerminalState::active &&
        view->state != core::TerminalState::pending)
      row.note = "left " + std::string(state_name(view->state));
    if (!order) return;
    core::SetTerminal set{std::move(wanted), wakes, item.lab_tmk};
    u.order = core::PartitionCommand(std::move(set));
    u.blind = new_merchants_.contains(item.merchant_code);
  }

  const EstateDocument& d_;
  const Backend& backend_;
  std::shared_ptr<const ReferenceData> reference_;
  std::set<std::string> new_merchants_;
  std::vector<Unit> units_;
};

void write_refusal(JsonOut& out, const core::CommandResult& result) {
  out.field("result", "refused").field("code", result.problem).field_or_null("detail", result.detail);
  if (result.checks.empty()) return;
  out.key("checks").begin_array();
  for (const auto& c : result.checks)
    out.begin_object().field("id", c.id).field("ok", c.ok).field_or_null("detail", c.detail).end_object();
  out.end_array();
}

}  // namespace

std::string row_json(const PlannedRow& row, const core::CommandResult* result, Language language) {
  std::string text;
  JsonOut out(text);
  auto id = row.id;
  if (result != nullptr) {
    if (const auto* t = std::get_if<core::TerminalView>(&result->object))
      id = format_id("term_", ObjectId(t->terminal.id()));
    if (const auto* m = std::get_if<core::MerchantView>(&result->object))
      id = format_id("mer_", ObjectId(m->merchant.id()));
  }
  out.begin_object()
      .field("kind", singular(row.kind))
      .field("key", row.key)
      .field("pointer", row.pointer)
      .field_or_null("id", id);
  const bool planned = result == nullptr || result->ok();
  const bool unchanged = planned && result != nullptr && result->change == "unchanged" && row.changes.empty();
  // Whether a draft takes another's place is the engine's to say.
  const bool redrafted =
      planned && result != nullptr && row.kind == Kind::fee_schedules && result->change == "update";
  if (!planned && row.result != "unchanged")
    write_refusal(out, *result);
  else
    out.field("result", unchanged ? "unchanged" : redrafted ? "update" : row.result);
  if (!row.code.empty()) out.field("code", row.code).field("detail", row.detail);
  if (planned && !row.changes.empty()) {
    out.key("changes").begin_array();
    for (const auto& c : row.changes)
      out.begin_object()
          .field("pointer", c.pointer)
          .key("old")
          .raw(c.old_json)
          .key("new")
          .raw(c.new_json)
          .end_object();
    out.end_array();
  }
  if (result != nullptr && result->examined != nullptr && !result->examined->report().findings.empty()) {
    write_findings(out, *result->examined, language);
    if (planned && !row.override_reason.empty()) out.field("override", row.override_reason);
  }
  if (!row.note.empty() && !unchanged) out.field("note", row.note);
  out.end_object();
  return text;
}

std::vector<Unit> plan_estate(const EstateDocument& document, const Backend& backend) {
  return Planner(document, backend).run();
}

}  // namespace tollgate::admin
