#include "switch/iso/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/iso/goldens.h"

namespace tollgate::iso::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(std::string_view text) {
  const auto dialect = Dialect::load(text, "x.toml");
  return dialect ? "accepted" : dialect.error().text();
}

// A small dialect that is right; the tests add what is wrong.
std::string small(std::string_view more = "") {
  return "name = \"x\"\nmessage = { mac = 0 }\nfield.3 = { name = \"code\", format = \"n6\" }\n" +
         std::string(more) + "\n";
}

TEST(Dialect, TheFourOfTheBinaryLoadAndKeepTheirNames) {
  ASSERT_EQ(Dialect::builtin_names().size(), 4U);
  for (const auto name : Dialect::builtin_names()) {
    const auto dialect = Dialect::builtin(name);
    ASSERT_NE(dialect, nullptr);
    EXPECT_EQ(dialect->name(), name);
    EXPECT_EQ(dialect, Dialect::builtin(name));
  }
  EXPECT_EQ(Dialect::builtin("cup2"), nullptr);
}

TEST(Dialect, CupIsFramedAndWrittenAsItsReferenceSays) {
  const auto& cup = *Dialect::builtin("cup");
  EXPECT_EQ(cup.tpdu_size(), 5);
  EXPECT_EQ(cup.header_size(), 6);
  EXPECT_TRUE(cup.bcd_mti());
  EXPECT_FALSE(cup.hex_bitmap());
  EXPECT_FALSE(cup.secondary_bitmap());
  EXPECT_EQ(cup.mac_field(), 64);
  EXPECT_EQ(cup.framing().prefix, Framing::Prefix::binary2);
  EXPECT_EQ(cup.field(22).packing, Packing::bcd_left);
  EXPECT_EQ(cup.field(23).packing, Packing::bcd_right);
  EXPECT_EQ(cup.field(2).packing, Packing::bcd_left);
  EXPECT_EQ(cup.field(62).charset, Charset::binary);
  EXPECT_TRUE(cup.field(55).tlv);
  int defined = 0;
  for (int field = 2; field <= kFieldMax; ++field) defined += cup.field(field).defined ? 1 : 0;
  EXPECT_EQ(defined, 35);
}

TEST(Dialect, CardDataAndPinsAreSensitiveInEveryDialect) {
  for (const auto name : Dialect::builtin_names()) {
    const auto& dialect = *Dialect::builtin(name);
    for (const int field : {2, 14, 34, 35, 36, 45, 48, 52, 59, 62}) {
      if (!dialect.field(field).defined) continue;
      EXPECT_TRUE(dialect.field(field).sensitive) << name << " field " << field;
    }
  }
}

TEST(Dialect, The1987And1993TablesAreWhole) {
  for (const auto name : {"iso87-ascii", "iso87-bcd", "iso93-ascii"}) {
    for (int field = 2; field <= kFieldMax; ++field)
      EXPECT_TRUE(Dialect::builtin(name)->field(field).defined) << name << field;
  }
  EXPECT_EQ(Dialect::builtin("iso87-bcd")->field(90).maximum, 42);
  EXPECT_EQ(Dialect::builtin("iso93-ascii")->field(39).maximum, 3);
  EXPECT_EQ(Dialect::builtin("iso93-ascii")->field(56).length, LengthKind::ll);
}

TEST(Dialect, TheSmallOneOfTheseTestsIsAccepted) {
  EXPECT_EQ(refusal(small()), "accepted");
}

TEST(Dialect, RefusesAnUnknownKeyAndSaysWhatWasMeant) {
  EXPECT_EQ(refusal(small("framming = {}")),
            "x.toml:4: unknown key \"framming\" in the file, did you mean \"framing\"?");
  EXPECT_EQ(refusal(small("framing = { prefx = \"none\" }")),
            "x.toml:4: unknown key \"prefx\" in framing, did you mean \"prefix\"?");
  EXPECT_EQ(refusal(small("field.4 = { name = \"a\", format = \"n6\", colour = 1 }")),
            "x.toml:4: unknown key \"colour\" in field 4");
  EXPECT_THAT(refusal(small("kind = [ { kind = \"sale\", mti = \"0200\", klass = \"advice\" } ]")),
              HasSubstr("did you mean \"class\"?"));
}

TEST(Dialect, RefusesWhatIsNoToml) {
  EXPECT_THAT(refusal("name = \"x\"\nname = \"y\"\n"), StartsWith("x.toml:2: "));
  EXPECT_THAT(refusal("name = "), StartsWith("x.toml:1: "));
  EXPECT_THAT(refusal(small("field.3 = { name = \"again\", format = \"n6\" }")), StartsWith("x.toml:4: "));
  EXPECT_THAT(refusal("\xFF\xFE\x00"), StartsWith("x.toml:"));
  EXPECT_THAT(refusal(std::string(2 << 20, '#')), HasSubstr("1 MiB"));
}

TEST(Dialect, RefusesEveryBound) {
  const std::pair<const char*, const char*> cases[] = {
      {"framing = { maximum = 63 }", "maximum must be 64 to 65535"},
      {"framing = { maximum = 65536 }", "maximum must be 64 to 65535"},
      {"framing = { maximum = \"2048\" }", "maximum must be a whole number"},
      {"framing = { prefix = \"ascii4\", maximum = 10000 }", "at most 9999"},
      {"framing = { prefix = \"binary4\" }", "prefix must be one of \"none\", \"binary2\", \"ascii4\""},
      {"header = { size = 65 }", "size must be 0 to 64"},
      {"header = { tpdu = 5 }", "tpdu must be true or false"},
      {"header = 6", "header must be a table"},
      {"encoding = { separator = \"F\" }", "separator must be one of"},
      {"field.1 = { name = \"a\", format = \"n6\" }", "\"1\" is no field: 2 to 128"},
      {"field.129 = { name = \"a\", format = \"n6\" }", "\"129\" is no field: 2 to 128"},
      {"field.04 = { name = \"a\", format = \"n6\" }", "\"04\" is no field: 2 to 128"},
      {"field.4 = { name = \"\", format = \"n6\" }", "field 4 has an empty name"},
      {"field.4 = { format = \"n6\" }", "a field needs name and format"},
      {"field.4 = 6", "a field must be a table"},
      {"set.a = [3, 3]", "names this twice"},
      {"set.a = [129]", "a field must be 2 to 128"},
      {"set.a = [4]", "field 4 is not defined"},
      {"set.a = [\"b\"]", "there is no set \"b\""},
      {"set.a = [\"b\"]\nset.b = [\"a\"]", "contains itself"},
      {"set.a = 3", "a list of fields must be an array"},
      {"reply.a = { echo = [3] }", "a reply needs echo, refusal and approval"},
      {"extends = \"cup3\"", "extends names no dialect of the binary: \"cup3\""},
  };
  for (const auto& [more, expected] : cases) {
    const std::string text = refusal(small(more));
    EXPECT_THAT(text, HasSubstr(expected)) << more;
    EXPECT_THAT(text, StartsWith("x.toml:")) << more;
  }
}

TEST(Dialect, RefusesEveryWrongFormat) {
  const std::pair<const char*, const char*> cases[] = {{"", "no length"},
                                                       {"n", "no length"},
                                                       {"n0", "no length"},
                                                       {"q6", "no length"},
                                                       {"nn6", "no such character"},
                                                       {"n..19", "a variable field ends with"},
                                                       {"n6 LL", "a fixed field ends with its length"},
                                                       {"n..19 L", "a variable field ends with"},
                                                       {"n..100 LL", "does not fit its prefix"},
                                                       {"n..1000 LLL", "does not fit its prefix"},
                                                       {"n..10000 LLLL", "does not fit its prefix"},
                                                       {"n1000", "at most 999"},
                                                       {"n..19 LL ", "a variable field ends with"},
                                                       {"n99999999", "no length"}};
  for (const auto& [format, expected] : cases) {
    EXPECT_THAT(refusal(small("field.4 = { name = \"a\", format = \"" + std::string(format) + "\" }")),
                HasSubstr(expected))
        << format;
  }
  for (const auto more :
       {"format = \"an6\", align = \"left\"", "format = \"n6\", align = \"left\"",
        "format = \"n6\", pack = \"hex\"", "format = \"b8\", pack = \"bcd\"",
        "format = \"n6\", pack = \"bcd\", align = \"middle\"",
        "format = \"z..37 LL\", pack = \"bcd\", align = \"right\"", "format = \"ans..255 LLL\", tlv = true",
        "format = \"b..1000 LLLL\", tlv = true", "format = \"b..500 LLL\""}) {
    EXPECT_THAT(refusal(small("field.4 = { name = \"a\", " + std::string(more) + " }")),
                StartsWith("x.toml:4: "))
        << more;
  }
}

TEST(Dialect, RefusesWrongKinds) {
  const std::pair<const char*, const char*> cases[] = {
      {"kind = 3", "kind must be an array"},
      {"kind = [3]", "a kind must be a table"},
      {"kind = [{ mti = \"0200\" }]", "a kind needs kind and mti"},
      {"kind = [{ kind = \"salle\", mti = \"0200\", class = \"financial\" }]", "there is no kind \"salle\""},
      {"kind = [{ kind = \"unknown\", mti = \"0200\", class = \"financial\" }]",
       "there is no kind \"unknown\""},
      {"kind = [{ kind = \"sale\", mti = \"02A0\", class = \"financial\" }]", "mti must be four digits"},
      {"kind = [{ kind = \"sale\", mti = \"0200\" }]", "the kind has no class"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"big\" }]", "class must be one of"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"financial\", mac = true }]",
       "the dialect has no MAC field"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", like = \"x\" }]", "there is no like \"x\""},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", reply = \"x\" }]",
       "there is no reply \"x\""},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", required = [4] }]",
       "field 4 is not defined"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { 4 = \"0\" } }]",
       "field 4 is not defined"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { 3 = \"\" } }]",
       "1 to 8 characters"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { 3 = [\"00\", \"000\"] } }]",
       "all the same number"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { 3 = [] } }]",
       "fits nothing"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { \"3@x\" = \"0\" } }]",
       "an offset is a number"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { \"3@300\" = \"0\" } }]",
       "an offset is a number"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { \"3/BTX\" = \"0\" } }]",
       "a tag has two characters"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\", match = { \"3@1\" = true } }]",
       "stand for a whole field"},
      {"kind = [{ kind = \"sale\", mti = \"0200\", class = \"advice\" },\n{ kind = \"refund\", mti = "
       "\"0200\", class = \"advice\" }]",
       "x.toml:5: the same pattern as the kind at x.toml:4, this one is never reached"}};
  for (const auto& [more, expected] : cases) EXPECT_THAT(refusal(small(more)), HasSubstr(expected)) << more;
}

TEST(Dialect, RefusesAMacFieldThatIsNotThereAndFieldsWithoutASecondaryBitmap) {
  EXPECT_THAT(refusal("name = \"x\"\nmessage = { mac = 64 }\nfield.3 = { name = \"a\", format = \"n6\" }"),
              HasSubstr("the MAC field 64 must be defined"));
  EXPECT_THAT(refusal("name = \"x\"\nmessage = { mac = 63 }\nfield.3 = { name = \"a\", format = \"n6\" }"),
              HasSubstr("mac must be 64, 128"));
  EXPECT_THAT(refusal("name = \"x\"\nmessage = { mac = 0, secondary = false }\nfield.70 = { name = \"a\", "
                      "format = \"n3\" }"),
              HasSubstr("above 64 needs message.secondary"));
  EXPECT_THAT(refusal("name = \"x\"\nmessage = { mac = 0 }"), HasSubstr("no fields"));
  EXPECT_THAT(refusal("field.3 = { name = \"a\", format = \"n6\" }"), HasSubstr("no name"));
  EXPECT_THAT(refusal("name = \"X Y\""), HasSubstr("name must be"));
}

TEST(Dialect, AFileMayExtendABuiltInOneAndSayOneThingDifferently) {
  const auto mine = Dialect::load(
      "name = \"centerm\"\nextends = \"cup\"\n"
      "field.47 = { name = \"wallet\", format = \"ans..999 LLL\" }\n"
      "kind = [ { kind = \"qr_sale\", like = \"qr\", mti = \"0200\", match = { 3 = \"000000\", 47 = true }, "
      "required = [\"request\", 47] } ]\n",
      "centerm.toml");
  ASSERT_TRUE(mine.has_value()) << mine.error().text();
  EXPECT_EQ((*mine)->name(), "centerm");
  EXPECT_EQ((*mine)->tpdu_size(), 5);
  EXPECT_TRUE((*mine)->field(47).defined);
  EXPECT_EQ((*mine)->kinds().size(), Dialect::builtin("cup")->kinds().size() + 1);
  EXPECT_EQ((*mine)->kinds().front().kind, Kind::qr_sale) << "the rows of the file come first";
  const auto sale = golden("c-0200-sale");
  MessageView view;
  ASSERT_TRUE(decode(**mine, sale.frame, view).ok());
  EXPECT_EQ((*mine)->classify(view)->kind, Kind::sale);
}

TEST(Dialect, ABaseIsRefusedInItsOwnFile) {
  // The set that rows of the base use loses a field that its rows need: the place is in the base.
  EXPECT_THAT(refusal("name = \"x\"\nextends = \"cup\"\nset.request = [99]\n"),
              HasSubstr("field 99 is not defined"));
}

TEST(Dialect, WithoutEnvelopeOnlyTheEnvelopeIsGone) {
  const auto cup = Dialect::builtin("cup");
  const auto bare = cup->without_envelope();
  EXPECT_EQ(bare->tpdu_size(), 0);
  EXPECT_EQ(bare->header_size(), 0);
  EXPECT_EQ(bare->kinds().size(), cup->kinds().size());
  EXPECT_EQ(cup->tpdu_size(), 5);
}

}  // namespace
}  // namespace tollgate::iso::test
