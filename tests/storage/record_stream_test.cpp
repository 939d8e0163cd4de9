#include "storage/record_stream.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/storage/records.h"

namespace tollgate::storage::test {
namespace {

// What a reader shows of records in their wire form, one message after the other in one group.
std::vector<v1::Record> read(RecordReader& reader, const std::vector<std::string>& wire) {
  Bytes payload;
  for (const auto& record : wire) {
    EXPECT_LT(record.size(), 1U << 14);
    payload.push_back(static_cast<std::uint8_t>((record.size() & 0x7F) | 0x80));  // a length in two bytes
    payload.push_back(static_cast<std::uint8_t>(record.size() >> 7));
    payload.insert(payload.end(), record.begin(), record.end());
  }
  const Group group{.partition = {1},
                    .epoch = {1},
                    .group = {1},
                    .records = static_cast<std::uint32_t>(wire.size()),
                    .payload = payload,
                    .hash = {}};
  std::vector<v1::Record> shown;
  const auto done = reader.read(group, [&](const v1::Record& record, const Position&) {
    shown.push_back(record);
    return true;
  });
  EXPECT_TRUE(done.has_value());
  return shown;
}

std::string parsed_alone(const std::string& wire) {
  v1::Record record;
  EXPECT_TRUE(record.ParseFromString(wire));
  return record.SerializeAsString();
}

// Whatever a reader has read before, it reads a record as a message of its own would. The records here are
// ones that no writer writes: a damaged or foreign store can hold them.
TEST(RecordStream, ARecordIsReadAsIfItWereAlone) {
  const auto large = intent(7, 8, 9, 10).SerializeAsString();
  const auto small = intent(1, 0, 0, 0, 0).SerializeAsString();
  const auto other = outcome(7, 1).SerializeAsString();
  const std::string time_only = large.substr(0, 1 + 8);
  const std::string unknown("\xC2\x3E\x01x", 4);  // field 1000
  const std::string late_time("\x08\x05", 2);     // at_us behind the body
  const std::string no_message("\x50\x05", 2);    // the number of an intent, the type of a number
  const std::vector<std::string> odd = {
      large + other + small,  // displaced, and its kind once more: the first body is freed on the way
      large + other,
      other + large + other,
      large + small,
      large + unknown,
      unknown + large,
      small + late_time,
      time_only,
      "",
      no_message,
      unknown,
  };
  for (const auto& first : odd) {
    for (const auto& second : odd) {
      RecordReader reader;
      const std::vector<std::string> wire = {large, other, first, second, small, other, large, small};
      const auto shown = read(reader, wire);
      ASSERT_EQ(shown.size(), wire.size());
      for (std::size_t i = 0; i < wire.size(); ++i) {
        EXPECT_EQ(shown[i].SerializeAsString(), parsed_alone(wire[i])) << "record " << i;
      }
    }
  }
}

}  // namespace
}  // namespace tollgate::storage::test
