#include "switch/admin/entry_json.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include "switch/admin/json_out.h"
#include "switch/base/ids.h"
#include "switch/base/money.h"
#include "switch/base/time.h"

namespace tollgate::admin {
namespace {
constexpr std::int64_t kDayUs = 86'400LL * 1'000'000;

// Sub-ledger keys, terminal numbers and codes are plain almost always; the check costs less than escaping.
bool is_plain(std::string_view text) noexcept {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') return false;
  return true;
}

void append_text(std::string& out, std::string_view text) {
  if (!is_plain(text)) return append_json_string(out, text);
  out += '"';
  out += text;
  out += '"';
}
}  // namespace

std::string lower_hex(ByteView bytes) {
  auto text = to_hex(bytes);
  for (auto& c : text)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  return text;
}

std::string currency_text(std::uint32_t number) {
  const auto code = currency_code(Currency{static_cast<std::uint16_t>(number)});
  return code.empty() ? fmt::format("{:03}", number) : std::string(code);
}

void EntryJson::write_time(std::int64_t at_us, std::string& out) {
  auto day = at_us / kDayUs;
  auto rest = at_us % kDayUs;
  if (rest < 0) {
    rest += kDayUs;
    --day;
  }
  if (day != day_) {
    day_ = day;
    day_text_ = format_date(BusinessDate{static_cast<std::int32_t>(day)});
  }
  const auto second = rest / 1'000'000;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("\"{}T{:02}:{:02}:{:02}.{:06}Z\""), day_text_,
                 second / 3600, second / 60 % 60, second % 60, rest % 1'000'000);
}

void EntryJson::write_date(std::int32_t days, std::string& out) {
  if (days != date_) {
    date_ = days;
    date_text_ = format_date(BusinessDate{days});
  }
  out += date_text_;
}

void EntryJson::write(const v1::LedgerEntry& e, std::string& out) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, FMT_COMPILE("{{\"partition\":{},\"seq\":{},\"id\":\"{}\",\"at\":"), e.partition(),
                 e.seq(), format_id("le_", ObjectId(e.id())));
  write_time(e.at_us(), out);
  out += ",\"business_date\":\"";
  write_date(e.business_date(), out);
  out += "\",\"type\":";
  append_text(out, e.type());
  fmt::format_to(to, FMT_COMPILE(",\"txn\":\"{}\",\"tid\":"), format_id("txn_", ObjectId(e.txn())));
  append_text(out, e.tid());
  out += ",\"merchant_code\":";
  append_text(out, e.merchant_code());
  fmt::format_to(to, FMT_COMPILE(",\"stan\":\"{:06}\",\"rrn\":\"{:012}\",\"currency\":\"{}\",\"legs\":["),
                 e.stan(), e.rrn(), currency_text(e.currency()));
  bool first = true;
  for (const auto& leg : e.legs()) {
    fmt::format_to(to, FMT_COMPILE("{}{{\"account\":\"{:04}"), first ? "" : ",", leg.account());
    first = false;
    if (!leg.sub().empty()) {
      out += '/';
      if (is_plain(leg.sub())) {
        out += leg.sub();
      } else {
        std::string quoted;
        append_json_string(quoted, leg.sub());
        out.append(quoted, 1, quoted.size() - 2);
      }
    }
    fmt::format_to(to, FMT_COMPILE("\",\"side\":\"{}\",\"amount_minor\":{}}}"),
                   leg.credit() ? "credit" : "debit", leg.amount_minor());
  }
  out += ']';
  if (e.has_fee()) {
    out += ",\"fee\":{\"schedule\":";
    append_text(out, e.fee().schedule());
    fmt::format_to(to, FMT_COMPILE(",\"version\":{},\"rule\":"), e.fee().version());
    append_text(out, e.fee().rule());
    out += ",\"hash\":";
    append_text(out, lower_hex(as_bytes(e.fee().hash())));
    out += '}';
  }
  if (e.mirrors() != 0) fmt::format_to(to, FMT_COMPILE(",\"mirrors\":{}"), e.mirrors());
  out += "}\n";
}

}  // namespace tollgate::admin
