// A small estate for cluster tests, ordered through a cluster's own door: one host, prices, merchants spread
// over the partitions, a terminal each.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "switch/net/cluster.h"
#include "switch/sim/terminal.h"

namespace tollgate::net::test {

inline constexpr std::string_view kPrices = R"({
  "schedule_id": "retail", "version": 1, "valid_from": "2026-01-01T00:00:00Z", "currency": "CNY", "time_zone": "Asia/Shanghai",
  "cutoff": "23:00", "components": [{"id": "mdr", "account": "4100", "rules": [{"id": "all", "rate": "0.006"}]}]})";

template <class What>
void order(Cluster& cluster, PartitionId partition, What what) {
  core::Command command{partition, {}, std::move(what)};
  command.caller.principal = "test";
  const auto result = cluster.submit(std::move(command)).get();
  std::string blocked;
  for (const auto& check : result.checks) {
    if (!check.ok) blocked += " " + check.id + " (" + check.detail + ")";
  }
  ASSERT_TRUE(result.ok()) << result.problem << ": " << result.detail << blocked;
}

inline std::string merchant_code(std::uint32_t number) {
  return fmt::format("1022900581{:05}", number);
}
inline std::string tid(std::uint32_t number) {
  return fmt::format("{:08}", 10'000'000 + number);
}

inline void order_host(Cluster& cluster, const std::string& address) {
  core::SetHost host;
  host.host.set_name("cup");
  host.host.set_dialect("iso87-ascii");
  host.host.add_addresses(address);
  host.host.set_links(1);
  host.host.set_max_in_flight(500);
  host.host.set_timeout_ms(3000);
  host.host.set_echo_interval_s(60);
  host.lab_zmk = Bytes(16, 0x55);
  order(cluster, kHouse, core::HouseCommand(host));
  core::SetCards cards;
  auto& card = cards.cards.emplace_back();
  card.set_prefix("62");
  card.set_brand("UNIONPAY");
  card.set_funding("DEBIT");
  card.set_region("DOMESTIC");
  order(cluster, kHouse, core::HouseCommand(cards));
  core::SetRoutes routes;
  auto& route = routes.routes.emplace_back();
  route.set_name("default");
  route.set_priority(99);
  route.add_to()->set_host("cup");
  order(cluster, kHouse, core::HouseCommand(routes));
  order(cluster, kHouse, core::HouseCommand(core::PublishSchedule{std::string(kPrices), "retail.json", "small tickets may be free"}));
  order(
      cluster, kHouse,
      core::HouseCommand(core::Assign{
          R"({"id":"fa_1","level":"DEFAULT","schedule_id":"retail","valid_from":"2026-01-01T00:00:00Z"})"}));
}

inline void order_terminal(Cluster& cluster, std::uint32_t number) {
  const auto partition = core::Engine::partition_of(merchant_code(number), cluster.partitions());
  core::SetMerchant merchant;
  merchant.merchant.set_merchant_code(merchant_code(number));
  merchant.merchant.set_name("shop");
  merchant.merchant.set_mcc(5812);
  merchant.merchant.set_unified_credit_code("91310000DEMK00012N");
  merchant.merchant.set_settlement_account("acct_demo_1");
  merchant.merchant.set_settlement_cycle("T1");
  order(cluster, partition, core::PartitionCommand(merchant));
  core::SetDevice device;
  device.device.set_serial_number(fmt::format("N{:09}", number));
  device.device.set_model("demo-a1");
  device.device.set_certified_until("2029-12-31");
  order(cluster, kHouse, core::HouseCommand(device));
  core::SetTerminal terminal;
  terminal.terminal.set_tid(tid(number));
  terminal.terminal.set_merchant_code(merchant_code(number));
  terminal.terminal.set_serial_number(device.device.serial_number());
  terminal.terminal.set_dialect("cup");
  terminal.terminal.mutable_location()->set_address("1 Test Road");
  terminal.want_active = true;
  terminal.lab_tmk = Bytes(16, 0x11);
  order(cluster, partition, core::PartitionCommand(terminal));
}

inline std::vector<sim::TerminalConfig> terminal_configs(std::uint32_t count) {
  std::vector<sim::TerminalConfig> all;
  for (std::uint32_t i = 1; i <= count; ++i) {
    all.push_back(
        {.tid = tid(i), .merchant_code = merchant_code(i), .tmk = "11111111111111111111111111111111"});
  }
  return all;
}

}  // namespace tollgate::net::test
