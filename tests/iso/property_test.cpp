// Random messages of every dialect: what is encoded decodes to the same values, and what is decoded encodes
// to the same bytes.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "switch/base/chance.h"
#include "switch/iso/tlv.h"
#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

class Values {
 public:
  explicit Values(std::uint64_t seed) : chance_(seed) {}

  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(chance_.below(bound)); }

  std::string of(const FieldSpec& spec) {
    const std::size_t size =
        spec.length == LengthKind::fixed ? spec.maximum : below(std::size_t{spec.maximum} + 1);
    if (spec.tlv) return tlv(size, 0);
    std::string value;
    for (std::size_t i = 0; i < size; ++i) value += character(spec.charset);
    return value;
  }

 private:
  char character(Charset charset) {
    switch (charset) {
      case Charset::digits:
        return "0123456789"[below(10)];
      case Charset::track:
        return "0123456789DABCEF"[below(below(2) == 0 ? 16 : 11)];
      case Charset::text:
        return static_cast<char>(0x20 + below(0xE0));
      case Charset::binary:
        return static_cast<char>(below(256));
    }
    return 0;
  }

  std::string tlv(std::size_t size, int depth) {
    std::string data;
    while (data.size() + 4 < size && below(12) != 0) {
      const std::size_t inner = below(std::min<std::size_t>(size - data.size() - 3, 60));
      const bool constructed = depth < 3 && below(4) == 0;
      const std::string value =
          constructed ? tlv(inner, depth + 1) : std::string(inner, static_cast<char>(below(256)));
      data += constructed ? '\x72' : '\x9F';
      if (!constructed) data += static_cast<char>(0x20 + below(0x40));
      data += static_cast<char>(value.size());
      data += value;
    }
    return data;
  }

  SeededChance chance_;
};

class Property : public testing::TestWithParam<std::string_view> {};

TEST_P(Property, EncodedMessagesDecodeToTheirValuesAndEncodeToTheSameBytes) {
  const auto dialect = Dialect::builtin(GetParam());
  Values values(20261121);
  Bytes out(8192);
  for (int round = 0; round < 3000; ++round) {
    std::array<std::string, kFieldMax + 1> held;
    MessageBuilder builder;
    Bytes tpdu{0x60, 1, 2, 3, 4}, header(dialect->header_size());
    for (auto& byte : header) byte = static_cast<std::uint8_t>(values.below(256));
    builder.set_mti({0x0210});
    if (dialect->tpdu_size() != 0) builder.set_tpdu(tpdu);
    builder.set_header(header);
    const std::size_t share = 1 + values.below(20);
    std::size_t room = dialect->framing().maximum - 100U;
    for (int field = 2; field <= kFieldMax; ++field) {
      if (!dialect->field(field).defined || values.below(share) != 0) continue;
      auto& value = held[static_cast<std::size_t>(field)];
      value = values.of(dialect->field(field));
      if (2 * value.size() + 4 > room) {
        value.clear();
        continue;
      }
      room -= 2 * value.size() + 4;
      builder.set(field, value);
    }
    const auto encoded = encode(*dialect, builder, out);
    ASSERT_TRUE(encoded.has_value()) << round << " " << name(encoded.error().refusal) << " "
                                     << int{encoded.error().field};
    const Bytes frame(encoded->begin() + 2, encoded->end());
    MessageView view;
    const auto status = decode(*dialect, frame, view);
    ASSERT_TRUE(status.ok()) << round << " " << name(status.refusal) << " field " << int{status.field};
    ASSERT_EQ(view.mti(), builder.mti());
    std::array<char, 999> buffer;
    for (int field = 2; field <= kFieldMax; ++field) {
      ASSERT_EQ(view.has(field), builder.has(field)) << field;
      if (!view.has(field)) continue;
      ASSERT_EQ(view.value(field, buffer), held[static_cast<std::size_t>(field)]) << field;
    }
    ASSERT_EQ(encoded_again(view), frame);
  }
}

// Frames made of a valid head and random bytes: decode must refuse, or what it accepts must come back byte
// for byte.
TEST_P(Property, RandomBytesAreRefusedOrEncodeToThemselves) {
  const auto dialect = Dialect::builtin(GetParam());
  Values values(7);
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    MessageBuilder builder;
    const Bytes tpdu{0x60, 1, 2, 3, 4}, header(dialect->header_size());
    builder.set_mti({0x0200});
    if (dialect->tpdu_size() != 0) builder.set_tpdu(tpdu);
    builder.set_header(header);
    std::string one, two;
    const int first = 2 + static_cast<int>(values.below(62));
    const int second = 2 + static_cast<int>(values.below(62));
    if (dialect->field(first).defined) builder.set(first, one = values.of(dialect->field(first)));
    if (dialect->field(second).defined) builder.set(second, two = values.of(dialect->field(second)));
    Bytes out(4096);
    const auto encoded = encode(*dialect, builder, out);
    ASSERT_TRUE(encoded.has_value());
    Bytes frame(encoded->begin() + 2, encoded->end());
    frame[values.below(frame.size())] = static_cast<std::uint8_t>(values.below(256));
    MessageView view;
    if (!decode(*dialect, frame, view).ok()) continue;
    ++accepted;
    ASSERT_EQ(encoded_again(view), frame);
  }
  EXPECT_GT(accepted, 1000);
}

INSTANTIATE_TEST_SUITE_P(Dialects, Property,
                         testing::ValuesIn(Dialect::builtin_names().begin(), Dialect::builtin_names().end()),
                         [](const auto& dialect) {
                           std::string name(dialect.param);
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace tollgate::iso::test
