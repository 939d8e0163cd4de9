// One ledger entry as a line of JSON (section 9 of the operations interface). The bytes are contract: the
// same entry gives the same line for ever, whatever the machine's zone or language; times are UTC. Shared by
// the export and by `ledger verify`.
//
// Thread: a writer belongs to one (it remembers the day that it wrote last).
#pragma once

#include <string>
#include <string_view>

#include "proto/records.h"
#include "switch/base/bytes.h"

namespace tollgate::admin {

class EntryJson {
 public:
  // Appends the object and a line feed.
  void write(const v1::LedgerEntry& entry, std::string& out);

 private:
  void write_time(std::int64_t at_us, std::string& out);
  void write_date(std::int32_t days, std::string& out);

  std::int64_t day_ = INT64_MIN;
  std::string day_text_;  // "2026-11-21" of at
  std::int32_t date_ = INT32_MIN;
  std::string date_text_;  // of the business date
};

[[nodiscard]] std::string lower_hex(ByteView bytes);
// "CNY", or the three digits of a number that has no name here.
[[nodiscard]] std::string currency_text(std::uint32_t number);

}  // namespace tollgate::admin
