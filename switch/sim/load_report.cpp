#include <fmt/format.h>

#include "switch/sim/load.h"

namespace tollgate::sim {
namespace {

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

double us_each(Duration time, std::uint64_t count) {
  return count == 0 ? 0 : static_cast<double>(time.count()) / 1e3 / static_cast<double>(count);
}

double us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

std::string json_counts(const std::map<std::string, std::uint64_t>& counts) {
  std::string text = "{";
  for (const auto& [key, count] : counts)
    text += fmt::format(R"({}"{}":{})", text.size() > 1 ? "," : "", key, count);
  return text + "}";
}

std::string table_counts(std::string_view title, const std::map<std::string, std::uint64_t>& counts) {
  if (counts.empty()) return {};
  auto text = fmt::format("{:<16}", title);
  for (const auto& [key, count] : counts) text += fmt::format(" {}={}", key, count);
  return text + "\n";
}

}  // namespace

std::string load_table(const LoadReport& r) {
  const auto& l = r.latency;
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "terminals        {} of {} signed in\n", r.signed_in, r.terminals);
  fmt::format_to(out, "window           {:.2f} s, {} loop\n", r.seconds, r.open_loop ? "open" : "closed");
  fmt::format_to(out, "tps              {:.0f} answered, {:.0f} approved\n",
                 per_second(r.answered, r.seconds), per_second(r.approved, r.seconds));
  fmt::format_to(out, "latency us       p50 {:.0f}  p90 {:.0f}  p99 {:.0f}  p99.9 {:.0f}  max {:.0f}  ({})\n",
                 us(l.percentile(500'000)), us(l.percentile(900'000)), us(l.percentile(990'000)),
                 us(l.percentile(999'000)), us(l.max()),
                 r.open_loop ? "from the intended time" : "from sending");
  fmt::format_to(out, "processor us/txn server {:.2f}  generator {:.2f}  host {:.2f}\n",
                 us_each(r.server_time, r.answered), us_each(r.generator_time, r.answered),
                 us_each(r.host_time, r.answered));
  fmt::format_to(out,
                 "whole run        dropped {}  unanswered {}  reversed {}  sent again {}  late {}  wrong {}  "
                 "violations {}\n",
                 r.dropped, r.unanswered, r.reversed, r.retransmitted, r.late, r.wrong, r.violations);
  text += table_counts("field 39", r.codes);
  text += table_counts("wrong", r.wrong_in);
  text += table_counts("sign-in refused", r.refused_sign_ins);
  if (!r.stopped.empty()) text += fmt::format("stopped early    {}\n", r.stopped);
  return text;
}

std::string load_json(const LoadReport& r) {
  const auto& l = r.latency;
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out,
                 R"({{"loop":"{}","terminals":{},"signed_in":{},"seconds":{:.3f},"sent":{},"answered":{},)",
                 r.open_loop ? "open" : "closed", r.terminals, r.signed_in, r.seconds, r.sent, r.answered);
  fmt::format_to(out, R"("approved":{},"refused":{},"tps":{:.1f},"approved_tps":{:.1f},)", r.approved,
                 r.refused, per_second(r.answered, r.seconds), per_second(r.approved, r.seconds));
  fmt::format_to(out, R"("latency_us":{{"count":{},"mean":{:.1f},"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},)",
                 l.count(), us(l.mean()), us(l.percentile(500'000)), us(l.percentile(900'000)),
                 us(l.percentile(990'000)));
  fmt::format_to(out, R"("p99_9":{:.1f},"max":{:.1f}}},)", us(l.percentile(999'000)), us(l.max()));
  fmt::format_to(out, R"("processor_us_per_txn":{{"server":{:.3f},"generator":{:.3f},"host":{:.3f}}},)",
                 us_each(r.server_time, r.answered), us_each(r.generator_time, r.answered),
                 us_each(r.host_time, r.answered));
  fmt::format_to(
      out,
      R"("dropped":{},"unanswered":{},"reversed":{},"retransmitted":{},"late":{},"wrong":{},"violations":{},)",
      r.dropped, r.unanswered, r.reversed, r.retransmitted, r.late, r.wrong, r.violations);
  fmt::format_to(out, R"("codes":{},"wrong_in":{},"refused_sign_ins":{},"next_stan":{},"stopped":"{}"}})",
                 json_counts(r.codes), json_counts(r.wrong_in), json_counts(r.refused_sign_ins), r.next_stan,
                 r.stopped);
  return text;
}

}  // namespace tollgate::sim
