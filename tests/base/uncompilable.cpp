// Each CASE below must fail to compile; without CASE the file must compile, or the failures would prove
// nothing. tests/base/uncompilable.sh runs them all.
#include <fmt/format.h>

#include <iostream>

#include "switch/base/log.h"
#include "switch/base/sensitive.h"
#include "switch/base/time.h"

using namespace tollgate;

void use(SecretPan& pan, ObjectId id, Instant instant, WallTime wall) {
  log::info("test", "a masked card number may be logged",
            {{"pan", MaskedPan::of("6222020000000000128")}, {"txn", "txn_", id}});
#if CASE == 1  // a stream
  std::cout << pan;
#elif CASE == 2   // fmt
  (void)fmt::format("{}", pan);
#elif CASE == 3   // the log
  log::info("test", "card", {{"pan", pan}});
#elif CASE == 4   // a copy
  SecretPan copy = pan;
#elif CASE == 5   // a comparison that is not constant-time
  (void)(pan == pan);
#elif CASE == 6   // raw bytes in the log: a message may hold a card
  log::info("test", "message", {{"bytes", Bytes{1, 2, 3}}});
#elif CASE == 7   // a PIN block or key by its inside
  log::info("test", "card", {{"pan", pan.reveal()}});
#elif CASE == 8   // two kinds of time
  (void)(instant < wall);
#elif CASE == 9   // two kinds of id
  (void)(GroupNo{1} == EntrySeq{1});
#elif CASE == 10  // a floating number in the log would be rounded money sooner or later
  log::info("test", "amount", {{"amount", 1.5}});
#elif CASE == 11  // a result nobody looks at
  TimeZone::load("UTC");
#elif defined(CASE)
#error no such case
#endif
  (void)pan, (void)instant, (void)wall;
}
