// Replay over journals in memory: sales, a void, a reversal and refunds, as the switch records them.
#include "switch/cli/fees_replay.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "fees/change.h"
#include "storage/memory_journal.h"
#include "storage/record_stream.h"
#include "tests/fees/example.h"
#include "tests/fees/written.h"

namespace tollgate::cli {
namespace {

using fees::testing::kRetail;
using fees::testing::must_load;
using fees::testing::sale_of;

// 0.6 % becomes 1 %; nothing else.
std::string dearer() {
  std::string text(kRetail);
  text.replace(text.find(R"("rate": "0.006")"), 15, R"("rate": "0.01")");
  return text;
}

class Store {
 public:
  explicit Store(std::uint16_t partitions) : journal_(partitions) {
    for (std::uint16_t p = 0; p <= partitions; ++p) epochs_.push_back(*journal_.own({p}));
    v1::Record record;
    auto& published = *record.mutable_schedule_published();
    published.set_schedule_id("retail_cny");
    published.set_version(1);
    published.set_hash(schedule_->content_hash());
    published.set_canonical(schedule_->canonical_json());
    write(0, {record});
  }

  // A group with one approved sale; its transaction.
  std::uint64_t sale(std::uint16_t partition, std::int64_t amount, const std::string& merchant = "m1",
                     const std::function<void(v1::Receipt&)>& tamper = {},
                     fees::Settlement settlement = fees::Settlement::t1) {
    auto event = sale_of(amount);
    event.facts.settlement = settlement;
    fees::Assessment priced;
    fees::assess(*schedule_, event, {}, priced);
    v1::Record record;
    auto& outcome = *record.mutable_outcome();
    outcome.set_txn(++txn_);
    outcome.set_approved(true);
    *outcome.mutable_receipt() =
        fees::testing::written(*schedule_, event, priced, {"10000001", merchant, "agent"});
    receipts_[txn_] = outcome.receipt();
    if (tamper) tamper(*outcome.mutable_receipt());
    v1::Record intent;
    intent.mutable_intent()->set_txn(txn_);
    write(partition, {intent, record});
    return txn_;
  }
  // A void of what was not paid out: a mirror, no receipt.
  std::uint64_t void_of(std::uint16_t partition, std::uint64_t txn) {
    v1::Record record;
    auto& outcome = *record.mutable_outcome();
    outcome.set_txn(++txn_);
    outcome.set_approved(true);
    outcome.set_resolves(txn);
    outcome.add_entries("mirror");
    write(partition, {record});
    return txn_;
  }
  void reversal_of(std::uint16_t partition, std::uint64_t txn) {
    v1::Record record;
    record.mutable_reversal_owed()->set_txn(txn);
    record.mutable_reversal_owed()->add_entries("mirror");
    write(partition, {record});
  }
  // A refund of the whole sale, which the intent names.
  void refund_of(std::uint16_t partition, std::uint64_t txn) {
    const auto& sold = receipts_.at(txn);
    const auto standing = *fees::standing_of(sold, *schedule_);
    auto event = *fees::event_of(sold);
    event.kind = fees::PricedEvent::refund;
    event.business_date = *parse_date("2026-03-05");
    fees::Assessment change;
    fees::refund(*schedule_, standing, event, {}, change);
    v1::Record intent, record;
    intent.mutable_intent()->set_txn(++txn_);
    intent.mutable_intent()->mutable_request()->set_original(txn);
    auto& outcome = *record.mutable_outcome();
    outcome.set_txn(txn_);
    outcome.set_approved(true);
    *outcome.mutable_receipt() = fees::testing::written(
        {fees::ReceiptKind::refund, schedule_.get(), &event, {}, {"", "m1", ""}, &standing, &change});
    write(partition, {intent, record});
  }
  void write(std::uint16_t partition, const std::vector<v1::Record>& records) {
    Bytes payload;
    for (const auto& record : records) storage::append_record(payload, record);
    const auto group = GroupNo{journal_.head({partition}).group.value + 1};
    const storage::GroupAppend work{
        {partition}, epochs_[partition], group, static_cast<std::uint32_t>(records.size()), payload, {}};
    std::string why;
    ASSERT_EQ(journal_.append({&work, 1}, why), storage::AppendResult::durable) << why;
  }
  [[nodiscard]] const storage::MemoryJournal& journal() const { return journal_; }

 private:
  fees::SchedulePtr schedule_ = must_load(kRetail);
  storage::MemoryJournal journal_;
  std::vector<Epoch> epochs_;
  std::map<std::uint64_t, v1::Receipt> receipts_;
  std::uint64_t txn_ = 0;
};

ReplayOptions march() {
  ReplayOptions options;
  options.from = *parse_date("2026-03-01");
  options.to = *parse_date("2026-03-31");
  options.jobs = 2;
  return options;
}
ReplayOptions under(const std::string& schedule) {
  auto options = march();
  options.candidate = must_load(schedule);
  return options;
}
ReplayTotals replayed(const Store& store, const ReplayOptions& options) {
  const auto result = replay_fees(store.journal(), options);
  EXPECT_TRUE(result) << (result ? "" : result.error().text());
  return result ? result->totals : ReplayTotals{};
}

TEST(FeesReplay, OwnSchedulesDifferByNothing) {
  Store store(3);
  for (std::uint16_t p = 1; p <= 3; ++p)
    for (int i = 0; i < 50; ++i) store.sale(p, 100 + i * 777);
  store.refund_of(1, store.sale(1, 10'000));
  const auto totals = replayed(store, march());
  EXPECT_EQ(totals.rated, 152U);
  EXPECT_EQ(totals.differ, 0U);
}

TEST(FeesReplay, FindsOneFenInOneReceipt) {  // the negative control
  Store store(2);
  for (int i = 0; i < 20; ++i) store.sale(1, 10'000 + i);
  store.sale(2, 10'000, "m2", [](v1::Receipt& r) {
    r.mutable_lines(0)->set_amount_minor(61);
    r.mutable_totals()->set_fee_minor(61);
    r.mutable_totals()->set_merchant_net_minor(9939);
  });
  const auto totals = replayed(store, march());
  EXPECT_EQ(totals.rated, 21U);
  ASSERT_EQ(totals.differ, 1U);
  EXPECT_EQ(totals.differences[0], "partition 2 group 1 offset 5 " + format_id("txn_", TxnId(21)) +
                                       ": lines/0/amount: 61 in the receipt, 60 recomputed");
  const auto& sums = totals.merchants.at({"m2", 156});
  EXPECT_EQ(static_cast<std::int64_t>(sums.after - sums.before), -1);
  EXPECT_EQ(static_cast<std::int64_t>(sums.net_after - sums.net_before), 1);
  std::ostringstream out;
  ReplayResult result;
  result.totals = totals;
  EXPECT_EQ(print_replay(result, march(), out), 1);
  EXPECT_NE(out.str().find("20 passed, 1 failed"), std::string::npos) << out.str();
}

TEST(FeesReplay, AScheduleThatWasNeverPublishedIsADifference) {
  Store store(1);
  store.sale(1, 10'000, "m1", [](v1::Receipt& r) { r.set_schedule_hash(std::string(32, 'x')); });
  const auto totals = replayed(store, march());
  ASSERT_EQ(totals.differ, 1U);
  EXPECT_NE(totals.differences[0].find("never published"), std::string::npos);
}

TEST(FeesReplay, ACandidateChangesMerchantsAndComponents) {
  Store store(2);
  store.sale(1, 10'000);
  store.sale(1, 20'000);
  store.sale(2, 50'000, "m2");
  const auto totals = replayed(store, under(dearer()));
  EXPECT_EQ(totals.rated, 3U);
  const auto& m1 = totals.merchants.at({"m1", 156});
  EXPECT_EQ(m1, (ReplaySums{2, 180, 300, 29'820, 29'700}));
  EXPECT_EQ(totals.merchants.at({"m2", 156}), (ReplaySums{1, 300, 500, 49'700, 49'500}));
  EXPECT_EQ(totals.components.at({"mdr", 156}), (ReplaySums{3, 480, 800, 0, 0}));
  EXPECT_EQ(replayed(store, under(std::string(kRetail))).merchants.at({"m1", 156}),
            (ReplaySums{2, 180, 180, 29'820, 29'820}));
}

TEST(FeesReplay, WhatWasUndoneCountsAsNothing) {
  Store store(1);
  const auto voided = store.sale(1, 10'000), reversed = store.sale(1, 20'000), stands = store.sale(1, 40'000);
  store.void_of(1, voided);
  store.reversal_of(1, reversed);
  store.reversal_of(1, store.void_of(1, stands));  // the void was taken back
  const auto totals = replayed(store, under(dearer()));
  EXPECT_EQ(totals.undone, 2U);
  EXPECT_EQ(totals.merchants.at({"m1", 156}), (ReplaySums{1, 240, 400, 39'760, 39'600}));
}

TEST(FeesReplay, ARefundGivesBackWhatItsSaleWouldHaveCost) {
  Store store(1);
  store.refund_of(1, store.sale(1, 10'000));
  const auto totals = replayed(store, under(dearer()));
  EXPECT_EQ(totals.rated, 2U);
  EXPECT_EQ(totals.merchants.at({"m1", 156}), (ReplaySums{2, 0, 0, 0, 0}));
  // Kept fees stay, also under the candidate.
  Store instant(1);
  instant.refund_of(1, instant.sale(1, 10'000, "m1", {}, fees::Settlement::instant));
  EXPECT_EQ(replayed(instant, under(dearer())).merchants.at({"m1", 156}),
            (ReplaySums{2, 300, 300, -300, -300}));
}

TEST(FeesReplay, LooksAtTheDatesAndMerchantsAskedFor) {
  Store store(1);
  store.sale(1, 10'000, "m1");
  store.sale(1, 10'000, "m2");
  auto options = march();
  options.merchants = {"m2"};
  EXPECT_EQ(replayed(store, options).rated, 1U);
  options.merchants.clear();
  options.from = *parse_date("2026-03-03");
  EXPECT_EQ(replayed(store, options).rated, 0U);
}

TEST(FeesReplay, AStoppedRunGoesOnToTheSameSums) {
  Store store(2);
  std::vector<std::uint64_t> sales;
  for (int i = 0; i < 40; ++i)
    sales.push_back(store.sale(static_cast<std::uint16_t>(1 + i % 2), 1'000 + i * 997));
  for (int i = 0; i < 40; i += 5) store.refund_of(static_cast<std::uint16_t>(1 + i % 2), sales[i]);
  const auto file = std::filesystem::temp_directory_path() / "tollgate-replay-test.json";
  for (const bool candidate : {false, true}) {
    std::filesystem::remove(file);
    auto options = candidate ? under(dearer()) : march();
    const auto whole = replayed(store, options);
    options.state_file = file;
    options.save_every = 1;
    options.jobs = 1;
    int runs = 0;
    for (bool stopped = true; stopped; ++runs) {
      int left = 7;  // groups in this run
      options.progress = [&](const ReplayProgress&) { return --left > 0; };
      const auto result = replay_fees(store.journal(), options);
      ASSERT_TRUE(result) << result.error().text();
      stopped = result->stopped;
      EXPECT_EQ(std::filesystem::exists(file), stopped);
      if (!stopped) {
        EXPECT_EQ(result->totals, whole);
      }
      ASSERT_LT(runs, 100);
    }
    EXPECT_GT(runs, 5);
  }
}

TEST(FeesReplay, RefusesTheStateOfAnotherRunAndOneThatIsNone) {
  Store store(1);
  for (int i = 0; i < 5; ++i) store.sale(1, 10'000);
  const auto file = std::filesystem::temp_directory_path() / "tollgate-replay-other.json";
  std::filesystem::remove(file);
  auto options = march();
  options.state_file = file;
  options.save_every = 1;
  options.progress = [](const ReplayProgress&) { return false; };
  ASSERT_TRUE(replay_fees(store.journal(), options)->stopped);
  auto other = under(dearer());
  other.state_file = file;
  EXPECT_EQ(replay_fees(store.journal(), other).error().code, ErrorCode::conflict);
  std::ofstream(file) << "{\"run\":";
  EXPECT_EQ(replay_fees(store.journal(), options).error().code, ErrorCode::invalid);
  std::filesystem::remove(file);
}

TEST(FeesReplay, ADamagedJournalIsAnErrorWithItsPlace) {
  auto memory = std::make_shared<storage::MemoryStore>(std::uint16_t{1}, storage::StoreIdentity{});
  storage::MemoryJournal journal(memory);
  const auto epoch = *journal.own({1});
  const Bytes broken = {3, 0x5A, 0x7F, 0x00};  // a record of three bytes whose outcome claims 127
  const storage::GroupAppend work{{1}, epoch, GroupNo{1}, 1, broken, {}};
  std::string why;
  ASSERT_EQ(journal.append({&work, 1}, why), storage::AppendResult::durable);
  const auto result = replay_fees(journal, march());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "partition 1 group 1: a record does not read");
}

}  // namespace
}  // namespace tollgate::cli
