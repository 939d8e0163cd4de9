// The small parts: query, router, binder, JSON, tokens, catalogue.
#include <gtest/gtest.h>

#include <set>

#include "switch/admin/auth.h"
#include "switch/admin/binder.h"
#include "switch/admin/catalog.h"
#include "switch/admin/entry_json.h"
#include "switch/admin/json_out.h"
#include "switch/admin/newest_first.h"
#include "switch/admin/proto_diff.h"
#include "switch/admin/query.h"
#include "switch/admin/router.h"

namespace tollgate::admin {
namespace {

TEST(Query, TakesFiltersAndRefusesWhatNobodyTook) {
  auto query = Query::parse("state=a,b&firmware_version[lt]=2.4.0&q=%E6%BC%94+x&dry_run");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->take_list("state"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(query->take_bounds("firmware_version").lt, "2.4.0");
  EXPECT_EQ(query->take("q"), "演 x");
  EXPECT_FALSE(query->done().has_value());
  EXPECT_EQ(query->done().error().code, "invalid_parameter");
  EXPECT_TRUE(query->take_flag("dry_run").value());
  EXPECT_TRUE(query->done().has_value());
}

TEST(Query, RefusesBrokenEscapesControlCharactersRepeatsAndUnknownComparisons) {
  for (const auto* bad :
       {"a=%", "a=%2", "a=%zz", "a=%00", "a=%0a", "a=%ff", "a=%c0%80", "a=1&a=2", "a[foo]=1", "a[lt=1", "=1"})
    EXPECT_FALSE(Query::parse(bad).has_value()) << bad;
}

TEST(Query, CutsALimitToItsMaximumAndRefusesWhatIsNone) {
  EXPECT_EQ(Query::parse("limit=5000")->take_limit().value(), 1000U);
  EXPECT_EQ(Query::parse("limit=99999999999999999999999")->take_limit().value(), 1000U);
  EXPECT_EQ(Query::parse("")->take_limit().value(), 50U);
  for (const auto* bad : {"limit=0", "limit=-1", "limit=x", "limit=1.5", "limit="})
    EXPECT_FALSE(Query::parse(bad)->take_limit().has_value()) << bad;
}

TEST(Cursor, ComesBackWithItsFilterOnly) {
  const auto cursor = make_cursor("/v1/terminals&state[]=active", 17, 4);
  const auto back = read_cursor(cursor, "/v1/terminals&state[]=active");
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->high, 17U);
  EXPECT_EQ(back->low, 4U);
  EXPECT_EQ(read_cursor(cursor, "/v1/terminals").error().code, "cursor_mismatch");
  EXPECT_EQ(read_cursor(cursor.substr(1), "/v1/terminals").error().code, "invalid_parameter");
  EXPECT_EQ(read_cursor("", "/v1/terminals").error().code, "invalid_parameter");
}

Outcome nothing(Call&) {
  return refuse("internal", "");
}

TEST(Router, FindsByMethodAndTemplateAndDecodesSegments) {
  Router router;
  router.add({"GET", "/v1/terminals", kViewer, {}, nothing});
  router.add({"GET", "/v1/terminals/{t}", kViewer, {}, nothing});
  router.add({"POST", "/v1/terminals/{t}/suspend", kOperator, {}, nothing});
  EXPECT_EQ(router.find("GET", "/v1/terminals")->route->path, "/v1/terminals");
  EXPECT_EQ(router.find("GET", "/v1/terminals/tid:1%400")->parameters.at("t"), "tid:1@0");
  EXPECT_EQ(router.find("POST", "/v1/terminals/x/suspend")->parameters.at("t"), "x");
  for (const auto* missing : {"/", "", "/v1", "/v1/terminals/", "/v1/terminals/x/y",
                              "/v1/terminals/x/suspend/", "v1/terminals", "//v1/terminals"})
    EXPECT_EQ(router.find("GET", missing).error().code, "not_found") << missing;
  EXPECT_NE(router.find("DELETE", "/v1/terminals").error().detail.find("GET"), std::string::npos);
  EXPECT_EQ(router.find("GET", "/v1/terminals/%zz").error().code, "invalid_parameter");
  EXPECT_EQ(router.find("GET", "/v1/terminals/%2e%2e%2fx")->parameters.at("t"),
            "../x");  // a name like any other: nobody opens files by it
}

TEST(Binder, NamesEveryFaultWithItsPointer) {
  const auto value = parse_json(
      R"({"a":"toolong","n":1.5,"list":["x",1],"o":{"p":true,"zz":1},"x/y~z":1,"ctl":"a\u001bb","bidi":"a\u202eb"})");
  ASSERT_TRUE(value.has_value());
  FieldErrors errors;
  Binder b(*value, "/in", errors);
  EXPECT_FALSE(b.text("a", {1, 3}).has_value());
  EXPECT_FALSE(b.integer("n", 0, 10).has_value());
  EXPECT_EQ(b.texts("list", 5).size(), 1U);
  Binder o(*b.object("o"), b.pointer("o"), errors);
  EXPECT_EQ(o.flag("p"), true);
  o.done();
  EXPECT_FALSE(b.text("ctl").has_value());
  EXPECT_FALSE(b.text("bidi").has_value());
  EXPECT_EQ(b.need_text("missing"), "");
  b.done();
  std::set<std::string> seen;
  for (const auto& e : errors) seen.insert(e.pointer + " " + e.code);
  EXPECT_EQ(seen, (std::set<std::string>{"/in/a invalid_length", "/in/n invalid_type",
                                         "/in/list/1 invalid_type", "/in/o/zz unknown_field",
                                         "/in/ctl invalid_character", "/in/bidi invalid_character",
                                         "/in/missing required", "/in/x~1y~0z unknown_field"}));
}

TEST(Binder, CallsADocumentWithOnlyUnknownFieldsBySoMuch) {
  EXPECT_EQ(problem_of({{"/a", "unknown_field", ""}}).code, "unknown_field");
  EXPECT_EQ(problem_of({{"/a", "unknown_field", ""}, {"/b", "required", ""}}).code, "validation_failed");
}

TEST(Json, RefusesWhatIsBroken) {
  for (const auto* bad : {"", "{", "{\"a\":1,}", "{} x", "nul", "\"\xff\"", "[1,2", "{\"a\":01}"}) {
    const auto parsed = parse_json(bad);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_EQ(parsed.error().code, "malformed_json");
  }
  EXPECT_FALSE(parse_json(std::string(2000, '[') + std::string(2000, ']')).has_value());
}

TEST(Json, EscapesWhatItWrites) {
  std::string out;
  JsonOut(out)
      .begin_object()
      .field("k\"", "a\"b\\c\nd\x01")
      .key("n")
      .null()
      .field("t", true)
      .key("l")
      .begin_array()
      .value(1)
      .value(2)
      .end_array()
      .end_object();
  EXPECT_EQ(out, "{\"k\\\"\":\"a\\\"b\\\\c\\nd\\u0001\",\"n\":null,\"t\":true,\"l\":[1,2]}");
}

TEST(Json, ReplacesWhatIsNotUtf8) {
  std::string out;
  append_json_string(out, "\xD2\xF8 \xE9\x93\xB6\xC1");
  EXPECT_EQ(out, "\"\xEF\xBF\xBD\xEF\xBF\xBD \xE9\x93\xB6\xEF\xBF\xBD\"");
}

TEST(Token, IsLongEnoughAndNeverTheSame) {
  SystemChance chance;
  const auto a = make_token(chance), b = make_token(chance);
  EXPECT_EQ(a.text.size(), 56U);
  EXPECT_TRUE(a.text.starts_with("tgk_"));
  EXPECT_NE(a.text, b.text);
  EXPECT_EQ(a.sha256, Sha256::of(as_bytes(a.text)));
}

TEST(Cidr, HoldsItsAddressesAndNoOthers) {
  EXPECT_TRUE(cidr_contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(cidr_contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(cidr_contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(cidr_contains("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(cidr_contains("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(cidr_contains("2001:db8::/32", "2001:db8:1::1"));
  EXPECT_FALSE(cidr_contains("2001:db8::/32", "10.0.0.1"));
  EXPECT_TRUE(cidr_contains("0.0.0.0/0", "203.0.113.9"));
  for (const auto* bad :
       {"", "10.0.0.0/33", "10.0.0", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "a.b.c.d", "010.0.0.1/8 "})
    EXPECT_FALSE(is_cidr(bad)) << bad;
}

TEST(Catalog, HasEveryCodeInBothLanguagesAndOnlyKnownRoles) {
  const auto& catalog = Catalog::get();
  EXPECT_GE(catalog.problems.size(), 40U);
  EXPECT_EQ(catalog.reasons.size(), 16U);
  for (const auto& [code, kind] : catalog.problems) {
    EXPECT_FALSE(kind.title.en.empty()) << code;
    EXPECT_FALSE(kind.title.zh.empty()) << code;
    EXPECT_GE(kind.status, 400U) << code;
  }
  for (const auto& [code, kind] : catalog.reasons)
    for (const auto& role : kind.release) EXPECT_TRUE(role_of(role).has_value()) << code;
  EXPECT_EQ(catalog.response_codes.at("58").label.zh, "终端不允许该交易");
}

TEST(Language, IsTheFirstOneThatIsKnown) {
  EXPECT_EQ(language_of("zh-CN,en;q=0.5"), Language::zh);
  EXPECT_EQ(language_of("fr, en"), Language::en);
  EXPECT_EQ(language_of("fr"), Language::en);
  EXPECT_EQ(language_of("zh_CN.UTF-8"), Language::zh);
}

TEST(EntryJson, WritesTheBytesOfTheContract) {
  v1::LedgerEntry e;
  e.set_partition(3);
  e.set_seq(99120331);
  e.set_id(ObjectId({3}, {1}, 7).raw());
  e.set_at_us(1'795'255'200'000'000);
  e.set_business_date(parse_date("2026-11-21")->days);
  e.set_type("sale");
  e.set_txn(ObjectId({3}, {1}, 6).raw());
  e.set_tid("10000001");
  e.set_merchant_code("102290058120001");
  e.set_stan(1);
  e.set_rrn(101500000001);
  e.set_currency(156);
  const auto leg = [&](std::uint32_t account, const char* sub, bool credit, std::int64_t amount) {
    auto* l = e.add_legs();
    l->set_account(account);
    l->set_sub(sub);
    l->set_credit(credit);
    l->set_amount_minor(amount);
  };
  leg(1100, "cup", false, 10000);
  leg(2100, "102290058120001", true, 9940);
  leg(4100, "", true, 60);
  e.mutable_fee()->set_schedule("std-card");
  e.mutable_fee()->set_version(1);
  e.mutable_fee()->set_rule("r1");
  e.mutable_fee()->set_hash("\xAB");
  std::string line;
  EntryJson writer;
  writer.write(e, line);
  EXPECT_EQ(line,
            "{\"partition\":3,\"seq\":99120331,\"id\":\"le_01G000G000007\",\"at\":\"2026-11-21T10:00:00."
            "000000Z\",\"business_date\":\"2026-11-21\","
            "\"type\":\"sale\",\"txn\":\"txn_01G000G000006\",\"tid\":\"10000001\",\"merchant_code\":"
            "\"102290058120001\",\"stan\":\"000001\","
            "\"rrn\":\"101500000001\",\"currency\":\"CNY\",\"legs\":[{\"account\":\"1100/"
            "cup\",\"side\":\"debit\",\"amount_minor\":10000},"
            "{\"account\":\"2100/"
            "102290058120001\",\"side\":\"credit\",\"amount_minor\":9940},{\"account\":\"4100\",\"side\":"
            "\"credit\",\"amount_minor\":60}],"
            "\"fee\":{\"schedule\":\"std-card\",\"version\":1,\"rule\":\"r1\",\"hash\":\"ab\"}}\n");
  e.clear_fee();
  e.set_mirrors(12);
  e.mutable_legs(0)->set_sub("a\"b");
  std::string other;
  writer.write(e, other);
  EXPECT_NE(other.find("\"1100/a\\\"b\""), std::string::npos);
  EXPECT_TRUE(other.ends_with("\"mirrors\":12}\n"));
}

TEST(ProtoDiff, ShowsNestedFieldsListsAndMaps) {
  v1::Terminal a, b;
  a.set_version(1);
  b.set_version(2);
  a.mutable_location()->set_lat("1");
  b.mutable_location()->set_lat("2");
  (*b.mutable_labels())["chain"] = "demo";
  b.set_tmk_generation(1);
  std::string text;
  for (const auto& c : diff(a, b)) text += c.pointer + " " + c.old_json + " " + c.new_json + "\n";
  EXPECT_EQ(text, "/location/lat \"1\" \"2\"\n/labels null {\"chain\":\"demo\"}\n/tmk_generation 0 1\n");
  EXPECT_TRUE(diff(b, b).empty());
}

TEST(NewestFirst, MergesPartitionsAndGoesOnFromAnyPlace) {
  // Partition p has ids 1 … 100 + p; the merged order is by falling number, then by falling partition.
  const auto fetch = [](PartitionId p, ObjectId before, std::size_t n) {
    std::vector<std::uint64_t> ids;
    for (std::uint64_t i = 100U + p.value; i > 0 && ids.size() < n; --i) {
      const ObjectId id(p, {1}, i);
      if (!before || id < before) ids.push_back(id.raw());
    }
    return ids;
  };
  const auto id_of = [](const std::uint64_t& raw) { return ObjectId(raw); };
  NewestFirst<std::uint64_t> whole(3, 0, fetch, id_of);
  std::vector<std::uint64_t> all;
  while (const auto id = whole.next()) all.push_back(*id);
  ASSERT_EQ(all.size(), 306U);
  for (std::size_t i = 1; i < all.size(); ++i)
    ASSERT_GT(age_key(ObjectId(all[i - 1])), age_key(ObjectId(all[i])));
  for (const std::size_t from : {0U, 1U, 2U, 7U, 150U, 305U}) {
    NewestFirst<std::uint64_t> rest(3, age_key(ObjectId(all[from])), fetch, id_of);
    for (std::size_t i = from + 1; i < all.size(); ++i) ASSERT_EQ(rest.next(), all[i]) << from;
    EXPECT_FALSE(rest.next().has_value());
  }
}

}  // namespace
}  // namespace tollgate::admin
