#include "switch/ledger/books.h"

#include <gtest/gtest.h>

#include "proto/records.h"
#include "switch/base/chance.h"
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

void post(Books& books, std::string_view bytes) {
  EntryReader reader;
  ASSERT_TRUE(reader.add(as_bytes(bytes)));
  books.post(reader.entries().front());
}

TEST(Books, AddUpPastWhatSixtyFourBitsHold) {
  Books books;
  constexpr int kEntries = 20;
  // 20 times the largest sum of one leg's type would overflow int64 only after millions; balances are loaded
  // near the edge.
  std::string saved;
  post(books, entry_of(1, 999'999'999'999, 999'999'999'999));
  books.save(saved);
  for (int i = 2; i <= kEntries; ++i)
    post(books, entry_of(static_cast<std::uint64_t>(i), 999'999'999'999, 999'999'999'999));
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
  for (std::size_t cut = 0; cut < saved.size(); ++cut)
    EXPECT_FALSE(Books{}.load(std::string_view(saved).substr(0, cut)).has_value()) << cut;
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
  EntryFacts facts;
  facts.seq = EntrySeq{2};
  facts.currency = kYuan;
  builder.begin(facts);
  mirror(original, builder);
  builder.build();
  books.post(builder.built().front());
  books.each([](std::uint32_t, std::string_view, Currency, Balance balance) { EXPECT_EQ(balance.value, 0); });
}

TEST(BusinessDay, BeginsAtTheCutOffOfTheLocalClock) {
  const BusinessDay day(TimeZone::load("Asia/Shanghai").value(), 23 * 3600);
  const auto at = [](const char* text) { return parse_rfc3339(text).value(); };
  EXPECT_EQ(format_date(day.date(at("2026-11-21T22:59:59+08:00"))), "2026-11-21");
  EXPECT_EQ(format_date(day.date(at("2026-11-21T23:00:00+08:00"))), "2026-11-22");
  EXPECT_EQ(format_date(day.date(at("2026-12-31T23:00:00+08:00"))), "2027-01-01");
}

void expect_read(const EntryView& view, const v1::LedgerEntry& entry, std::string_view bytes) {
  EXPECT_EQ(as_text(view.bytes), bytes);
  EXPECT_EQ(view.seq, entry.seq());
  EXPECT_EQ(view.currency, entry.currency());
  ASSERT_EQ(view.legs.size(), static_cast<std::size_t>(entry.legs_size()));
  for (std::size_t i = 0; i < view.legs.size(); ++i) {
    const auto& leg = entry.legs(static_cast<int>(i));
    EXPECT_EQ(view.legs[i].account, leg.account());
    EXPECT_EQ(view.legs[i].sub, leg.sub());
    EXPECT_EQ(view.legs[i].credit, leg.credit());
    EXPECT_EQ(view.legs[i].amount_minor, leg.amount_minor());
  }
  EXPECT_EQ(broken_invariant(view), broken_invariant(entry));
}

// Against the library's own reading, of entries with everything in them, whole and cut at every byte; two at a
// time, because the second must not touch the first.
TEST(EntryReader, ReadsWhatTheLibraryReads) {
  SeededChance chance{11};
  std::string before;
  v1::LedgerEntry entry_before;
  for (int round = 0; round < 200; ++round) {
    v1::LedgerEntry entry;
    entry.set_partition(3);
    entry.set_seq(chance.below(UINT64_MAX));
    entry.set_at_us(-static_cast<std::int64_t>(chance.below(1'000'000)));
    entry.set_type("sale");
    entry.set_tid("10000001");
    entry.set_currency(static_cast<std::uint32_t>(chance.below(1000)));
    entry.mutable_fee()->set_hash(std::string(32, 'a'));
    const auto legs = chance.below(5);
    for (std::uint64_t i = 0; i < legs; ++i) {
      auto& leg = *entry.add_legs();
      leg.set_account(static_cast<std::uint32_t>(chance.below(10'000)));
      leg.set_sub(std::string(chance.below(200), 'x'));
      leg.set_credit(chance.below(2) == 0);
      leg.set_amount_minor(static_cast<std::int64_t>(chance.below(UINT64_MAX)));
    }
    const auto bytes = entry.SerializeAsString();
    EntryReader reader;
    ASSERT_TRUE(reader.add(as_bytes(before)));
    ASSERT_TRUE(reader.add(as_bytes(bytes)));
    ASSERT_EQ(reader.entries().size(), 2u);
    expect_read(reader.entries()[0], entry_before, before);
    expect_read(reader.entries()[1], entry, bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      v1::LedgerEntry less;
      const bool whole = less.ParseFromString(bytes.substr(0, cut));
      EntryReader cut_reader;
      ASSERT_TRUE(cut_reader.add(as_bytes(before)));
      EXPECT_EQ(cut_reader.add(as_bytes(bytes).first(cut)), whole) << "cut at " << cut;
      ASSERT_EQ(cut_reader.entries().size(), whole ? 2u : 1u);
      EXPECT_EQ(cut_reader.entries()[0].legs.size(), static_cast<std::size_t>(entry_before.legs_size()));
      if (whole) {
        EXPECT_EQ(cut_reader.entries()[1].legs.size(), static_cast<std::size_t>(less.legs_size()));
      }
    }
    before = bytes;
    entry_before = entry;
  }
}

}  // namespace
}  // namespace tollgate::ledger
