#include "switch/base/time.h"

#include <date/date.h>
#include <date/tz.h>
#include <fmt/format.h>

#include <ctime>

namespace tollgate {
namespace {

constexpr std::int64_t kMicro = 1'000'000;

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  const auto q = a / b;
  return a % b < 0 ? q - 1 : q;
}

std::string format_with(WallTime time, std::int64_t offset_s, std::string_view suffix) {
  const auto second = floor_div(time.us, kMicro) + offset_s;
  const auto fraction = time.us - floor_div(time.us, kMicro) * kMicro;
  const auto day = floor_div(second, 86400);
  const auto of_day = second - day * 86400;
  const auto f = calendar(BusinessDate{static_cast<std::int32_t>(day)});
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", f.year, f.month, f.day, of_day / 3600, of_day / 60 % 60, of_day % 60);
  if (fraction != 0) text += fmt::format(".{:06}", fraction);
  text += suffix;
  return text;
}

std::optional<int> number(std::string_view text, std::size_t from, std::size_t count) {
  if (text.size() < from + count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(from, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

CalendarFields calendar(BusinessDate d) noexcept {
  const date::year_month_day ymd{date::sys_days{date::days{d.days}}};
  return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())), static_cast<int>(static_cast<unsigned>(ymd.day()))};
}

BusinessDate from_calendar(CalendarFields f) noexcept {
  const date::sys_days days = date::year{f.year} / f.month / f.day;
  return {static_cast<std::int32_t>(days.time_since_epoch().count())};
}

std::string format_utc(WallTime time) { return format_with(time, 0, "Z"); }

std::string format_date(BusinessDate d) {
  const auto f = calendar(d);
  return fmt::format("{:04}-{:02}-{:02}", f.year, f.month, f.day);
}

std::optional<BusinessDate> parse_date(std::string_view text) {
  const auto y = number(text, 0, 4), m = number(text, 5, 2), d = number(text, 8, 2);
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !y || !m || !d) return std::nullopt;
  const date::year_month_day ymd = date::year{*y} / *m / *d;
  if (!ymd.ok()) return std::nullopt;
  return from_calendar({*y, *m, *d});
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || (text[10] != 'T' && text[10] != 't')) return std::nullopt;
  const auto date_part = parse_date(text.substr(0, 10));
  const auto h = number(text, 11, 2), m = number(text, 14, 2), s = number(text, 17, 2);
  if (!date_part || !h || !m || !s || text[13] != ':' || text[16] != ':' || *h > 23 || *m > 59 || *s > 59) return std::nullopt;
  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (text[at] == '.') {
    std::int64_t unit = kMicro / 10;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) fraction += (text[at] - '0') * unit;
    if (text[at - 1] == '.') return std::nullopt;
  }
  std::int64_t offset = 0;
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
  } else if (at + 6 <= text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    const auto oh = number(text, at + 1, 2), om = number(text, at + 4, 2);
    if (!oh || !om || *oh > 23 || *om > 59) return std::nullopt;
    offset = (*oh * 3600 + *om * 60) * (text[at] == '-' ? -1 : 1);
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const std::int64_t second = std::int64_t{date_part->days} * 86400 + *h * 3600 + *m * 60 + *s - offset;
  return WallTime{second * kMicro + fraction};
}

Result<TimeZone> TimeZone::load(std::string_view name) {
  TimeZone zone;
  zone.name_ = name;
  try {
    zone.zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    return fail(ErrorCode::invalid, fmt::format("time zone \"{}\" is not in the IANA data base", name));
  }
  return zone;
}

TimeZone TimeZone::utc() {
  TimeZone zone;
  zone.name_ = "UTC";
  zone.from_s_ = INT64_MIN;
  zone.until_s_ = INT64_MAX;
  return zone;
}

void TimeZone::refresh(std::int64_t second) const {
  const auto info = static_cast<const date::time_zone*>(zone_)->get_info(date::sys_seconds{std::chrono::seconds{second}});
  from_s_ = info.begin.time_since_epoch().count();
  until_s_ = info.end.time_since_epoch().count();
  offset_s_ = info.offset.count();
}

LocalTime TimeZone::local(WallTime time) const {
  const auto second = floor_div(time.us, kMicro);
  if (second < from_s_ || second >= until_s_) refresh(second);
  const auto here = second + offset_s_;
  const auto day = floor_div(here, 86400);
  return {BusinessDate{static_cast<std::int32_t>(day)}, static_cast<std::int32_t>(here - day * 86400)};
}

std::string TimeZone::format(WallTime time) const {
  (void)local(time);  // refreshes the offset
  const auto minutes = (offset_s_ < 0 ? -offset_s_ : offset_s_) / 60;
  return format_with(time, offset_s_, fmt::format("{}{:02}:{:02}", offset_s_ < 0 ? '-' : '+', minutes / 60, minutes % 60));
}

Now SystemClock::now() noexcept {
  timespec mono{}, wall{};
  clock_gettime(CLOCK_MONOTONIC, &mono);
  clock_gettime(CLOCK_REALTIME, &wall);
  return {Instant{mono.tv_sec * 1'000'000'000 + mono.tv_nsec}, WallTime{wall.tv_sec * kMicro + wall.tv_nsec / 1000}};
}

}  // namespace tollgate
