#include "switch/iso/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

const Dialect& dialect(std::string_view name) {
  return *Dialect::builtin(name);
}
Bytes hex(std::string_view text) {
  return *from_hex(text);
}

// A cup message with these bits and field bytes.
Bytes cup_frame(std::initializer_list<int> fields, std::string_view body) {
  FieldBits bits;
  for (const int field : fields) bits.set(field);
  Bytes map(8);
  store_be64(map.data(), bits.primary());
  return hex(
      "6000030000603100000000"
      "0200" +
      to_hex(map) + std::string(body));
}

DecodeStatus refusal(const Dialect& in, const Bytes& frame) {
  MessageView view;
  return decode(in, frame, view);
}

TEST(Codec, RefusesATpduThatDoesNotBeginWith60) {
  Bytes frame = cup_frame({3}, "000000");
  EXPECT_TRUE(refusal(dialect("cup"), frame).ok());
  frame[0] = 0x61;
  EXPECT_EQ(refusal(dialect("cup"), frame).refusal, Refusal::bad_tpdu);
}

TEST(Codec, AcceptsLettersInTheHeader) {
  Bytes frame = cup_frame({3}, "000000");
  frame[10] = 0xEF;
  EXPECT_TRUE(refusal(dialect("cup"), frame).ok());
}

TEST(Codec, RefusesAnMtiThatIsNotDigits) {
  Bytes frame = cup_frame({3}, "000000");
  frame[12] = 0x0A;
  EXPECT_EQ(refusal(dialect("cup"), frame).refusal, Refusal::bad_mti);
  const std::string text =
      "02A08000000000000000"
      "0000000000000000";
  EXPECT_EQ(refusal(dialect("iso87-ascii"), Bytes(text.begin(), text.end())).refusal, Refusal::bad_mti);
}

TEST(Codec, RefusesAFieldThatTheDialectDoesNotDefineButReadsWhatStandsBeforeIt) {
  MessageView view;
  const Bytes frame = cup_frame({3, 4, 5}, "000000000000010000000000000000");
  const auto status = decode(dialect("cup"), frame, view);
  EXPECT_EQ(status.refusal, Refusal::unknown_field);
  EXPECT_EQ(status.field, 5);
  EXPECT_TRUE(view.equals(4, "000000010000"));
  EXPECT_FALSE(view.has(5));
}

TEST(Codec, NamesTheByteOfABadCharacter) {
  const auto status = refusal(dialect("cup"), cup_frame({3, 4},
                                                        "000000"
                                                        "0000000A0000"));
  EXPECT_EQ(status.refusal, Refusal::bad_character);
  EXPECT_EQ(status.field, 4);
  EXPECT_EQ(status.offset, 11 + 2 + 8 + 3 + 3);
}

TEST(Codec, RefusesEveryNibbleAboveNineInEveryDigit) {
  for (std::size_t digit = 0; digit < 12; ++digit) {
    for (const char letter : std::string("ABCDEF")) {
      std::string amount(12, '0');
      amount[digit] = letter;
      EXPECT_EQ(refusal(dialect("cup"), cup_frame({4}, amount)).refusal, Refusal::bad_character) << amount;
    }
  }
}

TEST(Codec, AFixedOddNumberHasALeadingZero) {
  MessageView view;
  const Bytes frame = cup_frame({23}, "0001");
  ASSERT_TRUE(decode(dialect("cup"), frame, view).ok());
  EXPECT_TRUE(view.equals(23, "001"));
  EXPECT_EQ(refusal(dialect("cup"), cup_frame({23}, "1001")).refusal, Refusal::bad_character);
}

TEST(Codec, Field22StandsLeftAndKeepsItsPadNibble) {
  for (const std::string body : {"0210", "021F", "0217"}) {
    const Bytes frame = cup_frame({22}, body);
    MessageView view;
    ASSERT_TRUE(decode(dialect("cup"), frame, view).ok());
    EXPECT_TRUE(view.equals(22, "021"));
    EXPECT_EQ(view.number(22), 21U);
    EXPECT_EQ(encoded_again(view), frame);
  }
  EXPECT_EQ(refusal(dialect("cup"), cup_frame({22}, "02A0")).refusal, Refusal::bad_character);
}

TEST(Codec, AVariableOddNumberKeepsAnyPadNibbleAndSendsZero) {
  const Bytes frame = cup_frame({2},
                                "19622202123456789012"
                                "8F");
  MessageView view;
  ASSERT_TRUE(decode(dialect("cup"), frame, view).ok());
  EXPECT_TRUE(view.equals(2, "6222021234567890128"));
  EXPECT_EQ(encoded_again(view), frame);
  MessageBuilder builder;
  builder.copy_all(view);
  builder.set(2, std::string_view("6222021234567890128"));
  Bytes out(100);
  const auto encoded = encode(dialect("cup"), builder, out);
  ASSERT_TRUE(encoded.has_value());
  EXPECT_EQ(encoded->back(), 0x80);
}

TEST(Codec, AcceptsLettersInTracksAndGbkInText) {
  EXPECT_TRUE(refusal(dialect("cup"), cup_frame({35}, "06ABCDEF")).ok());
  EXPECT_TRUE(refusal(dialect("cup"), cup_frame({63}, "0005303120B2E2")).ok());
  EXPECT_EQ(refusal(dialect("cup"), cup_frame({63}, "00053031201FE2")).refusal, Refusal::bad_character);
}

TEST(Codec, RefusesALengthThatIsNotDigitsAndOneAboveTheMaximum) {
  EXPECT_EQ(refusal(dialect("cup"), cup_frame({2}, "1A6222")).refusal, Refusal::bad_length);
  EXPECT_EQ(refusal(dialect("cup"), cup_frame({2},
                                              "20"
                                              "62220212345678901280"))
                .refusal,
            Refusal::too_long);
  EXPECT_EQ(refusal(dialect("cup"), cup_frame({60},
                                              "A011"
                                              "220000010000"))
                .refusal,
            Refusal::bad_length);
}

TEST(Codec, RefusesBrokenTlvInField55) {
  EXPECT_TRUE(refusal(dialect("cup"), cup_frame({55},
                                                "0005"
                                                "9F26021122"))
                  .ok());
  const auto status = refusal(dialect("cup"), cup_frame({55},
                                                        "0008"
                                                        "9A01"
                                                        "01"
                                                        "9F26031122"));
  EXPECT_EQ(status.refusal, Refusal::bad_tlv);
  EXPECT_EQ(status.field, 55);
  EXPECT_EQ(status.offset, 11 + 2 + 8 + 2 + 3);
}

TEST(Codec, RefusesAFrameAboveTheDialectsMaximum) {
  Bytes frame = cup_frame({3}, "000000");
  frame.resize(2049);
  EXPECT_EQ(refusal(dialect("cup"), frame).refusal, Refusal::too_long);
}

// Every length of every field of every dialect, from 0 to two above its maximum, is accepted exactly up to
// the maximum.
TEST(Codec, HoldsEveryFieldToItsMaximum) {
  for (const auto name : Dialect::builtin_names()) {
    const auto in = Dialect::builtin(name);
    for (int field = 2; field <= kFieldMax; ++field) {
      const auto& spec = in->field(field);
      if (!spec.defined) continue;
      for (std::size_t size = 0; size <= spec.maximum + 2U; ++size) {
        std::string value(size, spec.charset == Charset::text ? 'x' : '7');
        if (spec.tlv) value.assign(size, '\0');
        // TLV of one object: tag, length of one to three bytes, value; sizes that no object has (1) are left
        // out.
        if (spec.tlv && size >= 2) {
          if (size == 131 || size == 260 || size == 1) continue;
          const std::size_t head = size < 2 + 128 ? 2 : size < 3 + 256 ? 3 : 4;
          value = head == 2   ? std::string{'\x5A', static_cast<char>(size - 2)}
                  : head == 3 ? std::string{'\x5A', '\x81', static_cast<char>(size - 3)}
                              : std::string{'\x5A', '\x82', static_cast<char>((size - 4) >> 8),
                                            static_cast<char>(size - 4)};
          value.resize(size, 'v');
        } else if (spec.tlv && size == 1) {
          continue;
        }
        MessageBuilder builder;
        builder.set_mti({0x0200});
        const Bytes tpdu{0x60, 0, 0, 0, 0}, header(6);
        if (in->tpdu_size() != 0) builder.set_tpdu(tpdu);
        if (in->header_size() != 0) builder.set_header(header);
        builder.set(field, value);
        Bytes out(8192);
        const auto encoded = encode(*in, builder, out);
        const bool fits = spec.length == LengthKind::fixed ? size == spec.maximum : size <= spec.maximum;
        ASSERT_EQ(encoded.has_value(), fits) << name << " field " << field << " size " << size;
        if (!fits) {
          EXPECT_EQ(encoded.error().refusal,
                    size > spec.maximum ? Refusal::too_long : Refusal::missing_value);
          EXPECT_EQ(encoded.error().field, field);
          continue;
        }
        MessageView view;
        ASSERT_TRUE(decode(*in, encoded->subspan(2), view).ok())
            << name << " field " << field << " size " << size;
        ASSERT_EQ(view.length(field), size);
        ASSERT_TRUE(view.equals(field, value));
      }
    }
  }
}

TEST(Codec, EncodeRefusesValuesOutsideTheCharacterSet) {
  const auto try_field = [](int field, std::string_view value) {
    MessageBuilder builder;
    const Bytes tpdu{0x60, 0, 0, 0, 0}, header(6);
    builder.set_mti({0x0200});
    builder.set_tpdu(tpdu);
    builder.set_header(header);
    builder.set(field, value);
    Bytes out(256);
    const auto encoded = encode(dialect("cup"), builder, out);
    return encoded ? Refusal::none : encoded.error().refusal;
  };
  EXPECT_EQ(try_field(3, "00000A"), Refusal::bad_character);
  EXPECT_EQ(try_field(3, "00000:"), Refusal::bad_character);
  EXPECT_EQ(try_field(23, "A01"), Refusal::bad_character);
  EXPECT_EQ(try_field(22, "02/"), Refusal::bad_character);
  EXPECT_EQ(try_field(35, "6222=3012"), Refusal::bad_character);
  EXPECT_EQ(try_field(35, "6222D301"), Refusal::none);
  EXPECT_EQ(try_field(35, "6222d301"), Refusal::bad_character);
  EXPECT_EQ(try_field(41,
                      "1000\x1F"
                      "001"),
            Refusal::bad_character);
  EXPECT_EQ(try_field(55, "\x9F"), Refusal::bad_tlv);
  EXPECT_EQ(try_field(5, "000000000000"), Refusal::unknown_field);
  EXPECT_EQ(try_field(70, "001"), Refusal::unknown_field);
}

TEST(Codec, EncodeRefusesWhatDoesNotFitTheBufferAtEverySize) {
  const auto sale = golden("c-0200-sale-chip");
  MessageView view;
  ASSERT_TRUE(decode(*sale.dialect, sale.frame, view).ok());
  MessageBuilder builder;
  builder.copy_all(view);
  for (std::size_t size = 0; size < sale.frame.size() + 2; ++size) {
    Bytes out(size);
    const auto encoded = encode(*sale.dialect, builder, out);
    ASSERT_FALSE(encoded.has_value());
    ASSERT_EQ(encoded.error().refusal, Refusal::too_large) << size;
  }
  Bytes out(sale.frame.size() + 2);
  EXPECT_TRUE(encode(*sale.dialect, builder, out).has_value());
}

TEST(Codec, EncodeRefusesAWrongEnvelope) {
  MessageBuilder builder;
  Bytes out(256);
  const Bytes tpdu{0x60, 0, 0, 0, 0}, wrong{0x61, 0, 0, 0, 0}, header(6);
  builder.set_mti({0x0200});
  builder.set_header(header);
  EXPECT_EQ(encode(dialect("cup"), builder, out).error().refusal, Refusal::bad_tpdu);
  builder.set_tpdu(wrong);
  EXPECT_EQ(encode(dialect("cup"), builder, out).error().refusal, Refusal::bad_tpdu);
  builder.set_tpdu(tpdu);
  EXPECT_TRUE(encode(dialect("cup"), builder, out).has_value());
  builder.set_header({});
  EXPECT_EQ(encode(dialect("cup"), builder, out).error().refusal, Refusal::bad_header);
}

TEST(Codec, CopyGoesThroughTheCanonicalValueIntoAnotherDialect) {
  const auto sale = golden("c-0200-sale-chip");
  MessageView cup;
  ASSERT_TRUE(decode(*sale.dialect, sale.frame, cup).ok());
  for (const auto name : {"iso87-ascii", "iso87-bcd"}) {
    MessageBuilder builder;
    builder.set_mti(cup.mti());
    for (const int field : {2, 3, 4, 11, 14, 22, 23, 25, 26, 35, 41, 42, 49, 52, 53, 55})
      builder.copy(field, cup);
    builder.copy(70, cup);  // absent there: nothing
    builder.set_number(7, 912'101'800, 10);
    Bytes out(2048);
    const auto encoded = encode(dialect(name), builder, out);
    ASSERT_TRUE(encoded.has_value()) << name;
    MessageView host;
    ASSERT_TRUE(decode(dialect(name), encoded->subspan(2), host).ok()) << name;
    EXPECT_FALSE(host.has(70));
    EXPECT_TRUE(host.equals(7, "0912101800"));
    for (const int field : {2, 3, 4, 22, 23, 35, 41, 52, 55})
      EXPECT_EQ(shown(host, field), shown(cup, field)) << name << field;
  }
}

TEST(Codec, AnEmptyFieldThatTheOtherDialectLacksIsRefusedThere) {
  const std::string text =
      "0200"
      "0000000000020000"
      "000";
  const Bytes frame(text.begin(), text.end());
  MessageView host;
  ASSERT_TRUE(decode(dialect("iso87-ascii"), frame, host).ok());
  ASSERT_TRUE(host.has(47));
  for (const bool copied : {true, false}) {
    MessageBuilder builder;
    builder.set_mti({0x0200});
    if (copied) {
      builder.copy(47, host);
    } else {
      builder.set(47, std::string_view());
    }
    Bytes out(256);
    const auto encoded = encode(*dialect("cup").without_envelope(), builder, out);
    ASSERT_FALSE(encoded.has_value());
    EXPECT_EQ(encoded.error().refusal, Refusal::unknown_field);
    EXPECT_EQ(encoded.error().field, 47);
  }
}

TEST(Codec, AsciiTracksCarryTheSeparatorOfTheirDialect) {
  MessageBuilder builder;
  builder.set_mti({0x0200});
  builder.set(35, std::string_view("6222D3012"));
  Bytes out(256);
  const auto encoded = encode(dialect("iso87-ascii"), builder, out);
  ASSERT_TRUE(encoded.has_value());
  EXPECT_EQ(as_text(encoded->last(11)), "096222=3012");
  for (const char separator : {'=', 'D'}) {
    Bytes frame(encoded->begin() + 2, encoded->end());
    frame[frame.size() - 5] = static_cast<std::uint8_t>(separator);
    MessageView view;
    ASSERT_TRUE(decode(dialect("iso87-ascii"), frame, view).ok());
    EXPECT_TRUE(view.equals(35, "6222D3012"));
    EXPECT_EQ(encoded_again(view), frame);
  }
}

TEST(Codec, TheAsciiHostMessageIsWhatItsContractSays) {
  MessageBuilder builder;
  builder.set_mti({0x0800});
  builder.set_number(7, 1'121'101'530, 10);
  builder.set_number(11, 7, 6);
  builder.set(70, std::string_view("001"));
  Bytes out(256);
  const auto encoded = encode(dialect("iso87-ascii"), builder, out);
  ASSERT_TRUE(encoded.has_value());
  const std::string text(as_text(encoded->subspan(2)));
  EXPECT_EQ(text,
            "0800"
            "82200000000000000400000000000000"
            "1121101530"
            "000007"
            "001");
  EXPECT_EQ(load_be16(encoded->data()), text.size());
}

TEST(Codec, BinaryFieldsOfTheAsciiDialectAreHexAndCountTheirCharacters) {
  MessageBuilder builder;
  builder.set_mti({0x0200});
  Bytes out(256);
  const Bytes pin = hex("0123456789ABCDEF"), chip = hex("9F260211229A03010203"),
              mac = hex("3132333435363738");
  builder.set(52, pin);
  builder.set(55, chip);
  builder.set(64, mac);
  const auto encoded = encode(dialect("iso87-ascii"), builder, out);
  ASSERT_TRUE(encoded.has_value());
  EXPECT_EQ(as_text(encoded->subspan(2)),
            "0200"
            "0000000000001201"
            "0123456789ABCDEF"
            "0209F260211229A03010203"
            "3132333435363738");
}

TEST(Codec, KeepsTheCaseOfHexAndASecondaryBitmapThatNamesNothing) {
  const std::string lower =
      "0200"
      "8000000000001001"
      "0000000000000000"
      "0123456789abcdef"
      "3132333435363738";
  const Bytes frame(lower.begin(), lower.end());
  MessageView view;
  ASSERT_TRUE(decode(dialect("iso87-ascii"), frame, view).ok());
  EXPECT_EQ(shown(view, 52), "0123456789ABCDEF");
  EXPECT_EQ(encoded_again(view), frame);
  const std::string map =
      "0200"
      "a000000000000000"
      "0000000000000000"
      "000000";
  const Bytes other(map.begin(), map.end());
  ASSERT_TRUE(decode(dialect("iso87-ascii"), other, view).ok());
  EXPECT_EQ(encoded_again(view), other);
}

TEST(Codec, AnOddCountOfHexCharactersIsNoLength) {
  const std::string text =
      "0200"
      "0000000000000200"
      "0059A010";
  EXPECT_EQ(refusal(dialect("iso87-ascii"), Bytes(text.begin(), text.end())).refusal, Refusal::bad_length);
}

TEST(Codec, TheMacStandsIn128BehindASecondaryBitmap) {
  for (const auto name : {"iso87-ascii", "iso87-bcd"}) {
    MessageBuilder builder;
    const Bytes mac = hex("3132333435363738");
    const std::string original(42, '1');
    builder.set_mti({0x0400});
    builder.set(3, std::string_view("000000"));
    builder.set(90, original);
    EXPECT_EQ(dialect(name).mac_field(builder.fields()), 128);
    builder.set(128, mac);
    Bytes out(512);
    const auto encoded = encode(dialect(name), builder, out);
    ASSERT_TRUE(encoded.has_value());
    const std::size_t size = dialect(name).op(128).fixed_size;
    EXPECT_EQ(mac_input(dialect(name), *encoded).size(), encoded->size() - 2 - size);
    EXPECT_EQ(mac_place(dialect(name), MutableBytes(out).first(encoded->size())).size(), size);
    MessageView view;
    ASSERT_TRUE(decode(dialect(name), encoded->subspan(2), view).ok());
    EXPECT_EQ(view.mac_range().size(), encoded->size() - 2 - size);
  }
}

TEST(Codec, WithoutAMacTheWholeBodyIsItsInputAndThereIsNoPlace) {
  Bytes frame = cup_frame({3}, "000000");
  frame.insert(frame.begin(), {0, static_cast<std::uint8_t>(frame.size())});
  EXPECT_EQ(mac_input(dialect("cup"), frame).size(), frame.size() - 13);
  EXPECT_TRUE(mac_place(dialect("cup"), frame).empty());
  EXPECT_TRUE(mac_input(dialect("cup"), ByteView(frame).first(7)).empty());
}

TEST(Codec, AViewCanMoveToACopyOfItsFrame) {
  const auto sale = golden("c-0200-sale");
  MessageView view;
  Bytes first = sale.frame;
  ASSERT_TRUE(decode(*sale.dialect, first, view).ok());
  const Bytes kept = first;
  view.rebase(kept);
  std::fill(first.begin(), first.end(), std::uint8_t{0});
  EXPECT_TRUE(view.equals(41, "10000001"));
}

TEST(Codec, NumbersAreDigitsOfAtMostEighteen) {
  const auto sale = golden("c-0200-sale");
  MessageView view;
  ASSERT_TRUE(decode(*sale.dialect, sale.frame, view).ok());
  EXPECT_EQ(view.number(4), 10000U);
  EXPECT_EQ(view.number(11), 2U);
  EXPECT_EQ(view.number(35), std::nullopt);  // 37 characters
  EXPECT_EQ(view.number(63), std::nullopt);  // "01 "
  EXPECT_EQ(view.number(2), std::nullopt);   // absent
  std::array<char, 5> small{};
  EXPECT_TRUE(view.value(3, small).empty());
}

TEST(Codec, ABuilderCopiesWhatItIsToldToCopyAndStopsWhenItsStoreIsFull) {
  MessageBuilder builder;
  std::string value = "10000001";
  builder.set_copy(41, value);
  value = "xxxxxxxx";
  builder.set_mti({0x0200});
  Bytes out(256);
  const auto encoded = encode(*dialect("cup").without_envelope(), builder, out);
  ASSERT_TRUE(encoded.has_value());
  EXPECT_EQ(as_text(encoded->last(8)), "10000001");
  EXPECT_DEATH(builder.set_copy(63, std::string(505, 'x')), "");
  EXPECT_DEATH(builder.set_number(3, 1'000'000, 6), "");
  EXPECT_DEATH(builder.set(1, std::string_view("x")), "");
}

TEST(Codec, EveryRefusalHasAName) {
  for (int i = 0; i <= static_cast<int>(Refusal::missing_value); ++i)
    EXPECT_FALSE(name(static_cast<Refusal>(i)).empty());
  EXPECT_EQ(name(Refusal::missing_value), "missing_value");
}

}  // namespace
}  // namespace tollgate::iso::test
