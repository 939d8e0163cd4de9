#include <algorithm>

#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

TEST(Golden, EveryMessageDecodesToItsFieldsAndNoOthers) {
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    SCOPED_TRACE(golden.id);
    MessageView view;
    ASSERT_TRUE(decode(*golden.dialect, golden.frame, view).ok());
    const auto& fields = golden.json.at("fields").as_object();
    for (int field = 2; field <= kFieldMax; ++field) {
      ASSERT_EQ(view.has(field), fields.contains(std::to_string(field))) << "field " << field;
      if (!view.has(field)) continue;
      const std::string expected(fields.at(std::to_string(field)).as_string());
      EXPECT_EQ(shown(view, field), expected) << "field " << field;
      std::vector<char> canonical(view.dialect()->longest());
      EXPECT_TRUE(view.equals(field, view.value(field, canonical))) << "field " << field;
    }
    EXPECT_EQ(to_hex(view.tpdu()),
              golden.json.at("tpdu").is_null() ? "" : golden.json.at("tpdu").as_string());
    EXPECT_EQ(to_hex(view.header()),
              golden.json.at("header").is_null() ? "" : golden.json.at("header").as_string());
    std::array<std::uint8_t, 2> mti{};
    store_be16(mti.data(), view.mti().bcd);
    EXPECT_EQ(to_hex(mti), golden.json.at("mti").as_string());
  }
}

TEST(Golden, EveryMessageEncodesToTheSameBytes) {
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    SCOPED_TRACE(golden.id);
    MessageView view;
    ASSERT_TRUE(decode(*golden.dialect, golden.frame, view).ok());
    EXPECT_EQ(to_hex(encoded_again(view)), to_hex(golden.frame));
  }
}

TEST(Golden, EveryMessageEncodesFromCanonicalValuesToTheSameMeaning) {
  int same_bytes = 0;
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    SCOPED_TRACE(golden.id);
    MessageView view, again;
    ASSERT_TRUE(decode(*golden.dialect, golden.frame, view).ok());
    MessageBuilder builder;
    builder.set_mti(view.mti());
    builder.set_tpdu(view.tpdu());
    builder.set_header(view.header());
    std::array<std::vector<char>, kFieldMax + 1> values;
    for (int field = 2; field <= kFieldMax; ++field) {
      if (!view.has(field)) continue;
      auto& value = values[static_cast<std::size_t>(field)];
      value.resize(view.dialect()->longest());
      builder.set(field, view.value(field, value));
    }
    Bytes out(4096);
    const auto encoded = encode(*golden.dialect, builder, out);
    ASSERT_TRUE(encoded.has_value());
    ASSERT_TRUE(decode(*golden.dialect, encoded->subspan(2), again).ok());
    for (int field = 2; field <= kFieldMax; ++field)
      EXPECT_EQ(shown(again, field), shown(view, field)) << "field " << field;
    same_bytes += std::ranges::equal(encoded->subspan(2), golden.frame) ? 1 : 0;
  }
  EXPECT_GT(same_bytes, 70);  // all that were padded with 0
}

TEST(Golden, TheMacRunsOverTheRangeThatTheVectorNames) {
  int checked = 0;
  for (auto& golden : goldens()) {
    if (golden.defective) continue;
    SCOPED_TRACE(golden.id);
    MessageView view;
    ASSERT_TRUE(decode(*golden.dialect, golden.frame, view).ok());
    std::string data;
    if (golden.json.contains("mac"))
      data = golden.json.at("mac").at("data").as_string();
    else if (golden.json.contains("mac_data") && golden.json.at("mac_data").is_string())
      data = golden.json.at("mac_data").as_string();
    EXPECT_EQ(view.has(64), !data.empty());
    if (data.empty()) continue;
    ++checked;
    EXPECT_EQ(to_hex(view.mac_range()), data);
    Bytes whole{0, 0};
    whole.insert(whole.end(), golden.frame.begin(), golden.frame.end());
    EXPECT_EQ(to_hex(mac_input(*golden.dialect, whole)), data);
    const auto place = mac_place(*golden.dialect, whole);
    ASSERT_EQ(place.size(), 8U);
    EXPECT_EQ(to_hex(place), to_hex(view.raw(64)));
  }
  EXPECT_GE(checked, 42);
}

TEST(Golden, TheDefectiveOnesAreRefusedWhereTheVectorSays) {
  MessageView view;
  const auto surplus = golden("o-0810-ncb");
  const auto status = decode(*surplus.dialect, surplus.frame, view);
  EXPECT_EQ(status.refusal, Refusal::too_long);
  EXPECT_EQ(status.field, 60);
  EXPECT_TRUE(view.has(41) && view.has(42)) << "what stands before the defect can be answered";
  EXPECT_FALSE(view.has(60) || view.has(62));

  const auto bitmap = golden("c-0200-secondary-bitmap");
  EXPECT_EQ(decode(*bitmap.dialect, bitmap.frame, view).refusal, Refusal::bad_bitmap);

  const auto prefix = golden("c-0820-long-prefix");
  const Bytes whole = *from_hex(std::string_view(prefix.json.at("hex").as_string()));
  const Cut cut = next_frame(prefix.dialect->framing(), whole);
  EXPECT_EQ(cut.kind, Cut::Kind::incomplete);
  EXPECT_EQ(cut.wanted, whole.size() + 7);
}

TEST(Golden, EveryTruncationIsRefused) {
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    for (std::size_t size = 0; size < golden.frame.size(); ++size) {
      // A copy of its own size, so that a read past the end is seen by the sanitizer.
      const Bytes cut(golden.frame.begin(), golden.frame.begin() + static_cast<std::ptrdiff_t>(size));
      MessageView view;
      const auto status = decode(*golden.dialect, cut, view);
      ASSERT_FALSE(status.ok()) << golden.id << " cut to " << size;
      ASSERT_LE(status.offset, cut.size());
    }
  }
}

TEST(Golden, EveryExtensionByOneByteIsRefused) {
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    for (int byte = 0; byte < 256; ++byte) {
      Bytes longer = golden.frame;
      longer.push_back(static_cast<std::uint8_t>(byte));
      MessageView view;
      const auto status = decode(*golden.dialect, longer, view);
      ASSERT_EQ(status.refusal, Refusal::trailing) << golden.id;
      ASSERT_EQ(status.offset, golden.frame.size());
    }
  }
}

TEST(Golden, AnyOneByteChangedIsRefusedOrStillEncodesToItself) {
  int accepted = 0, refused = 0;
  for (const auto& golden : goldens()) {
    if (golden.defective) continue;
    for (std::size_t at = 0; at < golden.frame.size(); ++at) {
      for (const int change : {0x01, 0x08, 0x10, 0x80, 0xFF}) {
        Bytes changed = golden.frame;
        changed[at] ^= static_cast<std::uint8_t>(change);
        MessageView view;
        if (!decode(*golden.dialect, changed, view).ok()) {
          ++refused;
          continue;
        }
        ++accepted;
        ASSERT_EQ(encoded_again(view), changed) << golden.id << " byte " << at;
      }
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace tollgate::iso::test
