// Terminals and merchants: lists, names, verbs with their conditions.
#include <gtest/gtest.h>

#include "tests/admin/desk.h"

namespace tollgate::test {
namespace {

constexpr const char* kFirst = "/v1/terminals/tid:10000001@102290058120001";

class Terminals : public ::testing::Test {
 protected:
  Terminals() {
    desk_.sign_in({"operator", "supervisor", "pricing"}, "wang");
    const auto applied = desk_.post("/v1/estate", example_estate());
    EXPECT_EQ(applied.status, 200U) << applied.body;
    EXPECT_EQ(applied.text("counts.refused"), "0") << applied.body;
  }
  [[nodiscard]] std::string etag(const std::string& path) {
    return std::string(desk_.get(path).headers.get("ETag"));
  }

  FreshBackend backend_{4};
  Desk desk_{backend_};
};

TEST_F(Terminals, ShowOneByAnyOfItsNames) {
  const auto one = desk_.get(kFirst);
  ASSERT_EQ(one.status, 200U) << one.body;
  EXPECT_EQ(one.text("tid"), "10000001");
  EXPECT_EQ(one.text("state"), "active");
  EXPECT_EQ(one.text("accepts.financial"), "true");
  EXPECT_EQ(one.text("registration.complete"), "true");
  EXPECT_EQ(one.text("registration.location.lat"), "31.2304");
  EXPECT_EQ(one.text("keys.tmk.kcv"), "82E13665");
  EXPECT_EQ(one.text("device.model"), "demo-a1");
  EXPECT_EQ(one.text("region"), "310000");
  EXPECT_EQ(one.text("labels.chain"), "demo");
  EXPECT_EQ(one.headers.get("ETag"), "\"v" + one.text("version") + "\"");
  for (const auto& name : {one.text("id"), std::string("tid:10000001"), std::string("sn:N3300001231"),
                           std::string("tid%3A10000001%40102290058120001")})
    EXPECT_EQ(desk_.get("/v1/terminals/" + name).text("id"), one.text("id")) << name;
  for (const auto* missing : {"tid:99999999", "tid:10000001@102290054110002", "sn:none", "term_0000000000000",
                              "term_x", "10000001", "tid:", "sn:", "tid:10000001@"})
    EXPECT_EQ(desk_.get(std::string("/v1/terminals/") + missing).status, 404U) << missing;
}

TEST_F(Terminals, AskForTheMerchantWhenATidIsUsedTwice) {
  const auto applied = desk_.post(
      "/v1/estate", R"({"estate":1,"terminals":[{"tid":"10000001","merchant_code":"102290054110002"}]})");
  ASSERT_EQ(applied.text("counts.create"), "1") << applied.body;
  const auto answer = desk_.get("/v1/terminals/tid:10000001");
  EXPECT_EQ(answer.status, 409U);
  EXPECT_EQ(answer.text("code"), "ambiguous_key");
  EXPECT_NE(answer.text("candidates").find("tid:10000001@102290054110002"), std::string::npos);
  EXPECT_EQ(desk_.get(kFirst).status, 200U);
}

TEST_F(Terminals, ListWithFiltersAndPages) {
  EXPECT_EQ(desk_.get("/v1/terminals").json.at("data").as_array().size(), 3U);
  EXPECT_EQ(desk_.get("/v1/terminals?state=pending").text("data.0.tid"), "10000003");
  EXPECT_EQ(desk_.get("/v1/terminals?state=active,pending").json.at("data").as_array().size(), 3U);
  EXPECT_EQ(desk_.get("/v1/terminals?merchant=102290058120001").json.at("data").as_array().size(), 2U);
  EXPECT_EQ(desk_.get("/v1/terminals?label.chain=demo").json.at("data").as_array().size(), 1U);
  EXPECT_EQ(desk_.get("/v1/terminals?firmware_version[lt]=2.10.0").json.at("data").as_array().size(), 3U);
  EXPECT_EQ(desk_.get("/v1/terminals?firmware_version[lt]=2.4.0").json.at("data").as_array().size(), 0U);
  EXPECT_EQ(desk_.get("/v1/terminals?q=%E4%BE%BF%E5%88%A9").text("data.0.tid"), "10000003");
  EXPECT_EQ(desk_.get("/v1/terminals?region=310000&model=demo-a1").json.at("data").as_array().size(), 3U);
  EXPECT_EQ(desk_.get("/v1/terminals?state=asleep").text("code"), "invalid_parameter");
  std::set<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto answer = desk_.get("/v1/terminals?limit=1" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(answer.json.at("data").as_array().size(), 1U);
    seen.insert(answer.text("data.0.tid"));
    cursor = answer.text("next_cursor");
    EXPECT_EQ(answer.text("has_more"), page < 2 ? "true" : "false");
  }
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(cursor, "");
}

TEST_F(Terminals, RefuseACursorOfAnotherFilter) {
  const auto cursor = desk_.get("/v1/terminals?limit=1").text("next_cursor");
  ASSERT_FALSE(cursor.empty());
  EXPECT_EQ(desk_.get("/v1/terminals?limit=1&state=active&cursor=" + cursor).text("code"), "cursor_mismatch");
  EXPECT_EQ(desk_.get("/v1/terminals?cursor=zz").text("code"), "invalid_parameter");
  EXPECT_EQ(desk_.get("/v1/terminals?limit=2&cursor=" + cursor).status,
            200U);  // the size of a page is no filter
}

TEST_F(Terminals, StreamAsLines) {
  const auto lines = desk_.get("/v1/terminals?format=ndjson");
  EXPECT_EQ(lines.headers.get("Content-Type"), "application/x-ndjson");
  EXPECT_EQ(std::ranges::count(lines.body, '\n'), 3);
  EXPECT_EQ(json::parse(lines.body.substr(0, lines.body.find('\n'))).at("object").as_string(), "terminal");
}

TEST_F(Terminals, SuspendAndActivateAgain) {
  const auto before = desk_.get(kFirst);
  const auto suspended =
      desk_.post(std::string(kFirst) + "/suspend",
                 R"({"reason":"device_fault","note":"printer","evidence":"WO-07"})", etag(kFirst));
  ASSERT_EQ(suspended.status, 200U) << suspended.body;
  EXPECT_EQ(suspended.text("state"), "suspended");
  EXPECT_EQ(suspended.text("accepts.financial"), "false");
  EXPECT_EQ(suspended.text("accepts.reversal"), "true");
  EXPECT_EQ(suspended.text("holds.0.reason"), "device_fault");
  EXPECT_EQ(suspended.text("holds.0.by"), "user:wang");
  EXPECT_EQ(suspended.text("holds.0.evidence"), "WO-07");
  EXPECT_NE(suspended.text("version"), before.text("version"));
  EXPECT_EQ(suspended.headers.get("ETag"), etag(kFirst));
  EXPECT_EQ(desk_.get("/v1/terminals?hold_reason=device_fault").json.at("data").as_array().size(), 1U);
  const auto active = desk_.post(std::string(kFirst) + "/activate", "{}", etag(kFirst));
  ASSERT_EQ(active.status, 200U) << active.body;
  EXPECT_EQ(active.text("state"), "active");
  EXPECT_EQ(active.text("holds"), "[]");
}

TEST_F(Terminals, StaySuspendedAfterACrash) {
  ASSERT_EQ(
      desk_.post(std::string(kFirst) + "/suspend", R"({"reason":"device_fault"})", etag(kFirst), "k").status,
      200U);
  backend_.crash();
  EXPECT_EQ(desk_.get(kFirst).text("state"), "suspended");
  const auto again =
      desk_.post(std::string(kFirst) + "/suspend", R"({"reason":"device_fault"})", "\"v1\"", "k");
  EXPECT_EQ(again.status, 200U) << again.body;
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
}

TEST_F(Terminals, DemandTheVersionThatTheCallerSaw) {
  const auto path = std::string(kFirst) + "/suspend";
  const auto body = R"({"reason":"device_fault"})";
  EXPECT_EQ(desk_.post(path, body).status, 428U);
  EXPECT_EQ(desk_.post(path, body).text("code"), "if_match_required");
  const auto stale = desk_.post(path, body, "\"v999\"");
  EXPECT_EQ(stale.status, 412U);
  EXPECT_EQ(stale.text("code"), "version_mismatch");
  EXPECT_EQ(stale.text("current_version"), desk_.get(kFirst).text("version"));
  for (const auto* bad : {"v1", "\"1\"", "\"v1", "\"vx\"", "W/\"v1\""})
    EXPECT_EQ(desk_.post(path, body, bad).status, 400U) << bad;
  EXPECT_EQ(desk_.post(path, body, "*").status, 200U);
}

TEST_F(Terminals, DemandAnIdempotencyKeyAndReplayIt) {
  const auto path = std::string(kFirst) + "/suspend";
  auto bare = desk_.request("POST", path, R"({"reason":"device_fault"})");
  bare.headers.set("If-Match", "*");
  EXPECT_EQ(desk_.send(std::move(bare)).text("code"), "idempotency_key_missing");
  EXPECT_EQ(desk_.post(path, "{}", "*", std::string(65, 'k')).status, 400U);
  const auto version = etag(kFirst);
  const auto first = desk_.post(path, R"({"reason":"device_fault"})", version, "k1");
  const auto records = backend_.records();
  const auto second = desk_.post(path, R"({"reason":"device_fault"})", version, "k1");
  EXPECT_EQ(second.status, first.status);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(first.headers.find("Idempotency-Replayed"), nullptr);
  EXPECT_EQ(backend_.records(), records);
  const auto other = desk_.post(path, R"({"reason":"risk","case_ref":"R-1"})", version, "k1");
  EXPECT_EQ(other.status, 422U);
  EXPECT_EQ(other.text("code"), "idempotency_key_reused");
}

TEST_F(Terminals, ChangeNothingInADryRun) {
  const auto records = backend_.records();
  const auto dry = desk_.send(
      desk_.request("POST", std::string(kFirst) + "/suspend?dry_run=true", R"({"reason":"device_fault"})"));
  ASSERT_EQ(dry.status, 200U) << dry.body;
  EXPECT_EQ(dry.text("dry_run"), "true");
  EXPECT_EQ(backend_.records(), records);
  EXPECT_EQ(desk_.get(kFirst).text("state"), "active");
  const auto refused =
      desk_.send(desk_.request("POST", std::string(kFirst) + "/activate?dry_run=true", "{}"));
  EXPECT_EQ(refused.text("code"), "invalid_transition");
  EXPECT_EQ(refused.text("state"), "active");
  EXPECT_NE(refused.text("allowed_actions").find("suspend"), std::string::npos);
}

TEST_F(Terminals, TakeOnlyReasonsThatTheTableHasWithWhatTheyRequire) {
  const auto path = std::string(kFirst) + "/suspend";
  const auto code = [&](const char* body) {
    const auto answer = desk_.post(path, body, "*");
    return answer.text("errors.0.pointer") + " " + answer.text("errors.0.code");
  };
  EXPECT_EQ(code(R"({})"), "/reason required");
  EXPECT_EQ(code(R"({"reason":"bad_mood"})"), "/reason invalid_value");
  EXPECT_EQ(code(R"({"reason":"security_lock"})"), "/reason invalid_value");
  EXPECT_EQ(code(R"({"reason":"end_of_life"})"), "/reason invalid_value");
  EXPECT_EQ(code(R"({"reason":"risk"})"), "/case_ref required");
  EXPECT_EQ(code(R"({"reason":"other","note":"short"})"), "/note required");
  EXPECT_EQ(code(R"({"reason":"device_fault","until":"2020-01-01T00:00:00Z"})"), "/until not_in_future");
  EXPECT_EQ(code(R"({"reason":"device_fault","zzz":1})"), "/zzz unknown_field");
  EXPECT_EQ(desk_.post(path, "{", "*").text("code"), "malformed_json");
  const auto risk = desk_.post(path, R"({"reason":"risk","case_ref":"R-7"})", "*");
  ASSERT_EQ(risk.status, 200U) << risk.body;
  EXPECT_EQ(risk.text("holds.0.evidence"), "case_ref=R-7");
}

TEST_F(Terminals, ReleaseAHoldOnlyForTheRoleThatItsReasonNames) {
  ASSERT_EQ(desk_.post(std::string(kFirst) + "/suspend", R"({"reason":"risk","case_ref":"R-7"})", "*").status,
            200U);
  desk_.sign_in({"operator"}, "li");
  const auto refused = desk_.post(std::string(kFirst) + "/activate", "{}", etag(kFirst));
  EXPECT_EQ(refused.status, 403U);
  EXPECT_EQ(refused.text("role"), "supervisor");
  EXPECT_EQ(desk_.get(kFirst).text("state"), "suspended");
  desk_.sign_in({"supervisor"}, "zhang");
  EXPECT_EQ(desk_.post(std::string(kFirst) + "/activate", "{}", etag(kFirst)).status, 200U);
}

TEST_F(Terminals, StaySuspendedWhileTheMerchantIs) {
  const std::string merchant = "/v1/merchants/mc:102290058120001";
  const auto suspended =
      desk_.post(merchant + "/suspend", R"({"reason":"merchant_request","contact":"Li"})", etag(merchant));
  ASSERT_EQ(suspended.status, 200U) << suspended.body;
  EXPECT_EQ(suspended.text("state"), "suspended");
  EXPECT_EQ(desk_.get(kFirst).text("state"), "suspended");
  EXPECT_EQ(desk_.get(kFirst).text("holds.0.scope"), "merchant");
  ASSERT_EQ(desk_.post(std::string(kFirst) + "/suspend", R"({"reason":"device_fault"})", etag(kFirst)).status,
            200U);
  const auto refused = desk_.post(std::string(kFirst) + "/activate", "{}", etag(kFirst));
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(refused.text("code"), "holds_remain");
  EXPECT_EQ(refused.text("holds.0.reason"), "merchant_request");
  ASSERT_EQ(desk_.post(merchant + "/activate", "{}", etag(merchant)).status, 200U);
  ASSERT_EQ(desk_.post(std::string(kFirst) + "/activate", "{}", etag(kFirst)).status, 200U);
  EXPECT_EQ(desk_.get(kFirst).text("state"), "active");
}

TEST_F(Terminals, NameTheChecksThatBlock) {
  ASSERT_EQ(desk_
                .post("/v1/estate",
                      R"({"estate":1,"terminals":[{"tid":"10000009","merchant_code":"102290058120001"}]})")
                .text("counts.create"),
            "1");
  const std::string path = "/v1/terminals/tid:10000009";
  const auto refused = desk_.post(path + "/activate", "{}", etag(path));
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(refused.text("code"), "precondition_failed");
  EXPECT_NE(refused.text("checks").find("tmk_loaded"), std::string::npos);
  EXPECT_NE(refused.text("checks").find("device_bound"), std::string::npos);
}

TEST_F(Terminals, ActivateOnceRegisteredAndMoveTheirDevice) {
  const std::string path = "/v1/terminals/tid:10000003";
  const auto active = desk_.post(path + "/activate", "{}", etag(path));
  ASSERT_EQ(active.status, 200U) << active.body;
  EXPECT_EQ(desk_.get(path).text("device.state"), "deployed");
}

TEST_F(Terminals, ShowMerchantsByCodeAndId) {
  const auto one = desk_.get("/v1/merchants/mc:102290058120001");
  ASSERT_EQ(one.status, 200U);
  EXPECT_EQ(one.text("name"), "演示餐厅");
  EXPECT_EQ(one.text("mcc"), "5812");
  EXPECT_EQ(one.text("terminals"), "2");
  EXPECT_EQ(desk_.get("/v1/merchants/" + one.text("id")).text("merchant_code"), "102290058120001");
  EXPECT_EQ(desk_.get("/v1/merchants").json.at("data").as_array().size(), 2U);
  EXPECT_EQ(desk_.get("/v1/merchants?q=%E4%BE%BF%E5%88%A9").json.at("data").as_array().size(), 1U);
  for (const auto* missing : {"mc:none", "mer_0000000000000", "mer_ZZZZZZZZZZZZZ", "102290058120001"})
    EXPECT_EQ(desk_.get(std::string("/v1/merchants/") + missing).status, 404U) << missing;
}

TEST_F(Terminals, ShowHosts) {
  const auto hosts = desk_.get("/v1/hosts");
  ASSERT_EQ(hosts.status, 200U);
  EXPECT_EQ(hosts.text("data.0.name"), "cup");
  EXPECT_EQ(hosts.text("data.0.keys.zmk.kcv").size(), 8U);
  EXPECT_EQ(hosts.body.find("5555555"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::test
