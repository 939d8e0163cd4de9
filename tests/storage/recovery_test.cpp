#include "storage/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/memory_journal.h"
#include "tests/storage/records.h"

namespace tollgate::storage::test {
namespace {

TEST(RecordCursor, CutsAPayloadIntoItsRecords) {
  Bytes payload;
  append_record(payload, intent(1, 11, 7, 100));
  const auto second = payload.size();
  append_record(payload, outcome(1, 1));
  RecordCursor cursor(payload);
  ASSERT_TRUE(cursor.next());
  EXPECT_EQ(cursor.offset(), 0U);
  ASSERT_TRUE(cursor.next());
  EXPECT_EQ(cursor.offset(), second);
  EXPECT_FALSE(cursor.next());
  EXPECT_FALSE(cursor.damaged());
}

struct BadPayload {
  const char* name;
  Bytes payload;
};
class DamagedPayload : public ::testing::TestWithParam<BadPayload> {};
TEST_P(DamagedPayload, IsNoticedByTheCursor) {
  RecordCursor cursor(GetParam().payload);
  while (cursor.next()) {
  }
  EXPECT_TRUE(cursor.damaged());
}
INSTANTIATE_TEST_SUITE_P(
    Payloads, DamagedPayload,
    ::testing::Values(BadPayload{"LengthBeyondTheEnd", {5, 1, 2}}, BadPayload{"LengthWithoutItsEnd", {0x80}},
                      BadPayload{"LengthOfSixBytes", {0x80, 0x80, 0x80, 0x80, 0x80, 1, 0}},
                      BadPayload{"LengthAboveTheSize", {0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1}},
                      BadPayload{"SecondRecordCut", {0, 3, 1}}),
    [](const auto& p) { return p.param.name; });

TEST(ReadRecords, ShowsEveryRecordWithItsPositionInOrder) {
  MemoryJournal journal(2);
  Writer writer(journal);
  writer.write(1, {intent(1, 11, 7, 100), outcome(1, 1)});
  writer.write(2, {intent(9, 19, 7, 100)});
  writer.write(1, {intent(2, 12, 7, 101), outcome(2, 1), intent(3, 13, 7, 102)});
  std::vector<std::uint64_t> txns;
  std::vector<Position> positions;
  const auto report =
      read_records(journal, {1}, {1}, [&](const v1::Record& record, const Position& position) {
        txns.push_back(record.has_intent() ? record.intent().txn() : 100 + record.outcome().txn());
        positions.push_back(position);
        return true;
      });
  ASSERT_TRUE(report.has_value()) << report.error().text();
  EXPECT_THAT(txns, ::testing::ElementsAre(1U, 101U, 2U, 102U, 3U));
  EXPECT_EQ(report->records, 5U);
  EXPECT_EQ(report->groups, 2U);
  EXPECT_EQ(report->last.value, 2U);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto record = read_record(journal, positions[i]).value();
    EXPECT_EQ(record.has_intent() ? record.intent().txn() : 100 + record.outcome().txn(), txns[i]);
  }
}

// Messages are used again from record to record: nothing of one may show in the next.
TEST(ReadRecords, LeavesNothingOfOneRecordInTheNext) {
  MemoryJournal journal(1);
  Writer writer(journal);
  v1::Record rich = intent(1, 11, 7, 100);
  rich.mutable_intent()->mutable_request()->set_pan_masked("622202*********0128");
  v1::Record bare;
  bare.mutable_intent()->set_txn(2);
  v1::Record empty;  // no body, not even a time
  std::vector<v1::Record> written{rich,  bare, outcome(1, 1, {1, 2, 3}), outcome(2, 1), empty, rich,
                                  empty, bare};
  for (int repeat = 0; repeat < 3; ++repeat) writer.write(1, written);
  std::size_t i = 0;
  ASSERT_TRUE(read_records(journal, {1}, {1}, [&](const v1::Record& record, const Position&) {
                EXPECT_EQ(record.SerializeAsString(), written[i % written.size()].SerializeAsString()) << i;
                ++i;
                return true;
              }).has_value());
  EXPECT_EQ(i, 3 * written.size());
}

TEST(ReadRecords, KeepsFieldsOfALaterReleaseApart) {
  MemoryJournal journal(1);
  Writer writer(journal);
  v1::Record newer = intent(1, 1, 1, 1);
  newer.GetReflection()->MutableUnknownFields(&newer)->AddVarint(900, 7);
  writer.write(1, {newer, intent(2, 2, 2, 2), newer, intent(3, 3, 3, 3)});
  std::vector<bool> unknown;
  ASSERT_TRUE(read_records(journal, {1}, {1}, [&](const v1::Record& record, const Position&) {
                unknown.push_back(!record.GetReflection()->GetUnknownFields(record).empty());
                return true;
              }).has_value());
  EXPECT_THAT(unknown, ::testing::ElementsAre(true, false, true, false));
}

TEST(ReadRecords, NamesARecordThatDoesNotParseAfterShowingThoseBefore) {
  MemoryJournal journal(1);
  Writer writer(journal);
  Bytes payload;
  append_record(payload, intent(1, 11, 7, 100));
  payload.insert(payload.end(), {2, 0xFF, 0xFF});
  writer.write(1, payload, 2);
  int shown = 0;
  const auto report =
      read_records(journal, {1}, {1}, [&](const v1::Record&, const Position&) { return ++shown > 0; });
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, ErrorCode::damaged);
  EXPECT_EQ(report.error().where, "partition 1 group 1");
  EXPECT_EQ(shown, 1);
}

TEST(ReadRecords, RefusesAGroupThatHoldsAnotherCountOfRecords) {
  MemoryJournal journal(1);
  Writer writer(journal);
  Bytes payload;
  append_record(payload, intent(1, 11, 7, 100));
  writer.write(1, payload, 2);
  EXPECT_FALSE(
      read_records(journal, {1}, {1}, [](const v1::Record&, const Position&) { return true; }).has_value());
}

TEST(ReadRecords, StopsWhenTheVisitorHasEnough) {
  MemoryJournal journal(1);
  Writer writer(journal);
  for (int i = 0; i < 3; ++i) writer.write(1, {intent(1, 1, 1, 1), outcome(1, 1)});
  int shown = 0;
  const auto report =
      read_records(journal, {1}, {2}, [&](const v1::Record&, const Position&) { return ++shown < 2; });
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(shown, 2);
}

TEST(ReadRecord, APositionWhereNothingLiesIsNotFound) {
  MemoryJournal journal(1);
  Writer writer(journal);
  writer.write(1, {intent(1, 1, 1, 1)});
  EXPECT_EQ(read_record(journal, {{1}, {1}, 100000}).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_record(journal, {{1}, {2}, 0}).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace tollgate::storage::test
