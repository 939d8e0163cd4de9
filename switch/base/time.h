// Time, three kinds that do not mix: Instant (monotonic; deadlines), WallTime (UTC; what a clock on the wall says) and
// BusinessDate (the day that settlement counts in). Nothing here reads a clock but SystemClock, which only the shell owns:
// the core gets `now` as a parameter, the simulation gives its own (DESIGN, "Time, ids, chance").
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "switch/base/result.h"

namespace tollgate {

using Duration = std::chrono::nanoseconds;

struct Instant {
  std::int64_t ns = 0;  // since an origin that one process fixes
  friend constexpr auto operator<=>(Instant, Instant) noexcept = default;
  friend constexpr Instant operator+(Instant a, Duration d) noexcept { return {a.ns + d.count()}; }
  friend constexpr Instant operator-(Instant a, Duration d) noexcept { return {a.ns - d.count()}; }
  friend constexpr Duration operator-(Instant a, Instant b) noexcept { return Duration(a.ns - b.ns); }
};

struct WallTime {
  std::int64_t us = 0;  // microseconds since 1970-01-01T00:00:00Z, leap seconds not counted
  friend constexpr auto operator<=>(WallTime, WallTime) noexcept = default;
};

struct BusinessDate {
  std::int32_t days = 0;  // since 1970-01-01
  friend constexpr auto operator<=>(BusinessDate, BusinessDate) noexcept = default;
};

struct Now {
  Instant instant;
  WallTime wall;
};

// "2026-11-21T18:02:11Z"; with fraction "2026-11-21T18:02:11.123456Z" when it is not zero.
[[nodiscard]] std::string format_utc(WallTime time);
// RFC 3339 with Z or an offset; nullopt for anything else.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);
[[nodiscard]] std::string format_date(BusinessDate date);  // "2026-11-21"
[[nodiscard]] std::optional<BusinessDate> parse_date(std::string_view text);

struct LocalTime {
  BusinessDate date;           // calendar date on the wall
  std::int32_t second_of_day;  // 0 … 86399
};

// A time zone of the IANA data base. Conversion caches the offset until the next transition, so that it costs a compare.
// Thread: the cache is the caller's (one TimeZone a thread; copying is cheap).
class TimeZone {
 public:
  // Refuses a name that the data base lacks.
  [[nodiscard]] static Result<TimeZone> load(std::string_view name);
  [[nodiscard]] static TimeZone utc();
  [[nodiscard]] LocalTime local(WallTime time) const;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // "2026-11-21T18:02:11+08:00", with a fraction when it is not zero.
  [[nodiscard]] std::string format(WallTime time) const;

 private:
  TimeZone() = default;
  void refresh(std::int64_t second) const;

  std::string name_;
  const void* zone_ = nullptr;  // date::time_zone, owned by the data base
  mutable std::int64_t from_s_ = 1, until_s_ = 0;
  mutable std::int64_t offset_s_ = 0;
};

struct CalendarFields {
  int year, month, day;
};
[[nodiscard]] CalendarFields calendar(BusinessDate date) noexcept;
[[nodiscard]] BusinessDate from_calendar(CalendarFields fields) noexcept;

// The clock of the machine. Owned by the shell.
class SystemClock {
 public:
  [[nodiscard]] static Now now() noexcept;
};

}  // namespace tollgate
