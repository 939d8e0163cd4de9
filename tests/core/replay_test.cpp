// What a start and a fold are shown of a journal, and what they refuse.
#include "switch/core/replay.h"

#include <gtest/gtest.h>

#include "proto/records.h"
#include "storage/memory_journal.h"
#include "storage/record_stream.h"

namespace tollgate::core {
namespace {

// A group whose records are given as they are to lie there.
class Written {
 public:
  Written() { epoch_ = journal.own({1}).value(); }
  void group(const std::vector<std::string>& records, std::optional<std::uint32_t> said = std::nullopt) {
    Bytes payload;
    for (const auto& record : records) {
      payload.push_back(static_cast<std::uint8_t>(record.size()));
      payload.insert(payload.end(), record.begin(), record.end());
    }
    raw(payload, said.value_or(static_cast<std::uint32_t>(records.size())));
  }
  void raw(const Bytes& payload, std::uint32_t records) {
    const storage::GroupAppend group{.partition = {1},
                                     .epoch = epoch_,
                                     .group = {journal.head({1}).group.value + 1},
                                     .records = records,
                                     .payload = payload,
                                     .cells = {}};
    std::string why;
    ASSERT_EQ(journal.append({&group, 1}, why), storage::AppendResult::durable) << why;
  }
  storage::MemoryJournal journal{1};

 private:
  Epoch epoch_;
};

std::string echo(std::uint64_t rrn) {
  v1::Record record;
  record.set_at_us(static_cast<std::int64_t>(rrn) * 10);
  record.mutable_served()->set_rrn(rrn);
  return record.SerializeAsString();
}

struct Seen {
  std::vector<std::int64_t> at_us;
  Result<Replayed> done;
};
Seen seen(const storage::Journal& journal, ReplayRange range) {
  Seen seen;
  range.partition = {1};
  seen.done = replay(journal, range, [&](const RecordView& record, GroupNo) {
    seen.at_us.push_back(record.at_us);
    return record.kind == v1::Record::kServed;
  });
  return seen;
}

TEST(Replay, ShowsWhatLiesInItsRange) {
  Written written;
  written.group({echo(1), echo(2)});
  written.group({echo(3)});
  written.group({echo(4)});
  const auto all = seen(written.journal, {});
  ASSERT_TRUE(all.done.has_value());
  EXPECT_EQ(all.at_us, (std::vector<std::int64_t>{10, 20, 30, 40}));
  EXPECT_EQ(all.done->last, GroupNo{3});
  EXPECT_EQ(all.done->records, 4U);
  const auto middle = seen(written.journal, {.from = {2}, .upto = {2}});
  ASSERT_TRUE(middle.done.has_value());
  EXPECT_EQ(middle.at_us, std::vector<std::int64_t>{30});
  EXPECT_EQ(middle.done->last, GroupNo{2});
  const auto nothing = seen(written.journal, {.from = {4}});
  ASSERT_TRUE(nothing.done.has_value());
  EXPECT_EQ(nothing.done->last, GroupNo{3});
  EXPECT_EQ(nothing.done->records, 0U);
}

TEST(Replay, NamesTheGroupOfARecordThatIsNone) {
  for (const auto& odd : {std::string("\x08"), std::string("noise"), echo(2) + echo(3), std::string()}) {
    Written written;
    written.group({echo(1)});
    written.group({echo(2), odd});
    written.group({echo(3)});
    const auto result = seen(written.journal, {});
    ASSERT_FALSE(result.done.has_value());
    EXPECT_EQ(result.done.error().code, ErrorCode::damaged);
    EXPECT_EQ(result.done.error().where, "partition 1 group 2");
    EXPECT_EQ(result.at_us.size(), 3U);  // nothing behind it
  }
}

TEST(Replay, RefusesAGroupThatHoldsAnotherCountOrIsCutShort) {
  for (const std::uint32_t said : {1U, 3U}) {
    Written written;
    written.group({echo(1), echo(2)}, said);
    EXPECT_EQ(seen(written.journal, {}).done.error().code, ErrorCode::damaged) << said;
  }
  Written written;
  Bytes payload{200};  // a length that does not fit
  payload.push_back(1);
  written.raw(payload, 1);
  EXPECT_EQ(seen(written.journal, {}).done.error().code, ErrorCode::damaged);
}

TEST(Replay, StopsWithinWhenItIsToldTo) {
  Written written;
  for (std::uint64_t i = 1; i <= 5; ++i) written.group({echo(i)});
  std::atomic<bool> cancelled = false;
  std::size_t shown = 0;
  const auto done = replay(written.journal, {.partition = {1}, .cancelled = &cancelled}, [&](const RecordView&, GroupNo) {
    cancelled = ++shown == 2;
    return true;
  });
  EXPECT_EQ(done.error().code, ErrorCode::unavailable);
  EXPECT_EQ(shown, 2U);
}

// Whatever is called plain reads as protobuf reads it; what may read otherwise is not.
TEST(RecordView, KnowsAPlainRecord) {
  const auto whole = echo(7);
  const auto view = RecordView::of(as_bytes(whole));
  EXPECT_EQ(view.kind, static_cast<std::uint32_t>(v1::Record::kServed));
  EXPECT_EQ(view.at_us, 70);
  v1::Served served;
  ASSERT_TRUE(served.ParseFromArray(view.body.data(), static_cast<int>(view.body.size())));
  EXPECT_EQ(served.rrn(), 7U);
  v1::Record early;
  early.set_at_us(-1);  // ten bytes
  early.mutable_served();
  const auto before = early.SerializeAsString();
  EXPECT_EQ(RecordView::of(as_bytes(before)).at_us, -1);
  EXPECT_EQ(RecordView::of(as_bytes(before)).kind, static_cast<std::uint32_t>(v1::Record::kServed));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(RecordView::of(as_bytes(whole.substr(0, size))).kind, 0U) << size;
  const std::string endless("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12);
  for (const auto& odd : {whole + whole, whole + std::string("\x08\x05"), endless + whole.substr(3)})
    EXPECT_EQ(RecordView::of(as_bytes(odd)).kind, 0U);
}

}  // namespace
}  // namespace tollgate::core
