#include "tests/core/estate.h"

#include <fmt/format.h>

namespace tollgate::test {
namespace {

constexpr std::string_view kSchedule = R"({
  "schedule_id": "retail", "version": 1, "valid_from": "2026-01-01T00:00:00Z", "currency": "CNY", "time_zone": "Asia/Shanghai",
  "cutoff": "23:00",
  "components": [
    {"id": "mdr", "account": "4100", "rules": [
      {"id": "qr", "match": {"channel": ["QR_MERCHANT_PRESENTED", "QR_CUSTOMER_PRESENTED"]}, "rate": "0.0038", "account": "4110"},
      {"id": "debit", "match": {"funding": ["DEBIT"]}, "rate": "0.005", "max": 2000},
      {"id": "card", "rate": "0.006"}]},
    {"id": "instant", "account": "4120", "refund": "KEEP", "rules": [
      {"id": "instant", "match": {"settlement": ["INSTANT"]}, "fixed": 300}]}]})";

}  // namespace

std::string tid_of(std::uint32_t number) {
  return fmt::format("{:08}", 10'000'000 + number);
}
std::string merchant_code_of(std::uint32_t number) {
  return fmt::format("10229005812{:04}", number);
}

std::vector<core::HouseCommand> house_commands(const HouseEstate& estate) {
  std::vector<core::HouseCommand> all;
  core::SetRoutes routes;
  auto& route = routes.routes.emplace_back();
  route.set_name("default");
  route.set_priority(99);
  for (const auto& name : estate.hosts) {
    route.add_to()->set_host(name);
    core::SetHost host;
    host.host.set_name(name);
    host.host.set_dialect("iso87-ascii");
    host.host.add_addresses(name);
    host.host.set_links(estate.links);
    host.host.set_max_in_flight(estate.host_in_flight_max);
    host.host.set_timeout_ms(estate.timeout_ms);
    host.host.set_echo_interval_s(60);
    if (estate.zone_keys) host.lab_zmk = Bytes(16, 0x55);
    all.emplace_back(std::move(host));
  }
  core::SetCards cards;
  for (const auto& [prefix, funding] : {std::pair("62", "DEBIT"), std::pair("622202", "CREDIT")}) {
    auto& card = cards.cards.emplace_back();
    card.set_prefix(prefix);
    card.set_brand("UNIONPAY");
    card.set_funding(funding);
    card.set_region("DOMESTIC");
  }
  all.emplace_back(std::move(cards));
  all.emplace_back(std::move(routes));
  all.emplace_back(core::PublishSchedule{estate.schedule.empty() ? std::string(kSchedule) : estate.schedule,
                                         "retail.json", "small tickets may be free"});
  all.emplace_back(core::Assign{
      R"({"id":"fa_1","level":"DEFAULT","schedule_id":"retail","valid_from":"2026-01-01T00:00:00Z"})"});
  return all;
}

core::SetMerchant merchant_command(std::uint32_t number) {
  core::SetMerchant merchant;
  merchant.merchant.set_merchant_code(merchant_code_of(number));
  merchant.merchant.set_name("演示餐厅");
  merchant.merchant.set_mcc(5812);
  merchant.merchant.set_unified_credit_code(fmt::format("91310000DEMK{:05}N", number + 11));
  merchant.merchant.set_settlement_account(fmt::format("acct_demo_{}", number));
  merchant.merchant.set_settlement_cycle("T1");
  return merchant;
}

core::SetDevice device_command(std::uint32_t number) {
  core::SetDevice device;
  device.device.set_serial_number(fmt::format("N{:09}", number));
  device.device.set_model("demo-a1");
  device.device.set_certified_until("2029-12-31");
  return device;
}

core::SetTerminal terminal_command(std::uint32_t number, std::uint32_t merchant, bool active) {
  core::SetTerminal terminal;
  terminal.terminal.set_tid(tid_of(number));
  terminal.terminal.set_merchant_code(merchant_code_of(merchant));
  terminal.terminal.set_serial_number(fmt::format("N{:09}", number));
  terminal.terminal.set_dialect("cup");
  terminal.terminal.mutable_location()->set_address("上海市 1 号");
  terminal.want_active = active;
  terminal.lab_tmk = Bytes(16, 0x11);
  return terminal;
}

}  // namespace tollgate::test
