#include <gtest/gtest.h>

#include "switch/ledger/books.h"
#include "switch/ledger/business_day.h"
#include "switch/ledger/entry.h"

namespace tollgate::ledger {
namespace {

constexpr Currency kYuan{156};

std::string entry_of(std::uint64_t seq, std::int64_t debit, std::int64_t credit) {
  v1::LedgerEntry entry;
  entry.set_seq(seq);
  entry.set_currency(kYuan.number);
  auto* leg = entry.add_legs();
  leg->set_account(1100);
  leg->set_sub("unionpay");
  leg->set_amount_minor(debit);
  leg = entry.add_legs();
  leg->set_account(2100);
  leg->set_sub("shop1");
  leg->set_credit(true);
  leg->set_amount_minor(credit);
  return entry.SerializeAsString();
}

void post(Books& books, const std::string& bytes) {
  v1::LedgerEntry entry;
  ASSERT_TRUE(entry.ParseFromString(bytes));
  books.post(entry, as_bytes(bytes));
}

TEST(Books, AddUpPastWhatSixtyFourBitsHold) {
  Books books;
  constexpr int kEntries = 20;
  // 20 times the largest sum of one leg's type would overflow int64 only after millions; balances are loaded near the edge.
  std::string saved;
  post(books, entry_of(1, 999'999'999'999, 999'999'999'999));
  books.save(saved);
  for (int i = 2; i <= kEntries; ++i) post(books, entry_of(static_cast<std::uint64_t>(i), 999'999'999'999, 999'999'999'999));
  EXPECT_EQ(to_decimal(books.balance(1100, "unionpay", kYuan)), "19999999999980");
  EXPECT_EQ(to_decimal(books.balance(2100, "shop1", kYuan)), "-19999999999980");
  EXPECT_EQ(to_decimal(books.balance(2100, "nobody", kYuan)), "0");
}

TEST(Books, ChainEveryEntryToAllBeforeIt) {
  Books one, other;
  post(one, entry_of(1, 100, 100));
  post(other, entry_of(1, 101, 101));
  post(one, entry_of(2, 5, 5));
  post(other, entry_of(2, 5, 5));
  EXPECT_NE(one.chain(), other.chain());  // the second entries are equal, their past is not
  const auto first = entry_of(1, 100, 100), second = entry_of(2, 5, 5);
  EXPECT_EQ(one.chain(), Sha256::of(Sha256::of(Digest{}, as_bytes(first)), as_bytes(second)));
}

TEST(Books, AreTheSameAfterSavingAndLoading) {
  Books books;
  post(books, entry_of(1, 100, 100));
  post(books, entry_of(2, 7, 7));
  std::string saved;
  books.save(saved);
  Books loaded;
  ASSERT_TRUE(loaded.load(saved).has_value());
  EXPECT_EQ(loaded.last(), books.last());
  EXPECT_EQ(loaded.chain(), books.chain());
  EXPECT_EQ(to_decimal(loaded.balance(2100, "shop1", kYuan)), "-107");
  for (std::size_t cut = 0; cut < saved.size(); ++cut) EXPECT_FALSE(Books{}.load(std::string_view(saved).substr(0, cut)).has_value()) << cut;
  EXPECT_FALSE(Books{}.load(saved + "x").has_value());
}

TEST(BooksDeath, StopTheProcessAtAGapAnImbalanceOrAZeroLeg) {
  Books books;
  post(books, entry_of(1, 100, 100));
  EXPECT_DEATH(post(books, entry_of(3, 1, 1)), "last_.value");
  EXPECT_DEATH(post(books, entry_of(2, 2, 1)), "broken_invariant");
  EXPECT_DEATH(post(books, entry_of(2, 0, 0)), "broken_invariant");
}

TEST(Entry, NamesTheInvariantThatIsBroken) {
  v1::LedgerEntry entry;
  EXPECT_EQ(broken_invariant(entry), "fewer than two legs");
  ASSERT_TRUE(entry.ParseFromString(entry_of(1, 100, 100)));
  EXPECT_EQ(broken_invariant(entry), "");
  entry.mutable_legs(0)->set_account(9100);
  EXPECT_EQ(broken_invariant(entry), "memo and real accounts in one entry");
  entry.mutable_legs(0)->set_account(12);
  EXPECT_EQ(broken_invariant(entry), "not an account");
}

TEST(Entry, CancelsWithItsMirrorOnEveryAccount) {
  Books books;
  const auto bytes = entry_of(1, 12'345, 12'345);
  post(books, bytes);
  v1::LedgerEntry original;
  ASSERT_TRUE(original.ParseFromString(bytes));
  EntryBuilder builder;
  mirror(original, builder);
  builder.entry().set_seq(2);
  builder.entry().set_currency(kYuan.number);
  std::string undone;
  builder.build(undone);
  post(books, undone);
  books.each([](std::uint32_t, std::string_view, Currency, Balance balance) { EXPECT_EQ(balance.value, 0); });
}

TEST(BusinessDay, BeginsAtTheCutOffOfTheLocalClock) {
  const BusinessDay day(TimeZone::load("Asia/Shanghai").value(), 23 * 3600);
  const auto at = [](const char* text) { return parse_rfc3339(text).value(); };
  EXPECT_EQ(format_date(day.date(at("2026-11-21T22:59:59+08:00"))), "2026-11-21");
  EXPECT_EQ(format_date(day.date(at("2026-11-21T23:00:00+08:00"))), "2026-11-22");
  EXPECT_EQ(format_date(day.date(at("2026-12-31T23:00:00+08:00"))), "2027-01-01");
}

}  // namespace
}  // namespace tollgate::ledger
