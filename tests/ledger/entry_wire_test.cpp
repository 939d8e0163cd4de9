// Entries as the builder writes them against the same messages filled and written by protobuf.
#include <gtest/gtest.h>

#include <algorithm>

#include "proto/records.h"
#include "switch/ledger/entry.h"
#include "tests/proto/random_fields.h"

namespace tollgate::ledger {
namespace {

using testing::RandomFields;

void set(std::string* field, std::string_view value) {
  field->assign(value);
}

EntryFacts random_facts(RandomFields& fields) {
  EntryFacts facts;
  facts.partition = PartitionId{static_cast<std::uint16_t>(fields.number32())};
  facts.seq = EntrySeq{fields.number64()};
  facts.id = ObjectId(fields.number64());
  facts.at = WallTime{fields.signed64()};
  facts.business_date = BusinessDate{fields.signed32()};
  facts.type = fields.text();
  facts.txn = TxnId(fields.number64());
  facts.tid = fields.text();
  facts.merchant_code = fields.text();
  facts.stan = fields.number32();
  facts.rrn = fields.number64();
  facts.currency = Currency{static_cast<std::uint16_t>(fields.number32())};
  if (fields.flag())
    facts.fee = FeeReference{fields.text(), fields.number32(), fields.text(), as_bytes(fields.text())};
  facts.mirrors = EntrySeq{fields.number64()};
  return facts;
}

v1::LedgerEntry message_of(const EntryFacts& facts) {
  v1::LedgerEntry entry;
  entry.set_partition(facts.partition.value);
  entry.set_seq(facts.seq.value);
  entry.set_id(facts.id.raw());
  entry.set_at_us(facts.at.us);
  entry.set_business_date(facts.business_date.days);
  set(entry.mutable_type(), facts.type);
  entry.set_txn(facts.txn.raw());
  set(entry.mutable_tid(), facts.tid);
  set(entry.mutable_merchant_code(), facts.merchant_code);
  entry.set_stan(facts.stan);
  entry.set_rrn(facts.rrn);
  entry.set_currency(facts.currency.number);
  if (facts.fee) {
    set(entry.mutable_fee()->mutable_schedule(), facts.fee->schedule);
    entry.mutable_fee()->set_version(facts.fee->version);
    set(entry.mutable_fee()->mutable_rule(), facts.fee->rule);
    set(entry.mutable_fee()->mutable_hash(), as_text(facts.fee->hash));
  }
  entry.set_mirrors(facts.mirrors.value);
  return entry;
}

// Legs that balance, in both.
void add_legs(RandomFields& fields, EntryBuilder& builder, v1::LedgerEntry& entry) {
  const auto legs = 1 + fields.below(12);
  std::int64_t sum = 0;
  const auto add = [&](std::int64_t amount) {
    const auto account = static_cast<std::uint16_t>(1000 + fields.below(8000));
    const auto sub = fields.text();
    builder.credit_signed({account}, sub, amount);
    if (amount == 0) return;  // not added
    auto& leg = *entry.add_legs();
    leg.set_account(account);
    set(leg.mutable_sub(), sub);
    leg.set_credit(amount > 0);
    leg.set_amount_minor(amount > 0 ? amount : -amount);
    sum += amount;
  };
  for (std::uint64_t i = 0; i < legs; ++i)
    add(static_cast<std::int64_t>(fields.below(1'000'000'000'000)) * (fields.flag() ? 1 : -1) /
        (fields.flag() ? 1 : 1'000'000));
  add(-sum);
}

TEST(EntryBuilder, WritesTheBytesOfTheLibraryAndGivesWhatAReaderReads) {
  RandomFields fields(3);
  EntryBuilder builder;
  int with_legs = 0;
  std::size_t legs_seen = 0, longest = 0;
  for (int round = 0; round < 5'000; ++round) {
    fields.forget();
    builder.reset();
    std::vector<std::string> expected;
    for (auto entries = fields.below(4); entries > 0; --entries) {
      const auto facts = random_facts(fields);
      auto entry = message_of(facts);
      builder.begin(facts);
      if (fields.below(4) != 0) add_legs(fields, builder, entry);
      if (entry.legs_size() == 0) continue;  // nothing to build, and nothing is left of it
      ASSERT_FALSE(builder.empty());
      builder.build();
      expected.push_back(entry.SerializeAsString());
      ++with_legs;
    }
    const auto built = builder.built();
    ASSERT_EQ(built.size(), expected.size());
    ASSERT_EQ(builder.count(), expected.size());
    EntryReader reader;
    for (const auto& bytes : expected) ASSERT_TRUE(reader.add(as_bytes(bytes)));
    const auto read = reader.entries();
    for (std::size_t i = 0; i < built.size(); ++i) {
      ASSERT_EQ(as_text(built[i].bytes), expected[i]) << round;
      // What the books are given live and at recovery is the same.
      ASSERT_EQ(built[i].seq, read[i].seq) << round;
      ASSERT_EQ(built[i].currency, read[i].currency) << round;
      ASSERT_TRUE(std::ranges::equal(built[i].legs, read[i].legs)) << round;
      legs_seen += built[i].legs.size();
      for (const auto& leg : built[i].legs) longest = std::max(longest, leg.sub.size());
    }
  }
  EXPECT_GT(with_legs, 4'000);
  EXPECT_GT(legs_seen, 20'000u);
  EXPECT_GT(longest, 128u);  // the leg's length takes two bytes
}

TEST(EntryBuilderDeathTest, StopsTheProcessAtAnEntryThatCannotBe) {
  EntryBuilder builder;
  builder.begin({});
  EXPECT_DEATH(builder.build(), "broken");  // no leg
  builder.debit({1100}, "unionpay", 100);
  EXPECT_DEATH(builder.build(), "broken");  // one leg
  builder.credit({2100}, "shop1", 99);
  EXPECT_DEATH(builder.build(), "broken");   // debits are not credits
  EXPECT_DEATH(builder.begin({}), "empty");  // the one before is not built
  builder.credit({9100}, "", 1);
  EXPECT_DEATH(builder.build(), "broken");  // a memo account among real ones
  EXPECT_DEATH(builder.add(Side::debit, {1100}, "", -1), "amount_minor");
}

}  // namespace
}  // namespace tollgate::ledger
