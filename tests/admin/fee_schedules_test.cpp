// Publication with what was found and a written override: by the estate file of a lab, by a second person
// elsewhere.
#include <gtest/gtest.h>

#include "tests/admin/desk.h"

namespace tollgate::test {
namespace {

// A band on the whole ticket (the net falls above 1000.00) and no minimum (0.83 and less is free).
std::string bands(int version = 1, const std::string& from = "2026-11-01T00:00:00Z") {
  return R"({"schedule_id":"bands","version":)" + std::to_string(version) + R"(,"valid_from":")" + from +
         R"(","currency":"CNY","time_zone":"Asia/Shanghai","components":[{"id":"mdr","account":"4100","rules":[
         {"id":"small","match":{"amount":{"max":100000}},"rate":"0.0038"},{"id":"large","rate":"0.006"}]}]})";
}
// Nothing to find: a minimum of one on a plain rate.
std::string plain() {
  return R"({"schedule_id":"plain","version":1,"valid_from":"2026-11-01T00:00:00Z","currency":"CNY","time_zone":"Asia/Shanghai",
    "components":[{"id":"mdr","account":"4100","rules":[{"id":"all","rate":"0.006","min":1}]}]})";
}
std::string estate_with(const std::string& schedule, const std::string& members) {
  return R"({"estate":1,"fee_schedules":[{"schedule":)" + schedule + members + "}]}";
}

class FeeSchedules : public ::testing::Test {
 protected:
  FeeSchedules() { desk_.sign_in({"pricing"}, "li"); }
  [[nodiscard]] Answer apply(const std::string& schedule, const std::string& members) {
    return desk_.post("/v1/estate", estate_with(schedule, members));
  }
  [[nodiscard]] Answer publish(const std::string& version, const std::string& body,
                               const std::string& key = "") {
    return desk_.post("/v1/fee-schedules/bands/versions/" + version + "/publish", body, "", key);
  }
  [[nodiscard]] v1::SchedulePublished published() const {
    v1::SchedulePublished last;
    for (const auto& record : backend_.house_records())
      if (record.has_schedule_published()) last = record.schedule_published();
    return last;
  }

  FreshBackend backend_{4};
  Desk desk_{backend_};
};

constexpr const char* kBands = "/v1/fee-schedules/bands/versions/1";

TEST_F(FeeSchedules, TheEstateFileOfALabIsItsOwnOverrideAndIsRecordedAsSuch) {
  const auto answer = apply(bands(), R"(,"publish":true)");
  ASSERT_EQ(answer.text("counts.create"), "1") << answer.body;
  EXPECT_EQ(answer.text("results.0.override"), "published by the estate file of a lab");
  const auto record = published();
  EXPECT_EQ(record.override_reason(), "published by the estate file of a lab");
  EXPECT_EQ(record.override_by(), "user:li");
  EXPECT_EQ(record.findings_total(), 2U);
  ASSERT_EQ(record.findings_size(), 2);
  EXPECT_EQ(record.findings(0).kind(), "net_falls");
  EXPECT_EQ(record.findings(0).from_minor(), 100'000);
  EXPECT_EQ(record.findings(0).to_minor(), 100'001);
  EXPECT_EQ(record.findings(0).before_minor(), 99'620);
  EXPECT_EQ(record.findings(0).after_minor(), 99'401);
  EXPECT_EQ(record.findings(1).kind(), "free_ticket");
  EXPECT_EQ(record.findings(1).to_minor(), 131);
}

TEST_F(FeeSchedules, AWrittenOverrideStandsInItsPlace) {
  ASSERT_EQ(apply(bands(), R"(,"publish":true,"override":"band agreed with the merchant")").status, 200U);
  EXPECT_EQ(published().override_reason(), "band agreed with the merchant");
  const auto got = desk_.get(kBands);
  EXPECT_EQ(got.text("override.reason"), "band agreed with the merchant");
  EXPECT_EQ(got.text("override.by"), "user:li");
}

TEST_F(FeeSchedules, NothingFoundNeedsNoOverrideAndKeepsNone) {
  ASSERT_EQ(apply(plain(), R"(,"publish":true,"override":"just in case")").text("counts.create"), "1");
  EXPECT_EQ(published().findings_total(), 0U);
  EXPECT_EQ(published().override_reason(), "");
}

TEST_F(FeeSchedules, ADryRunShowsWhatWouldBeOverridden) {
  const auto records = backend_.records();
  const auto dry = desk_.send(
      desk_.request("POST", "/v1/estate?dry_run=true", estate_with(bands(), R"(,"publish":true)")));
  ASSERT_EQ(dry.status, 200U) << dry.body;
  EXPECT_EQ(dry.text("results.0.findings_total"), "2") << dry.body;
  EXPECT_EQ(dry.text("results.0.findings.0.detail"),
            "any: from 1000.00 to 1000.01 the merchant's net goes from 996.20 to 994.01");
  EXPECT_EQ(backend_.records(), records);
}

TEST_F(FeeSchedules, WithoutPublishTheFileIsADraft) {
  const auto answer = apply(bands(), "");
  ASSERT_EQ(answer.text("counts.create"), "1") << answer.body;
  EXPECT_EQ(answer.text("results.0.findings_total"), "2");
  EXPECT_EQ(apply(bands(), "").text("counts.unchanged"), "1");
  EXPECT_EQ(backend_.reference()->prices->find("bands", 1), nullptr);
  const auto got = desk_.get(kBands);
  EXPECT_EQ(got.text("state"), "draft") << got.body;
  EXPECT_EQ(got.text("drafted_by"), "user:li");
  EXPECT_EQ(got.text("findings_total"), "2");
  const auto changed = apply(bands(1, "2026-12-01T00:00:00Z"), "");  // another draft takes its place
  EXPECT_EQ(changed.text("counts.update"), "1") << changed.body;
  EXPECT_NE(desk_.get(kBands).text("hash"), got.text("hash"));
  EXPECT_EQ(apply(bands(), R"(,"override":"too early")").text("errors.0.pointer"),
            "/fee_schedules/0/override");
}

TEST_F(FeeSchedules, PublishingADraftWithFindingsIsRefusedWithEveryFindingAndItsAmounts) {
  ASSERT_EQ(apply(bands(), "").status, 200U);
  const auto records = backend_.records();
  const auto refused = publish("1", "{}");
  EXPECT_EQ(refused.status, 422U) << refused.body;
  EXPECT_EQ(refused.text("code"), "override_required");
  EXPECT_EQ(refused.text("findings_total"), "2");
  EXPECT_EQ(refused.text("findings.0.kind"), "net_falls");
  EXPECT_EQ(refused.text("findings.0.from_minor"), "100000");
  EXPECT_EQ(refused.text("findings.0.before_minor"), "99620");
  EXPECT_EQ(refused.text("findings.0.after_minor"), "99401");
  EXPECT_EQ(refused.text("findings.1.to_minor"), "131");
  EXPECT_EQ(backend_.records(), records);
  auto chinese = desk_.request("POST", std::string(kBands) + "/publish?dry_run=true", "{}");
  chinese.headers.set("Accept-Language", "zh-CN");
  const auto said = desk_.send(std::move(chinese));
  EXPECT_EQ(said.text("title"), "须书面说明理由方可发布");
  EXPECT_EQ(said.text("findings.1.detail"), "全部：不收手续费的最大金额为 1.31");
  EXPECT_EQ(publish("1", R"({"override":""})").status, 422U);  // an empty word is none
  EXPECT_EQ(publish("1", R"({"why":"x"})").text("code"), "unknown_field");
}

TEST_F(FeeSchedules, AnOverridePublishesTheDraftOnceAndARepeatGetsTheSameBytes) {
  ASSERT_EQ(apply(bands(), "").status, 200U);
  const auto done = publish("1", R"({"override":"band agreed"})", "k1");
  ASSERT_EQ(done.status, 200U) << done.body;
  EXPECT_EQ(done.text("override.reason"), "band agreed");
  EXPECT_NE(backend_.reference()->prices->find("bands", 1), nullptr);
  EXPECT_EQ(published().drafted_by(), "user:li");
  const auto records = backend_.records();
  EXPECT_EQ(publish("1", R"({"override":"band agreed"})", "k1").body, done.body);
  EXPECT_EQ(publish("1", R"({"override":"again"})").text("change"), "unchanged");
  EXPECT_EQ(backend_.records(), records);
  EXPECT_EQ(desk_.get(kBands).text("state"), "in_force");
  EXPECT_EQ(publish("2", "{}").status, 404U);
  EXPECT_EQ(publish("x", "{}").status, 400U);
}

// What was looked at is what is published.
TEST_F(FeeSchedules, ADraftThatWasReplacedIsNotPublishedUnderTheHashOfTheOldOne) {
  ASSERT_EQ(apply(bands(), "").status, 200U);
  const auto seen = desk_.get(kBands).text("hash");
  ASSERT_EQ(apply(bands(1, "2026-12-01T00:00:00Z"), "").text("counts.update"), "1");
  const auto refused = publish("1", R"({"override":"band agreed","hash":")" + seen + "\"}");
  EXPECT_EQ(refused.text("code"), "version_mismatch") << refused.body;
  EXPECT_EQ(backend_.reference()->prices->find("bands", 1), nullptr);
  const auto now = desk_.get(kBands).text("hash");
  EXPECT_EQ(publish("1", R"({"override":"band agreed","hash":")" + now + "\"}").status, 200U);
}

TEST_F(FeeSchedules, InProductionAnotherPersonPublishesAndWritesTheOverride) {
  backend_.facts_.environment = "production";
  EXPECT_EQ(apply(bands(), R"(,"publish":true)").text("code"), "lab_only");
  ASSERT_EQ(apply(bands(), "").text("counts.create"), "1");
  EXPECT_EQ(publish("1", R"({"override":"band agreed"})").text("code"), "self_approval");
  desk_.sign_in({"pricing"}, "zhao");
  EXPECT_EQ(publish("1", "{}").text("code"), "override_required");  // the file does not count here
  EXPECT_EQ(publish("1", R"({"override":"band agreed"})").status, 200U);
  EXPECT_EQ(published().drafted_by(), "user:li");
  EXPECT_EQ(published().published_by(), "user:zhao");
  EXPECT_EQ(published().override_by(), "user:zhao");
}

TEST_F(FeeSchedules, AreListedWithVersionsStatesAndAssignments) {
  ASSERT_EQ(apply(bands(), R"(,"publish":true)").status, 200U);
  ASSERT_EQ(apply(bands(2, "2026-11-15T00:00:00Z"), R"(,"publish":true)").status, 200U);
  ASSERT_EQ(apply(bands(3, "2029-01-01T00:00:00Z"), R"(,"publish":true)").status, 200U);
  ASSERT_EQ(apply(bands(4, "2030-01-01T00:00:00Z"), "").status, 200U);
  ASSERT_EQ(
      desk_
          .post(
              "/v1/estate",
              R"({"estate":1,"fee_assignments":[{"id":"a1","level":"DEFAULT","schedule_id":"bands","valid_from":"2026-11-01T00:00:00Z"}]})")
          .text("counts.create"),
      "1");
  desk_.sign_in({"viewer"}, "view");
  const auto list = desk_.get("/v1/fee-schedules");
  ASSERT_EQ(list.status, 200U) << list.body;
  EXPECT_EQ(list.text("data.0.schedule_id"), "bands");
  const char* states[] = {"superseded", "in_force", "scheduled", "draft"};
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(list.text("data.0.versions." + std::to_string(i) + ".state"), states[i]) << list.body;
  EXPECT_EQ(list.text("data.0.versions.0.override.by"), "user:li");
  EXPECT_EQ(list.text("data.0.assignments.0.id"), "a1");
  EXPECT_EQ(desk_.get("/v1/fee-schedules?schedule_id=other").text("data"), "[]");
  EXPECT_EQ(desk_.get("/v1/fee-schedules?colour=red").status, 400U);
  const auto version = desk_.get("/v1/fee-schedules/bands/versions/2");
  EXPECT_EQ(version.text("previous_hash"), desk_.get(kBands).text("hash"));
  EXPECT_EQ(version.text("schedule.version"), "2");
  EXPECT_NE(version.text("rules.1.text").find("0.6 %"), std::string::npos) << version.body;
  EXPECT_EQ(desk_.get("/v1/fee-schedules/bands/versions/9").status, 404U);
  EXPECT_EQ(publish("4", R"({"override":"x"})").text("code"), "role_required");
}

TEST_F(FeeSchedules, DraftsAndOverridesSurviveARestart) {
  ASSERT_EQ(apply(bands(), R"(,"publish":true,"override":"agreed")").status, 200U);
  ASSERT_EQ(apply(bands(2, "2027-01-01T00:00:00Z"), "").status, 200U);
  for (const bool from_snapshot : {false, true}) {
    if (from_snapshot) backend_.take_house_snapshot();
    backend_.crash();
    EXPECT_EQ(publish("2", "{}").text("code"), "override_required");
    EXPECT_EQ(desk_.get(kBands).text("override.reason"), "agreed");
  }
}

}  // namespace
}  // namespace tollgate::test
