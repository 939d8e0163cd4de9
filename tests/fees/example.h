// The example schedule of the reference, and how the tests of fees ask for prices.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "fees/engine.h"
#include "fees/schedule.h"

namespace tollgate::fees::testing {

inline constexpr std::string_view kRetail = R"({
  "schedule_id": "retail_cny", "version": 1, "valid_from": "2026-01-01T00:00:00Z",
  "currency": "CNY", "time_zone": "Asia/Shanghai", "cutoff": "23:00",
  "components": [
    {"id": "mdr", "account": "4100", "rules": [
      {"id": "qr_small", "match": {"channel": ["QR_MERCHANT_PRESENTED", "QR_CUSTOMER_PRESENTED"],
                                   "amount": {"max": 100000}}, "rate": "0.0038", "account": "4110"},
      {"id": "qr", "match": {"channel": ["QR_MERCHANT_PRESENTED", "QR_CUSTOMER_PRESENTED"]},
       "rate": "0.0055", "account": "4110"},
      {"id": "debit", "match": {"funding": ["DEBIT"]}, "rate": "0.005", "max": 2000},
      {"id": "card", "rate": "0.006"}]},
    {"id": "instant", "account": "4120", "refund": "KEEP", "rules": [
      {"id": "instant", "match": {"settlement": ["INSTANT"]}, "fixed": 300}]}],
  "splits": [
    {"id": "agents", "of": ["mdr"], "parties": [
      {"party": "agent_1", "share": "0.125"}, {"party": "agent_2", "share": "0.1"}]}],
  "recurring": [
    {"id": "sim", "amount": 3600, "cycle": "YEAR", "account": "4130"}]
})";

// A schedule of one currency and zone with the given members, for tests that look at one thing.
inline std::string schedule_with(std::string_view components, std::string_view more = "") {
  return R"({"schedule_id":"s","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai","components":)" +
         std::string(components) + (more.empty() ? "" : ",") + std::string(more) + "}";
}

inline SchedulePtr must_load(std::string_view json) {
  auto loaded = load_schedule(json);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().error().text();
    std::abort();
  }
  return *loaded;
}

inline Event sale_of(std::int64_t amount_minor) {
  Event event;
  event.amount_minor = amount_minor;
  event.business_date = *parse_date("2026-03-02");
  event.local_minute = 12 * 60;
  event.facts.channel = Channel::contact;
  event.facts.brand = *Code::of("UNIONPAY");
  event.facts.funding = Funding::credit;
  event.facts.region = Region::domestic;
  event.facts.settlement = Settlement::t1;
  event.facts.mcc = 5411;
  return event;
}

inline Assessment priced(const CompiledSchedule& schedule, const Event& event, Volumes volumes = {}) {
  Assessment out;
  assess(schedule, event, volumes, out);
  return out;
}

}  // namespace tollgate::fees::testing
