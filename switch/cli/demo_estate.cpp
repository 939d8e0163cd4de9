#include "switch/cli/demo_estate.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>

namespace tollgate::cli {
namespace {

struct Shop {
  std::string_view mcc, name, schedule;
};
constexpr std::array<Shop, 12> kShops = {{{"5812", "演示餐厅", "demo-dining"},
                                          {"5411", "演示超市", "demo-standard"},
                                          {"5499", "演示便利店", "demo-standard"},
                                          {"5912", "演示药房", "demo-standard"},
                                          {"5541", "演示加油站", "demo-fuel"},
                                          {"7011", "演示酒店", "demo-dining"},
                                          {"5651", "演示服装店", "demo-standard"},
                                          {"5732", "演示电器城", "demo-standard"},
                                          {"5942", "演示书店", "demo-standard"},
                                          {"5813", "演示茶馆", "demo-dining"},
                                          {"7230", "演示理发店", "demo-standard"},
                                          {"4121", "演示出租车", "demo-fuel"}}};
constexpr std::string_view kTmk = "11111111111111111111111111111111";  // a published test key

std::string merchant_code(std::size_t shop) {
  return fmt::format("1022900{}{:04}", kShops[shop].mcc, shop + 1);
}
std::string tid(std::uint32_t number) {
  return fmt::format("{:08}", 10'000'000 + number);
}
std::size_t shop_of(std::uint32_t terminal) {
  return (terminal - 1) % kShops.size();
}

std::string host(std::string_view name, std::string_view address) {
  return fmt::format(
      R"({{"name":"{}","dialect":"iso87-ascii","addresses":["{}"],"links":2,"max_in_flight":500,"timeout_ms":5000,)"
      R"("echo_interval_s":30,"tls":false,"acquirer_code":"01020000","lab_keys":{{"zmk":"55555555555555555555555555555555"}}}})",
      name, address);
}

std::string schedule(std::string_view id, std::string_view debit, std::string_view credit,
                     std::string_view qr) {
  return fmt::format(
      R"({{"publish":true,"schedule":{{"schedule_id":"{}","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY",)"
      R"("time_zone":"Asia/Shanghai","cutoff":"23:00","components":[{{"id":"mdr","account":"4100","rules":[)"
      R"({{"id":"qr","match":{{"channel":["QR_MERCHANT_PRESENTED","QR_CUSTOMER_PRESENTED"]}},"rate":"{}","account":"4110"}},)"
      R"({{"id":"debit","match":{{"funding":["DEBIT"]}},"rate":"{}","max":2000}},{{"id":"card","rate":"{}"}}]}},)"
      R"({{"id":"instant","account":"4120","refund":"KEEP","rules":[{{"id":"instant","match":{{"settlement":["INSTANT"]}},"fixed":300}}]}}]}}}})",
      id, qr, debit, credit);
}

std::string merchants() {
  std::string text;
  for (std::size_t i = 0; i < kShops.size(); ++i) {
    fmt::format_to(
        std::back_inserter(text),
        R"({}{{"merchant_code":"{}","name":"{}","mcc":"{}","region":"310000","unified_credit_code":"91310000DEMK{:05}N",)"
        R"("settlement_account":"acct_demo_{}","settlement_cycle":"T1"}})",
        i == 0 ? "" : ",", merchant_code(i), kShops[i].name, kShops[i].mcc, i + 1, i + 1);
  }
  return text;
}

std::string assignments() {
  std::string text;
  for (std::size_t i = 0; i < kShops.size(); ++i) {
    fmt::format_to(
        std::back_inserter(text),
        R"({}{{"id":"fa_{}","level":"MERCHANT","subject":"{}","schedule_id":"{}","valid_from":"2026-01-01T00:00:00Z"}})",
        i == 0 ? "" : ",", i + 1, merchant_code(i), kShops[i].schedule);
  }
  return text;
}

std::string devices(std::uint32_t count) {
  std::string text;
  for (std::uint32_t i = 1; i <= count; ++i) {
    fmt::format_to(
        std::back_inserter(text),
        R"({}{{"serial_number":"N33{:08}","model":"demo-a1","firmware_version":"2.4.0","certified_until":"2029-12-31"}})",
        i == 1 ? "" : ",", i);
  }
  return text;
}

std::string terminals(std::uint32_t count) {
  std::string text;
  for (std::uint32_t i = 1; i <= count; ++i) {
    fmt::format_to(
        std::back_inserter(text),
        R"({}{{"tid":"{}","merchant_code":"{}","serial_number":"N33{:08}","dialect":"cup","state":"active",)"
        R"("location":{{"lat":"31.2304","lon":"121.4737","address":"上海市 {} 号","radius_m":500}},"labels":{{"chain":"demo"}},)"
        R"("lab_keys":{{"tmk":"{}"}}}})",
        i == 1 ? "" : ",", tid(i), merchant_code(shop_of(i)), i, shop_of(i) + 1, kTmk);
  }
  return text;
}

constexpr std::string_view kCards =
    R"({"prefix":"62","brand":"UNIONPAY","funding":"DEBIT","region":"DOMESTIC"},)"
    R"({"prefix":"622202","brand":"UNIONPAY","funding":"CREDIT","region":"DOMESTIC"})";
constexpr std::string_view kRoutes =
    R"({"name":"wallets","priority":10,"match":{"qr":["10-15","25-30"]},"to":[{"host":"wallets"}]},)"
    R"({"name":"default","priority":99,"match":{},"to":[{"host":"cup"}]})";

}  // namespace

std::string demo_estate(std::uint32_t count, const DemoHosts& hosts) {
  return fmt::format(
      R"({{"estate":1,"hosts":[{},{}],"cards":[{}],"routes":[{}],"fee_schedules":[{},{},{}],"merchants":[{}],)"
      R"("fee_assignments":[{}],"devices":[{}],"terminals":[{}]}})",
      host("cup", hosts.cards), host("wallets", hosts.wallets), kCards, kRoutes,
      schedule("demo-standard", "0.005", "0.006", "0.0038"),
      schedule("demo-dining", "0.0055", "0.0078", "0.006"),
      schedule("demo-fuel", "0.0026", "0.0038", "0.0038"), merchants(), assignments(), devices(count),
      terminals(count));
}

std::vector<sim::TerminalConfig> demo_terminals(std::uint32_t count) {
  std::vector<sim::TerminalConfig> all;
  for (std::uint32_t i = 1; i <= count; ++i) {
    auto& one = all.emplace_back();
    one.tid = tid(i);
    one.merchant_code = merchant_code(shop_of(i));
    one.tmk = kTmk;
  }
  return all;
}

std::string demo_summary(std::uint32_t count) {
  return fmt::format("{} merchants, {} terminals, 3 fee schedules, 2 hosts", kShops.size(), count);
}

}  // namespace tollgate::cli
