// Book: the events of one set of books, from sale to settle, with the semantics of the reference ("fees", 3.3
// and 3.4). It composes the pure pieces (engine, change, recurring, price book) and keeps what they need
// between events: what stands of each sale, volume counters, windows, charges. The checker of case files runs
// on it, and it is the model that a ledger is held against; it keeps everything in memory and loses it with
// the process.
//
// One owner, one thread. A refused event changes nothing. Results are changes: what is given back is
// negative.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fees/book_types.h"
#include "fees/price_book.h"

namespace tollgate::fees {

class Book {
 public:
  Book();
  ~Book();
  Book(Book&&) noexcept;
  Book& operator=(Book&&) noexcept;

  [[nodiscard]] Priced<SchedulePtr> publish(std::string_view json, WallTime at);
  [[nodiscard]] Priced<void> assign(const Assignment& assignment, WallTime at);
  [[nodiscard]] const PriceBook& prices() const noexcept;

  [[nodiscard]] Priced<TxnResult> apply(const TxnEvent& event);

  void set_volume(const EventFacts& who, std::string_view component, Month month, std::int64_t volume);
  [[nodiscard]] Priced<BusinessDate> activate(Per level, const EventFacts& who, WallTime at);
  [[nodiscard]] Priced<BusinessDate> deposit(std::int64_t amount_minor, const EventFacts& who, WallTime at);
  // Charges all that is due for the merchant.
  [[nodiscard]] Priced<RecurringResult> charge_recurring(const EventFacts& who, WallTime at);
  [[nodiscard]] Priced<RecurringResult> close(Per level, const EventFacts& who, WallTime at);
  [[nodiscard]] Priced<RecognisedResult> recognise(const EventFacts& who, WallTime at);
  [[nodiscard]] Priced<PeriodResult> close_period(Month month, const EventFacts& who, WallTime at);
  [[nodiscard]] Priced<SettleResult> settle(const EventFacts& who, WallTime at);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tollgate::fees
