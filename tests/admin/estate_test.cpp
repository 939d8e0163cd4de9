// The estate document: whole validation, object by object, twice the same, back out again.
#include <gtest/gtest.h>

#include "tests/admin/desk.h"

namespace tollgate::test {
namespace {

class Estate : public ::testing::Test {
 protected:
  Estate() { desk_.sign_in({"operator", "supervisor", "pricing"}, "wang"); }
  [[nodiscard]] Answer apply(const std::string& document, const std::string& key = "") {
    return desk_.post("/v1/estate", document, "", key);
  }
  // result of the object with this key
  [[nodiscard]] static std::string result(const Answer& answer, std::string_view key) {
    for (const auto& row : answer.json.at("results").as_array())
      if (cli::text_at(row, "key") == key) return cli::text_at(row, "result");
    return "absent";
  }

  FreshBackend backend_{4};
  Desk desk_{backend_};
};

std::string with(const std::string& from, const std::string& to) {
  auto text = example_estate();
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST_F(Estate, CreatesEverythingOnceAndNothingTheSecondTime) {
  const auto first = apply(example_estate());
  ASSERT_EQ(first.status, 200U) << first.body;
  EXPECT_EQ(first.text("counts.create"), "17") << first.body;
  EXPECT_EQ(first.text("counts.refused"), "0") << first.body;
  EXPECT_EQ(result(first, "tid:10000001@102290058120001"), "create");
  EXPECT_EQ(desk_.get("/v1/terminals/tid:10000001").text("state"), "active");
  EXPECT_EQ(desk_.get("/v1/terminals/tid:10000001").text("device.state"), "deployed");
  EXPECT_EQ(desk_.get("/v1/terminals/tid:10000003").text("state"), "pending");
  const auto records = backend_.records();
  const auto second = apply(example_estate());
  EXPECT_EQ(second.text("counts.unchanged"), "17") << second.body;
  EXPECT_EQ(backend_.records(), records);
}

TEST_F(Estate, ReplaysTheSameRequestWordForWord) {
  const auto first = apply(example_estate(), "k1");
  const auto records = backend_.records();
  const auto again = apply(example_estate(), "k1");
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(backend_.records(), records);
  const auto other = apply(with("演示餐厅", "另一家"), "k1");
  EXPECT_EQ(other.status, 422U);
  EXPECT_EQ(other.text("code"), "idempotency_key_reused");
  EXPECT_EQ(backend_.records(), records);
}

TEST_F(Estate, ShowsOldAndNewOfWhatItUpdates) {
  ASSERT_EQ(apply(example_estate()).status, 200U);
  const auto updated = apply(R"({"estate":1,"merchants":[{"merchant_code":"102290058120001","name":"新店"}],
    "terminals":[{"tid":"10000001","merchant_code":"102290058120001","labels":{"chain":"other"},"location":{"lat":"31.3","lon":"121.4737","address":"上海市 1 号","radius_m":500}}]})");
  ASSERT_EQ(updated.status, 200U) << updated.body;
  EXPECT_EQ(updated.text("counts.update"), "2") << updated.body;
  EXPECT_EQ(updated.text("results.0.changes.0.pointer"), "/name");
  EXPECT_EQ(updated.text("results.0.changes.0.old"), "演示餐厅");
  EXPECT_EQ(updated.text("results.0.changes.0.new"), "新店");
  EXPECT_EQ(updated.text("results.1.changes.0.pointer"), "/location/lat");
  EXPECT_EQ(updated.text("results.1.changes.1.new"), R"({"chain":"other"})");
  EXPECT_EQ(desk_.get("/v1/merchants/mc:102290058120001").text("mcc"), "5812");  // absent: left alone
  EXPECT_EQ(desk_.get("/v1/terminals/tid:10000001").text("state"), "active");
}

TEST_F(Estate, WritesNothingInADryRunAndSaysWhatItWouldDo) {
  const auto records = backend_.records();
  const auto dry = desk_.send(desk_.request("POST", "/v1/estate?dry_run=true", example_estate()));
  ASSERT_EQ(dry.status, 200U) << dry.body;
  EXPECT_EQ(dry.text("dry_run"), "true");
  EXPECT_EQ(dry.text("counts.create"), "17") << dry.body;
  EXPECT_EQ(backend_.records(), records);
  EXPECT_EQ(desk_.get("/v1/terminals").text("data"), "[]");
}

TEST_F(Estate, WritesNothingWhenAnythingInTheDocumentIsWrong) {
  const auto records = backend_.records();
  const struct {
    std::string document, pointer, code;
  } cases[] = {
      {with("\"tid\": \"10000003\"", "\"tid\": \"1000\""), "/terminals/2/tid", "invalid_length"},
      {with("\"radius_m\": 500", "\"radius_km\": 500"), "/terminals/0/location/radius_km", "unknown_field"},
      {with("\"tid\": \"10000003\", \"merchant_code\": \"102290054110002\"",
            "\"tid\": \"10000003\", \"merchant_code\": \"999990054110002\""),
       "/terminals/2/merchant_code", "unknown_reference"},
      {with("\"serial_number\": \"N3300001232\", \"dialect\"",
            "\"serial_number\": \"N3300001231\", \"dialect\""),
       "/terminals/1/serial_number", "duplicate"},
      {with("\"serial_number\": \"N3300001233\", \"dialect\"", "\"serial_number\": \"N9\", \"dialect\""),
       "/terminals/2/serial_number", "unknown_reference"},
      {with("\"to\": [{ \"host\": \"cup\" }]", "\"to\": [{ \"host\": \"moon\" }]"), "/routes/0/to/0/host",
       "unknown_reference"},
      {with("\"dialect\": \"cup\"", "\"dialect\": \"klingon\""), "/hosts/0/dialect", "unknown_reference"},
      {with("11111111111111111111111111111111", "1111"), "/terminals/0/lab_keys/tmk", "invalid_length"},
      {with("\"rate\":\"0.006\"", "\"rate\":\"1.5\""), "/fee_schedules/0/schedule/components/0/rules/0/rate",
       "SCHEMA"},
      {with("\"links\": 2", "\"links\": 2.0"), "/hosts/0/links", "invalid_type"},
      {with("\"qr\": [\"10-15\"", "\"qr\": [\"15-10\""), "/routes/1/match/qr/0", "invalid_value"},
      {with("\"prefix\": \"622202\"", "\"prefix\": \"62\""), "/cards/1", "duplicate"},
      {with("\"estate\": 1", "\"estate\": 2"), "/estate", "out_of_range"},
      {with("\"publish\": true", "\"publish\": \"yes\""), "/fee_schedules/0/publish", "invalid_type"},
      {with("\"mcc\": \"5812\"", "\"mcc\": \"58x2\""), "/merchants/0/mcc", "invalid_character"},
      {with("演示餐厅", "a\\u001b[31m"), "/merchants/0/name", "invalid_character"},
  };
  for (const auto& c : cases) {
    const auto answer = apply(c.document);
    EXPECT_EQ(answer.status, 422U) << c.pointer << answer.body;
    EXPECT_EQ(answer.text("errors.0.pointer"), c.pointer) << answer.body;
    EXPECT_EQ(answer.text("errors.0.code"), c.code) << answer.body;
  }
  EXPECT_EQ(backend_.records(), records);
  EXPECT_EQ(apply("{\"estate\":1,").text("code"), "malformed_json");
}

TEST_F(Estate, RefusesOneObjectAndGoesOnWithTheOthers) {
  ASSERT_EQ(apply(example_estate()).status, 200U);
  const auto answer = apply(R"({"estate":1,
    "devices":[{"serial_number":"N7","certified_until":"2029-12-31"}],
    "terminals":[{"tid":"10000001","merchant_code":"102290058120001","serial_number":"N7"},
                 {"tid":"10000003","merchant_code":"102290054110002","labels":{"a":"b"}},
                 {"tid":"10000002","merchant_code":"102290058120001","version":99,"labels":{"a":"b"}}]})");
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_EQ(answer.text("counts.refused"), "2") << answer.body;
  EXPECT_EQ(answer.text("counts.update"), "1") << answer.body;
  EXPECT_EQ(answer.text("results.1.code"), "use_replace") << answer.body;
  EXPECT_EQ(answer.text("results.3.code"), "version_mismatch") << answer.body;
  EXPECT_EQ(desk_.get("/v1/terminals/tid:10000001").text("device.serial_number"), "N3300001231");
}

TEST_F(Estate, LeavesASuspendedTerminalSuspendedAndSaysSo) {
  ASSERT_EQ(apply(example_estate()).status, 200U);
  ASSERT_EQ(desk_.post("/v1/terminals/tid:10000001/suspend", R"({"reason":"device_fault"})", "*").status,
            200U);
  const auto again = apply(example_estate());
  EXPECT_EQ(again.text("counts.unchanged"), "17") << again.body;
  EXPECT_NE(again.body.find("left suspended"), std::string::npos);
  EXPECT_EQ(desk_.get("/v1/terminals/tid:10000001").text("state"), "suspended");
}

TEST_F(Estate, IsOpenByKindToTheRoleOfThatKind) {
  const auto code = [&](const std::string& document) {
    return desk_.post("/v1/estate?dry_run=true", document).text("role");
  };
  desk_.sign_in({"operator"}, "op");
  EXPECT_EQ(code(R"({"estate":1,"cards":[{"prefix":"62"}]})"), "supervisor");
  EXPECT_EQ(
      code(
          R"({"estate":1,"fee_assignments":[{"id":"a","level":"DEFAULT","schedule_id":"x","valid_from":"2026-11-01T00:00:00Z"}]})"),
      "pricing");
  EXPECT_EQ(code(R"({"estate":1,"devices":[{"serial_number":"N1"}]})"), "");
  desk_.sign_in({"pricing"}, "pr");
  EXPECT_EQ(code(R"({"estate":1,"devices":[{"serial_number":"N1"}]})"), "operator");
}

TEST_F(Estate, TakesNoLabKeysOutsideLab) {
  backend_.facts_.environment = "production";
  auto document = std::string(
      R"({"estate":1,"devices":[{"serial_number":"N1"}],"merchants":[{"merchant_code":"102290058120001","name":"x","mcc":"5812"}],
    "terminals":[{"tid":"10000001","merchant_code":"102290058120001","lab_keys":{"tmk":"11111111111111111111111111111111"}}]})");
  const auto records = backend_.records();
  const auto refused = apply(document);
  EXPECT_EQ(refused.status, 403U) << refused.body;
  EXPECT_EQ(refused.text("code"), "lab_only");
  EXPECT_EQ(backend_.records(), records);
}

TEST_F(Estate, TakesNoHostOnThisMachineInProduction) {
  backend_.facts_.environment = "production";
  const auto host = [&](const std::string& address) {
    return apply(R"({"estate":1,"hosts":[{"name":"h","dialect":"cup","addresses":[")" + address + R"("]}]})")
        .status;
  };
  for (const auto* bad :
       {"127.0.0.1:80", "127.9.9.9:80", "169.254.1.1:80", "0.0.0.0:80", "[::1]:80", "[fe80::1]:80",
        "[::ffff:127.0.0.1]:80", "localhost:80", "2130706433:80", "0x7f000001:80", "127.1:80",
        "017700000001:80", "224.0.0.1:80", "192.0.2.1", "192.0.2.1:0"})
    EXPECT_EQ(host(bad), 422U) << bad;
  EXPECT_EQ(host("192.0.2.1:9583"), 200U);
  EXPECT_EQ(host("[2001:db8::1]:9583"), 200U);
}

TEST_F(Estate, TakesLinesWithAKindEach) {
  auto request = desk_.request(
      "POST", "/v1/estate",
      "{\"kind\":\"device\",\"serial_number\":\"N1\"}\n"
      "{\"kind\":\"terminal\",\"tid\":\"10000001\",\"merchant_code\":\"102290058120001\"}\n\n"
      "{\"kind\":\"merchant\",\"merchant_code\":\"102290058120001\",\"name\":\"x\",\"mcc\":\"5812\"}\n");
  request.headers.set("Content-Type", "application/x-ndjson");
  request.headers.set("Idempotency-Key", "lines");
  const auto answer = desk_.send(std::move(request));
  ASSERT_EQ(answer.status, 200U) << answer.body;
  EXPECT_EQ(answer.text("counts.create"), "3") << answer.body;
  auto bad = desk_.request("POST", "/v1/estate",
                           "{\"kind\":\"device\",\"serial_number\":\"N1\"}\n{\"kind\":\"spaceship\"}\n{"
                           "\"kind\":\"device\",\"x\":1,\"serial_number\":\"N2\"}");
  bad.headers.set("Content-Type", "application/x-ndjson");
  bad.headers.set("Idempotency-Key", "bad");
  const auto refused = desk_.send(std::move(bad));
  EXPECT_EQ(refused.text("errors.0.pointer"), "/1/kind");
  EXPECT_EQ(refused.text("errors.1.pointer"), "/2/x");
}

TEST_F(Estate, ComesBackAsADocumentThatChangesNothing) {
  ASSERT_EQ(apply(example_estate()).status, 200U);
  const auto out = desk_.get("/v1/estate");
  ASSERT_EQ(out.status, 200U);
  EXPECT_EQ(out.body.find("11111111111111111111111111111111"), std::string::npos);
  EXPECT_EQ(out.json.at("terminals").as_array().size(), 3U);
  EXPECT_EQ(out.text("routes.1.match.qr.0"), "10-15");
  EXPECT_EQ(out.text("fee_schedules.0.schedule.schedule_id"), "std-card");
  const auto records = backend_.records();
  const auto again = apply(out.body);
  EXPECT_EQ(again.status, 200U) << again.body;
  EXPECT_EQ(again.text("counts.unchanged"), "17") << again.body;
  EXPECT_EQ(backend_.records(), records);
  const auto some = desk_.get("/v1/estate?kinds=merchants,devices");
  EXPECT_EQ(some.json.as_object().size(), 3U);
  EXPECT_EQ(desk_.get("/v1/estate?kinds=spaceships").status, 400U);
}

TEST_F(Estate, TakesAThousandTerminalsInOneDocument) {
  ASSERT_EQ(apply(example_estate()).status, 200U);
  std::string document = R"({"estate":1,"terminals":[)";
  for (int i = 0; i < 1000; ++i)
    document += (i == 0 ? "" : ",") + std::string(R"({"tid":"2000)") + std::to_string(1000 + i) +
                R"(","merchant_code":"102290058120001"})";
  const auto answer = apply(document + "]}");
  EXPECT_EQ(answer.text("counts.create"), "1000");
  EXPECT_EQ(std::ranges::count(desk_.get("/v1/terminals?format=ndjson").body, '\n'), 1003);
}

}  // namespace
}  // namespace tollgate::test
