// What every operation has in common: who may, what must be sent, how refusals look.
#include "switch/admin/api.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/admin/desk.h"

namespace tollgate::test {
namespace {

using admin::Role;

class Api : public ::testing::Test {
 protected:
  FreshBackend backend_{2};
  Desk desk_{backend_};
};

// The path of a row with something in its slots that exists for nobody.
std::string sample(std::string_view path) {
  std::string text(path);
  for (auto open = text.find('{'); open != std::string::npos; open = text.find('{'))
    text.replace(open, text.find('}') - open + 1, "term_0000000000000");
  return text;
}

TEST_F(Api, OpensEachRouteToItsRolesAndToNobodyElse) {
  ASSERT_GE(desk_.api().router().routes().size(), 20U);
  int refused = 0, admitted = 0;
  std::vector<std::string> tokens;
  for (std::size_t r = 0; r < admin::kRoles; ++r) {
    const std::string role(name(static_cast<Role>(r)));
    desk_.sign_in({role}, "only-" + role);
    tokens.push_back(desk_.token);
  }
  for (const auto& route : desk_.api().router().routes()) {
    const auto path = sample(route.path);
    const std::string method(route.method), body = method == "POST" ? "{}" : "";
    desk_.token.clear();
    const auto nobody = desk_.send(desk_.request(method, path, body));
    EXPECT_EQ(nobody.status == 401, !route.flags.open) << route.path;
    for (std::size_t r = 0; r < admin::kRoles && !route.flags.open; ++r) {
      desk_.token = tokens[r];
      const auto answer = desk_.send(desk_.request(method, path, body));
      const bool may = route.roles.has(static_cast<Role>(r));
      EXPECT_EQ(answer.status != 403, may)
          << method << " " << route.path << " as " << name(static_cast<Role>(r)) << " " << answer.body;
      if (!may) {
        EXPECT_EQ(answer.text("code"), "role_required");
      }
      ++(may ? admitted : refused);
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_GT(admitted, 50);
}

TEST_F(Api, NeverLetsSecurityOrAdminAloneReadTheEstate) {
  for (const auto* role : {"security", "admin"}) {
    desk_.sign_in({role}, std::string("r-") + role);
    EXPECT_EQ(desk_.get("/v1/terminals").status, 403U) << role;
    EXPECT_EQ(desk_.get("/v1/estate").status, 403U) << role;
  }
}

TEST_F(Api, RefusesWithAProblemInTheLanguageAskedFor) {
  desk_.sign_in({"viewer"}, "v");
  auto request = desk_.request("GET", "/v1/terminals/term_0000000000001");
  request.headers.set("Accept-Language", "zh-CN");
  request.headers.set("Request-Id", "mine-7");
  const auto answer = desk_.send(std::move(request));
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.headers.get("Request-Id"), "mine-7");
  EXPECT_EQ(answer.text("title"), "未找到");
  EXPECT_EQ(answer.text("code"), "not_found");
  EXPECT_EQ(answer.text("type"), "/problems/not_found");
  EXPECT_EQ(answer.text("instance"), "/v1/terminals/term_0000000000001");
  EXPECT_EQ(answer.text("request_id"), "mine-7");
  EXPECT_EQ(answer.text("errors"), "[]");
}

TEST_F(Api, GivesEveryAnswerARequestIdOfItsOwn) {
  const auto a = desk_.get("/livez"), b = desk_.get("/livez");
  EXPECT_TRUE(a.headers.get("Request-Id").starts_with("req_"));
  EXPECT_NE(a.headers.get("Request-Id"), b.headers.get("Request-Id"));
  auto evil = desk_.request("GET", "/livez");
  evil.headers.set("Request-Id", "a b\x1b[31m");
  EXPECT_TRUE(desk_.send(std::move(evil)).headers.get("Request-Id").starts_with("req_"));
}

TEST_F(Api, AsksForACredentialAndDoesNotSayWhyItIsWrong) {
  EXPECT_EQ(desk_.get("/v1/terminals").headers.get("WWW-Authenticate"), "Bearer realm=\"tollgate\"");
  desk_.sign_in({"viewer"}, "v");
  desk_.token += "x";
  const auto wrong = desk_.get("/v1/terminals");
  EXPECT_EQ(wrong.status, 401U);
  EXPECT_EQ(wrong.text("code"), "unauthenticated");
  auto twice = desk_.request("GET", "/v1/terminals");
  twice.headers.add("Authorization", "Bearer tgk_v");
  EXPECT_EQ(desk_.send(std::move(twice)).status, 401U);
}

TEST_F(Api, RefusesExpiredTokensAndForeignAddresses) {
  auto expired = token_record(0, "old", "tgk_old", {"viewer"});
  expired.set_expires_us(backend_.now().wall.us - 1);
  auto bound = token_record(0, "bound", "tgk_bound", {"viewer"});
  bound.add_cidrs("10.0.0.0/8");
  for (const auto& token : {expired, bound})
    backend_.submit({kHouse, {}, core::HouseCommand(core::CreateToken{token})},
                    [](core::CommandResult&& r) { EXPECT_TRUE(r.ok()); });
  desk_.token = "tgk_old";
  EXPECT_EQ(desk_.get("/v1/system").text("code"), "token_expired");
  desk_.token = "tgk_bound";
  const auto elsewhere = desk_.get("/v1/system");
  EXPECT_EQ(elsewhere.status, 403U);
  EXPECT_EQ(elsewhere.text("code"), "ip_not_allowed");
  auto inside = desk_.request("GET", "/v1/system");
  inside.peer = "10.1.2.3";
  EXPECT_EQ(desk_.send(std::move(inside)).status, 200U);
}

TEST_F(Api, LocksAnAddressOutAfterTenWrongTokensAndLetsItInAgain) {
  desk_.sign_in({"viewer"}, "v");
  const auto good = desk_.token;
  desk_.token = "tgk_guess";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(desk_.get("/v1/system").status, 401U) << i;
  const auto locked = desk_.get("/v1/system");
  EXPECT_EQ(locked.status, 429U);
  EXPECT_EQ(locked.text("code"), "rate_limited");
  EXPECT_FALSE(locked.headers.get("Retry-After").empty());
  desk_.token = good;
  EXPECT_EQ(desk_.get("/v1/system").status, 429U);  // the right guess too
  auto other = desk_.request("GET", "/v1/system");
  other.peer = "192.0.2.1";
  EXPECT_EQ(desk_.send(std::move(other)).status, 200U);
  auto later = backend_.now();
  later.instant = later.instant + std::chrono::seconds(31);
  backend_.set_now(later);
  EXPECT_EQ(desk_.get("/v1/system").status, 200U);
}

TEST_F(Api, DoesNotCountRequestsWithoutATokenAsGuesses) {
  for (int i = 0; i < 30; ++i) EXPECT_EQ(desk_.get("/v1/system").status, 401U);
  desk_.sign_in({"viewer"}, "v");
  EXPECT_EQ(desk_.get("/v1/system").status, 200U);
}

TEST_F(Api, RefusesUnknownParametersFormatsAndMediaTypes) {
  desk_.sign_in({"viewer", "operator"}, "v");
  EXPECT_EQ(desk_.get("/v1/terminals?sate=active").text("code"), "invalid_parameter");
  EXPECT_EQ(desk_.get("/v1/terminals?format=xml").status, 406U);
  EXPECT_EQ(desk_.get("/v1/system?format=ndjson").status, 406U);
  auto accept = desk_.request("GET", "/v1/system");
  accept.headers.set("Accept", "text/html");
  EXPECT_EQ(desk_.send(std::move(accept)).status, 406U);
  auto form = desk_.request("POST", "/v1/terminals/x/suspend", "a=b");
  form.headers.set("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_EQ(desk_.send(std::move(form)).text("code"), "unsupported_media_type");
}

TEST_F(Api, RefusesAnAddressThatIsTooLong) {
  EXPECT_EQ(desk_.get("/v1/terminals?q=" + std::string(5000, 'a')).status, 400U);
}

TEST_F(Api, TakesNoOrdersWhileDrainingOrInSafeModeButStillReads) {
  desk_.sign_in({"viewer", "operator", "admin"}, "v");
  for (const auto& [mode, code] :
       {std::pair{admin::Mode::draining, "draining"}, std::pair{admin::Mode::safe, "safe_mode"}}) {
    backend_.mode_ = mode;
    const auto refused = desk_.post("/v1/tokens", R"({"name":"x","roles":["viewer"]})");
    EXPECT_EQ(refused.status, 503U);
    EXPECT_EQ(refused.text("code"), code);
    EXPECT_EQ(desk_.get("/v1/terminals").status, 200U);
    EXPECT_EQ(desk_.get("/readyz").status, 503U);
  }
}

TEST_F(Api, AllowsABodyOf64MiBForTheEstateAloneAndOnlyToThoseItKnows) {
  auto head = desk_.request("POST", "/v1/estate");
  EXPECT_EQ(desk_.api().admit(head).refusal->status, 401U);
  desk_.sign_in({"operator"}, "o");
  head = desk_.request("POST", "/v1/estate");
  EXPECT_EQ(desk_.api().admit(head).body_max, 64U << 20);
  EXPECT_EQ(desk_.api().admit(desk_.request("POST", "/v1/terminals/x/suspend")).body_max, 1U << 20);
}

TEST_F(Api, ReportsLifeAndReadinessToAnybody) {
  EXPECT_EQ(desk_.get("/livez").body, "ok\n");
  EXPECT_EQ(desk_.get("/readyz").body, "ok\n");
  backend_.checks_ = {{"storage", true, ""}, {"disk", false, "4% free"}};
  const auto page = desk_.get("/readyz?verbose");
  EXPECT_EQ(page.status, 503U);
  EXPECT_NE(page.body.find("[+]storage ok\n"), std::string::npos);
  EXPECT_NE(page.body.find("[-]disk failed: 4% free\n"), std::string::npos);
  EXPECT_EQ(desk_.get("/readyz?exclude=disk").status, 200U);
  backend_.alive_ = false;
  EXPECT_EQ(desk_.get("/livez").status, 503U);
}

TEST_F(Api, TellsWhatRunsHere) {
  desk_.sign_in({"viewer"}, "v");
  const auto answer = desk_.get("/v1/system");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.text("environment"), "lab");
  EXPECT_EQ(answer.text("mode"), "normal");
  EXPECT_EQ(answer.text("partitions.1.partition"), "2");
  EXPECT_EQ(answer.text("now"), "2026-11-21T18:00:00+08:00");
}

TEST_F(Api, ServesMetricsOnAListenerOfTheirOwn) {
  admin::MetricsService metrics(backend_);
  const auto page = metrics.handle({"GET", "/metrics", {}, "", ""});
  EXPECT_EQ(page.status, 200U);
  EXPECT_EQ(page.body, "tollgate_ledger_imbalance 0\n");
  EXPECT_EQ(metrics.handle({"GET", "/v1/terminals", {}, "", ""}).status, 404U);
  EXPECT_EQ(desk_.get("/metrics").status, 404U);
}

// ---- tokens ----

TEST_F(Api, MakesATokenThatWorksAndShowsItOnce) {
  desk_.sign_in({"admin"}, "root");
  const auto made =
      desk_.post("/v1/tokens", R"({"name":"wang","roles":["viewer"],"cidrs":["127.0.0.0/8"]})", "", "k1");
  ASSERT_EQ(made.status, 201U) << made.body;
  const auto secret = made.text("token");
  EXPECT_EQ(secret.size(), 56U);
  EXPECT_TRUE(made.text("id").starts_with("tok_"));
  const auto again =
      desk_.post("/v1/tokens", R"({"name":"wang","roles":["viewer"],"cidrs":["127.0.0.0/8"]})", "", "k1");
  EXPECT_EQ(again.status, 201U);
  EXPECT_EQ(again.headers.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.text("id"), made.text("id"));
  EXPECT_EQ(again.text("token"), "");
  EXPECT_EQ(desk_.get("/v1/tokens").body.find(secret), std::string::npos);
  EXPECT_EQ(desk_.post("/v1/tokens", R"({"name":"wang","roles":["viewer"]})").text("code"), "already_exists");
  EXPECT_EQ(desk_.post("/v1/tokens", R"({"name":"wang","roles":["operator"]})", "", "k1").text("code"),
            "idempotency_key_reused");
  const auto root = desk_.token;
  desk_.token = secret;
  EXPECT_EQ(desk_.get("/v1/system").status, 200U);
  desk_.token = root;
  EXPECT_EQ(desk_.send(desk_.request("DELETE", "/v1/tokens/" + made.text("id"))).status, 204U);
  EXPECT_EQ(desk_.send(desk_.request("DELETE", "/v1/tokens/" + made.text("id"))).status, 404U);
  desk_.token = secret;
  EXPECT_EQ(desk_.get("/v1/system").status, 401U);
}

TEST_F(Api, TakesATokensNameOnceAndSaysWhenItsRequestIsRepeatedAfterRevoking) {
  desk_.sign_in({"admin"}, "root");
  const std::string body = R"({"name":"li","roles":["viewer"]})";
  const auto made = desk_.post("/v1/tokens", body, "", "k1");
  ASSERT_EQ(made.status, 201U);
  const auto dry = desk_.send(desk_.request("POST", "/v1/tokens?dry_run=true", body));
  EXPECT_EQ(dry.text("code"), "already_exists");
  EXPECT_EQ(desk_.post("/v1/tokens", body, "", "k2").text("code"), "already_exists");
  ASSERT_EQ(desk_.send(desk_.request("DELETE", "/v1/tokens/" + made.text("id"))).status, 204U);
  EXPECT_EQ(desk_.post("/v1/tokens", body, "", "k1").text("code"), "not_found");
  EXPECT_EQ(desk_.post("/v1/tokens", body, "", "k3").status, 201U);
}

TEST_F(Api, NeverWritesATokenIntoTheJournal) {
  desk_.sign_in({"admin"}, "root");
  const auto secret = desk_.post("/v1/tokens", R"({"name":"wang","roles":["viewer"]})").text("token");
  ASSERT_FALSE(secret.empty());
  bool found = false;
  ASSERT_TRUE(backend_.journal()
                  .read(kHouse, GroupNo{1},
                        [&](const storage::Group& g) {
                          found =
                              found || as_text(g.payload).find(secret.substr(4)) != std::string_view::npos;
                          return true;
                        })
                  .has_value());
  EXPECT_FALSE(found);
}

TEST_F(Api, RefusesTokensThatSayNothingUseful) {
  desk_.sign_in({"admin"}, "root");
  for (const auto* bad :
       {R"({})", R"({"name":"x"})", R"({"name":"x","roles":[]})", R"({"name":"x","roles":["king"]})",
        R"({"name":"X Y","roles":["viewer"]})", R"({"name":"x","roles":["viewer"],"cidrs":["nowhere"]})",
        R"({"name":"x","roles":["viewer"],"expires_at":"2020-01-01T00:00:00Z"})",
        R"({"name":"x","roles":["viewer"],"expires_at":"soon"})"}) {
    const auto answer = desk_.post("/v1/tokens", bad);
    EXPECT_EQ(answer.status, 422U) << bad << answer.body;
    EXPECT_NE(answer.text("errors"), "[]") << bad;
  }
  const auto unknown = desk_.post("/v1/tokens", R"({"name":"x","roles":["viewer"],"rolls":1})");
  EXPECT_EQ(unknown.text("code"), "unknown_field");
  EXPECT_EQ(unknown.text("errors.0.pointer"), "/rolls");
}

TEST_F(Api, GivesAnEmptyStoreOneTokenWithEveryRoleAndOnlyOnce) {
  SystemChance chance;
  const auto token = admin::create_bootstrap_token(backend_, chance);
  ASSERT_TRUE(token.has_value()) << token.error().text();
  desk_.token = *token;
  EXPECT_EQ(desk_.get("/v1/tokens").status, 200U);
  EXPECT_EQ(desk_.get("/v1/ledger/entries").status, 200U);
  EXPECT_FALSE(admin::create_bootstrap_token(backend_, chance).has_value());
}

TEST_F(Api, RefusesASecondRequestWithTheSameKeyWhileTheFirstStillRuns) {
  desk_.sign_in({"admin"}, "root");
  backend_.hold();
  std::thread first([&] {
    EXPECT_EQ(desk_.post("/v1/tokens", R"({"name":"slow","roles":["viewer"]})", "", "same").status, 201U);
  });
  while (backend_.waiting() == 0) std::this_thread::yield();
  const auto second = desk_.post("/v1/tokens", R"({"name":"slow","roles":["viewer"]})", "", "same");
  EXPECT_EQ(second.status, 409U);
  EXPECT_EQ(second.text("code"), "idempotency_in_flight");
  backend_.release();
  first.join();
}

}  // namespace
}  // namespace tollgate::test
