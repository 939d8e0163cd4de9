// What a Book keeps between events (internal to fees/). Each step lives in a file of its own: book_sales,
// book_undo, book_recurring, book_periods.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fees/book.h"
#include "fees/change.h"

namespace tollgate::fees {

struct Body {  // what makes two events the same
  EventType type;
  std::string ref;
  std::int64_t amount_minor, tip_minor, cashback_minor;
  std::optional<std::int64_t> replacement_minor;
  EventFacts facts;
  friend bool operator==(const Body&, const Body&) = default;
};

struct Txn {
  Body body;
  TxnResult result;
  std::string merchant;
  LineSums sums{};           // what it put into its window
  std::uint64_t window = 0;  // of its merchant
  bool resolved = false;     // voided, reversed, completed, released, represented

  // sale, completion
  Event stored;
  std::vector<std::int64_t> volumes;
  Standing standing;
  // preauth
  std::string root;             // first of its chain; itself when it is the first
  std::int64_t hold_minor = 0;  // of the whole chain at the first, of itself at an increment
  // refund, void
  std::string original;
};

struct FeeEntry {  // what the merchant paid, by date
  BusinessDate date;
  std::string component, terminal;
  std::int64_t amount_minor = 0;
  bool taxable = false;
  SchedulePtr schedule;
};
struct SaleEntry {  // by the date of the sale
  BusinessDate date;
  std::string terminal;
  std::int64_t amount_minor = 0;
};

struct Window {
  std::uint64_t number = 1;
  LineSums sums{};
  std::int64_t instant_minor = 0;
  std::int64_t debt_minor = 0;
  struct Held {
    BusinessDate release;
    std::int64_t amount_minor;
  };
  std::vector<Held> reserves;
};

struct Merchant {
  std::vector<FeeEntry> fees;
  std::vector<SaleEntry> sales;
  std::vector<std::string> sale_ids;  // in order
  std::set<Month> closed;
  std::map<std::uint16_t, Window> windows;  // by currency
};

struct Subject {
  Per level;
  EventFacts who;  // as activated
  std::string id;
  BusinessDate activated;
  bool closed = false;
  std::map<std::string, BusinessDate> charged_until;  // by fee
};

struct Charged {
  std::size_t subject;
  RecurringFee fee;
  SchedulePtr schedule;
  Period period;
  std::int64_t amount_minor = 0, tax_minor = 0;
  std::int64_t returned_minor = 0, earned_minor = 0;
};

struct Book::State {
  PriceBook prices;
  bool priced = false;
  std::unordered_map<std::string, Txn> txns;
  std::unordered_set<std::string> tombstones;
  std::map<std::string, Merchant, std::less<>> merchants;
  std::map<std::tuple<std::string, std::string, Month>, std::int64_t> volumes;  // merchant, component, month
  std::vector<Subject> subjects;
  std::vector<Charged> charges;
  std::map<std::string, std::int64_t> deposits;  // by terminal

  // A booked change is everything that one event does besides its own transaction.
  struct Change {
    SchedulePtr schedule;
    BusinessDate date;
    const EventFacts* who;
    LineSums sums;
    std::int64_t instant_minor = 0;
  };

  [[nodiscard]] Priced<SchedulePtr> in_force(const EventFacts& who, WallTime at) const;
  [[nodiscard]] Txn* find(const std::string& id);
  [[nodiscard]] Window& window(const std::string& merchant, const CompiledSchedule& schedule);
  [[nodiscard]] bool paid_out(const Txn& sale);

  // Numbers for the rules of a schedule, before an event of that date.
  [[nodiscard]] std::vector<std::int64_t> numbers(const CompiledSchedule& schedule,
                                                  const std::string& merchant, BusinessDate date) const;
  void add_volume(const Txn& sale, const Standing& standing, int direction);
  void book(const Change& change, const TxnResult& result, Txn& txn);

  // The steps; each returns the finished transaction or a refusal before anything changed.
  [[nodiscard]] Priced<Txn> sale(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> completion(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> preauth(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> release(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> release_hold(const TxnEvent& event, Txn& named, bool whole);
  [[nodiscard]] Priced<Txn> attempt(const TxnEvent& event, const EventFacts& who);  // verify, decline
  [[nodiscard]] Priced<Txn> refund(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> refund_of(const TxnEvent& event, const EventFacts& who, Txn& sale,
                                      std::int64_t amount_minor);
  [[nodiscard]] Priced<Txn> chargeback(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> representment(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> void_sale(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> reversal(const TxnEvent& event, const EventFacts& who);
  [[nodiscard]] Priced<Txn> mirror_of(const TxnEvent& event, const EventFacts& who, Txn& sale);
  [[nodiscard]] Priced<Txn> reprice_of(const TxnEvent& event, const EventFacts& who, Txn& sale);
  [[nodiscard]] Priced<Txn> undo(const TxnEvent& event, const EventFacts& who, Txn& booked);

  // Recurring fees.
  void charge_periods(std::size_t subject, const SchedulePtr& schedule, BusinessDate today, bool closing,
                      RecurringResult& out);
  void charge_one(std::size_t subject, const SchedulePtr& schedule, const RecurringFee& fee, std::int32_t k,
                  const Period& period, BusinessDate today, RecurringResult& out);
  void return_cut(std::size_t subject, BusinessDate today, RecurringResult& out);
  void book_charge(const Charged& charged, std::int64_t amount_minor, std::int64_t tax_minor,
                   BusinessDate today, RecurringResult& out);
};

// The amounts of a result as a plain change again.
[[nodiscard]] Assessment assessment_of(const TxnResult& result);
void take(const Assessment& assessment, TxnResult& result);

}  // namespace tollgate::fees
