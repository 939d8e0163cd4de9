#include "switch/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace tollgate::config {
namespace {

using namespace std::chrono_literals;

Config accepted(std::string_view text, const Sources& rest = {}) {
  auto loaded = load_text(text, "t.toml", rest);
  if (!loaded) {
    ADD_FAILURE() << loaded.error().front().text();
    return load({})->config;
  }
  return loaded->config;
}

// All refusals of a text, one a line.
std::string refused(std::string_view text, const Sources& rest = {}) {
  const auto loaded = load_text(text, "t.toml", rest);
  if (loaded) return "accepted";
  std::string all;
  for (const auto& error : loaded.error()) all += (all.empty() ? "" : "\n") + error.text();
  return all;
}

std::string origin(const Loaded& loaded, std::string_view key) {
  const auto it = std::ranges::find(loaded.settings, key, &Setting::key);
  return it == loaded.settings.end() ? "no such key" : it->value + " from " + it->origin;
}

TEST(Config, HasTheDefaultsOfTheContract) {
  const auto config = accepted("");
  EXPECT_EQ(config.environment, Environment::lab);
  EXPECT_EQ(config.store.path, "data");
  EXPECT_EQ(config.store.partitions, 4);
  EXPECT_EQ(config.http.address, "127.0.0.1:8080");
  EXPECT_EQ(config.metrics.address, "127.0.0.1:9109");
  EXPECT_EQ(config.acquirer.code, "01020000");
  EXPECT_EQ(config.business.time_zone, "Asia/Shanghai");
  EXPECT_EQ(config.business.cutoff.since_midnight, 23h);
  EXPECT_EQ(config.session.frame_timeout, 3000ms);
  EXPECT_EQ(config.session.idle_timeout, 3600s);
  EXPECT_TRUE(config.approvals.required);
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].name, "pos");
  EXPECT_EQ(config.listeners[0].address, "127.0.0.1:8583");
  EXPECT_EQ(config.listeners[0].dialect, "cup");
  EXPECT_EQ(config.listeners[0].mac, MacRule::required);
}

TEST(Config, ReadsEveryKindOfValue) {
  const auto config = accepted(R"(
environment = "demo"
store.partitions = 8
[session]
frame_timeout_ms = 250
[log]
level = "debug"
[business]
cutoff = "00:05"
[approvals]
required = false
[[listener]]
name = "pos"
address = "[::1]:0"
[[listener]]
name = "pos-2"
address = "127.0.0.1:9000"
dialect = "iso87-ascii"
)");
  EXPECT_EQ(config.environment, Environment::demo);
  EXPECT_EQ(config.store.partitions, 8);
  EXPECT_EQ(config.session.frame_timeout, 250ms);
  EXPECT_EQ(config.log.level, log::Level::debug);
  EXPECT_EQ(config.business.cutoff.since_midnight, 5min);
  EXPECT_FALSE(config.approvals.required);
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[1].dialect, "iso87-ascii");
}

TEST(Config, AnExplicitlyEmptyListLeavesNoListener) {
  EXPECT_TRUE(accepted("listener = []").listeners.empty());
}

TEST(Config, RefusesAnUnknownKeyWithItsPlaceAndTheNearestOne) {
  EXPECT_EQ(refused("[store]\npartition = 4\n"),
            "t.toml:2:1: unknown key \"store.partition\"; did you mean \"store.partitions\"?");
  EXPECT_EQ(refused("enviroment = \"lab\""),
            "t.toml:1:1: unknown key \"enviroment\"; did you mean \"environment\"?");
  EXPECT_EQ(refused("[htpp]\naddress = \"127.0.0.1:1\""),
            "t.toml:2:1: unknown key \"htpp.address\"; did you mean \"http.address\"?");
  EXPECT_EQ(refused("[zzzzzzzzzzzzzzzzzzz]\nq = 1"), "t.toml:2:1: unknown key \"zzzzzzzzzzzzzzzzzzz.q\"");
  EXPECT_EQ(refused("[[listener]]\nname = \"a\"\ndialekt = \"cup\""),
            "t.toml:3:1: unknown key \"dialekt\"; did you mean \"dialect\"?");
  EXPECT_EQ(refused("[nothing]"), "t.toml:1:2: unknown section \"nothing\"");
}

TEST(Config, RefusesADialectThatNobodyKnows) {
  EXPECT_EQ(refused("[[listener]]\nname = \"a\"\ndialect = \"klingon\""),
            "t.toml:3:11: dialect must be one of cup, iso87-ascii, iso87-bcd, iso93-ascii, is \"klingon\"");
}

TEST(Config, RefusesWrongTypesAndSyntaxWithLineAndColumn) {
  EXPECT_EQ(refused("[store]\npartitions = \"4\""), "t.toml:2:14: store.partitions must be a whole number");
  EXPECT_EQ(refused("[store]\npartitions = 4.0"), "t.toml:2:14: store.partitions: whole number expected");
  EXPECT_EQ(refused("[store]\npath = 7"), "t.toml:2:8: store.path must be a text in quotes");
  EXPECT_EQ(refused("store = 7"), "t.toml:1:1: unknown key \"store\"");
  EXPECT_EQ(refused("[environment]\nx = 1").substr(0, 9), "t.toml:2:");
  EXPECT_EQ(refused("[approvals]\nrequired = 1"), "t.toml:2:12: approvals.required must be true or false");
  EXPECT_EQ(refused("[listener]\nname = \"a\"").substr(0, 9), "t.toml:1:");
  EXPECT_EQ(refused("listener = [1]"), "t.toml:1:12: listener must be [[listener]] sections, at most 64");
  EXPECT_EQ(refused("[store\npath = 1").substr(0, 9), "t.toml:1:");
  EXPECT_EQ(refused("a = 1\na = 2").substr(0, 9), "t.toml:2:");
}

TEST(Config, RefusesWhatIsOutOfBounds) {
  EXPECT_EQ(refused("store.partitions = 0"), "t.toml:1:20: store.partitions must be 1 … 1023, is 0");
  EXPECT_EQ(refused("store.partitions = 1024"), "t.toml:1:20: store.partitions must be 1 … 1023, is 1024");
  EXPECT_EQ(refused("store.partitions = 65540"), "t.toml:1:20: store.partitions must be 1 … 1023, is 65540");
  EXPECT_EQ(refused("workers.count = -1"), "t.toml:1:17: workers.count must be 0 … 256, is -1");
  EXPECT_EQ(refused("session.frame_timeout_ms = 99"),
            "t.toml:1:28: session.frame_timeout_ms must be 100 … 600000, is 99");
  EXPECT_EQ(accepted("store.partitions = 1023").store.partitions, 1023);
}

TEST(Config, RefusesTextsThatDoNotMeanWhatTheyShould) {
  EXPECT_EQ(refused("environment = \"prod\""),
            "t.toml:1:15: environment must be one of lab | demo | production");
  for (const char* address :
       {"", "8080", "127.0.0.1", "127.0.0.1:", ":8080", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:-1"})
    EXPECT_NE(refused(std::string("http.address = \"") + address + "\""), "accepted") << address;
  for (const char* cutoff : {"24:00", "23:60", "2300", "23:0", "", "-1:00", "23:00:00"})
    EXPECT_NE(refused(std::string("business.cutoff = \"") + cutoff + "\""), "accepted") << cutoff;
  for (const char* code : {"", "123456789012", "0102000A"})
    EXPECT_NE(refused(std::string("acquirer.code = \"") + code + "\""), "accepted") << code;
  for (const char* name : {"", "Pos", "1", "p s", "pos.a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    EXPECT_NE(refused(std::string("[[listener]]\nname = \"") + name + "\""), "accepted") << name;
  EXPECT_EQ(refused("business.time_zone = \"Asia/Shanghia\""),
            "t.toml:1:22: business.time_zone is not in the IANA data base: \"Asia/Shanghia\"");
  EXPECT_NE(refused("store.path = \"\""), "accepted");
  EXPECT_NE(refused("store.path = \"a\\u0000b\""), "accepted");
}

TEST(Config, RefusesMacOffOutsideLab) {
  const std::string off = "[[listener]]\nname = \"pos\"\nmac = \"off\"\n";
  EXPECT_EQ(accepted(off).listeners[0].mac, MacRule::off);
  EXPECT_EQ(refused("environment = \"demo\"\n" + off),
            "t.toml:4: listener pos has mac = \"off\", which only environment \"lab\" may have");
  EXPECT_NE(refused("environment = \"production\"\nvault.kek_file = \"k\"\n" + off), "accepted");
  EXPECT_EQ(refused(off, {.file = {}, .environment = {{"TOLLGATE__ENVIRONMENT", "demo"}}, .sets = {}}),
            "t.toml:3: listener pos has mac = \"off\", which only environment \"lab\" may have");
}

TEST(Config, ProductionNeedsAKeyFileAndASecondPerson) {
  EXPECT_EQ(refused("environment = \"production\""),
            "default: vault.kek_file must be set in production: the lab key is public");
  EXPECT_EQ(
      refused(
          "environment = \"production\"\nvault.kek_file = \"/etc/tollgate/kek\"\napprovals.required = false"),
      "t.toml:3: approvals.required may be off only outside production");
  EXPECT_EQ(accepted("environment = \"production\"\nvault.kek_file = \"/etc/tollgate/kek\"").environment,
            Environment::production);
}

TEST(Config, RefusesTwoOfOneNameOrAddress) {
  EXPECT_EQ(refused("[[listener]]\nname = \"a\"\n[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:0\""),
            "t.toml:4: two listeners are called \"a\"");
  EXPECT_EQ(refused("[[listener]]\nname = \"a\"\naddress = \"127.0.0.1:8080\""),
            "t.toml:3: http and listener a have one address, 127.0.0.1:8080");
  EXPECT_EQ(accepted("http.address = \"127.0.0.1:0\"\nmetrics.address = \"127.0.0.1:0\"").http.address,
            "127.0.0.1:0");
  EXPECT_EQ(refused("[[listener]]\naddress = \"127.0.0.1:0\""), "t.toml:1:1: a listener needs a name");
}

TEST(Config, ReportsEverythingThatIsWrongAtOnce) {
  EXPECT_EQ(refused("environment = \"x\"\nbogus_key_of_nobody = 1\nstore.partitions = 0\n"),
            "t.toml:2:1: unknown key \"bogus_key_of_nobody\"\n"
            "t.toml:1:15: environment must be one of lab | demo | production\n"
            "t.toml:3:20: store.partitions must be 1 … 1023, is 0");
}

TEST(Config, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string text =
      "http.address = \"127.0.0.1:1\"\nmetrics.address = \"127.0.0.1:2\"\nsession.in_flight_max = 3\n";
  const Sources rest{.file = {},
                     .environment = {{"TOLLGATE__HTTP__ADDRESS", "127.0.0.1:11"},
                                     {"TOLLGATE__METRICS__ADDRESS", "127.0.0.1:12"},
                                     {"PATH", "/bin"}},
                     .sets = {"http.address=127.0.0.1:21"}};
  const auto loaded = load_text(text, "t.toml", rest);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(origin(*loaded, "http.address"), "\"127.0.0.1:21\" from flag --set");
  EXPECT_EQ(origin(*loaded, "metrics.address"), "\"127.0.0.1:12\" from env TOLLGATE__METRICS__ADDRESS");
  EXPECT_EQ(origin(*loaded, "session.in_flight_max"), "3 from t.toml:3");
  EXPECT_EQ(origin(*loaded, "session.max_connections"), "10000 from default");
  EXPECT_EQ(loaded->config.http.address, "127.0.0.1:21");
}

TEST(Config, VariableNamesReachKeysWithUnderscores) {
  const auto config = accepted("", {.file = {},
                                    .environment = {{"TOLLGATE__SESSION__FRAME_TIMEOUT_MS", "1234"},
                                                    {"TOLLGATE__ENVIRONMENT", "demo"}},
                                    .sets = {}});
  EXPECT_EQ(config.session.frame_timeout, 1234ms);
  EXPECT_EQ(config.environment, Environment::demo);
}

TEST(Config, FlagsReachListenersByNameAndByPlace) {
  const std::string text =
      "[[listener]]\nname = \"pos\"\n[[listener]]\nname = \"atm\"\naddress = \"127.0.0.1:0\"\n";
  const auto loaded = load_text(text, "t.toml",
                                {.file = {},
                                 .environment = {{"TOLLGATE__LISTENER__1__DIALECT", "iso87-ascii"}},
                                 .sets = {"listener.pos.address=127.0.0.1:0"}});
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  EXPECT_EQ(origin(*loaded, "listener.pos.address"), "\"127.0.0.1:0\" from flag --set");
  EXPECT_EQ(origin(*loaded, "listener.atm.dialect"),
            "\"iso87-ascii\" from env TOLLGATE__LISTENER__1__DIALECT");
  EXPECT_EQ(origin(*loaded, "listener.atm.name"), "\"atm\" from t.toml:4");
}

TEST(Config, RefusesOverridesThatMeanNothing) {
  const auto with = [](const char* flag) {
    return refused("", {.file = {}, .environment = {}, .sets = {flag}});
  };
  EXPECT_EQ(with("store.path"), "--set store.path: must be KEY=VALUE");
  EXPECT_EQ(with("store.pth=x"), "--set store.pth: unknown key \"store.pth\"; did you mean \"store.path\"?");
  EXPECT_EQ(with("store.partitions=four"), "--set store.partitions: store.partitions must be a whole number");
  EXPECT_EQ(with("store.partitions=4x"), "--set store.partitions: store.partitions must be a whole number");
  EXPECT_EQ(with("store.partitions="), "--set store.partitions: store.partitions must be a whole number");
  EXPECT_EQ(with("approvals.required=yes"),
            "--set approvals.required: approvals.required must be true or false");
  EXPECT_EQ(with("listener.atm.address=127.0.0.1:0"),
            "--set listener.atm.address: no listener is called \"atm\"");
  EXPECT_EQ(with("listener.pos.colour=red"), "--set listener.pos.colour: unknown key \"colour\"");
  EXPECT_EQ(with("listener.=x"), "--set listener.: no listener is called \"\"");
  EXPECT_EQ(
      refused("", {.file = {}, .environment = {{"TOLLGATE__HTTP__LISTEN", "x"}}, .sets = {}}).substr(0, 22),
      "TOLLGATE__HTTP__LISTEN");
  EXPECT_NE(refused("", {.file = {}, .environment = {{"TOLLGATE__", "x"}}, .sets = {}}), "accepted");
  EXPECT_EQ(with("store.path=a=b"), "accepted");
}

class File : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tollgate-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  std::filesystem::path folder_;
};

TEST_F(File, IsNamedInErrorsAndOrigins) {
  const auto good = write("good.toml", "[store]\npath = \"x\"\n");
  const auto loaded = load({.file = good, .environment = {}, .sets = {}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(origin(*loaded, "store.path"), "\"x\" from " + good + ":2");
  const auto bad = write("bad.toml", "\n\n  oops = 1\n");
  EXPECT_EQ(load({.file = bad, .environment = {}, .sets = {}}).error().front().where, bad + ":3:3");
}

TEST_F(File, ThatIsMissingOrNotAFileOrTooLargeIsRefused) {
  const auto missing = (folder_ / "none.toml").string();
  EXPECT_EQ(load({.file = missing, .environment = {}, .sets = {}}).error().front().text(),
            missing + ": No such file or directory");
  EXPECT_EQ(load({.file = folder_.string(), .environment = {}, .sets = {}}).error().front().what,
            "is not a file");
  const auto large = write("large.toml", std::string(2U << 20, '#'));
  EXPECT_EQ(load({.file = large, .environment = {}, .sets = {}}).error().front().what,
            "is larger than 1 MiB");
}

TEST_F(File, OfAnyBytesIsRefusedAndNothingBreaks) {
  for (const std::string& bytes :
       {std::string("\xFF\xFE\0\0", 4), std::string("\0", 1), std::string("a = \"\xC3\x28\""),
        std::string(5000, '['), std::string("[[listener]]\n[listener.name]\nx=1")})
    EXPECT_FALSE(load({.file = write("bytes.toml", bytes), .environment = {}, .sets = {}}));
}

TEST(WorkerCount, LeavesACoreForTheCommitThread) {
  Config config;
  EXPECT_EQ(worker_count(config, 0), 1);
  EXPECT_EQ(worker_count(config, 1), 1);
  EXPECT_EQ(worker_count(config, 2), 1);
  EXPECT_EQ(worker_count(config, 8), 7);
  config.workers.count = 3;
  EXPECT_EQ(worker_count(config, 2), 3);
}

TEST(ProcessEnvironment, HoldsOnlyOurVariables) {
  ASSERT_EQ(::setenv("TOLLGATE__LOG__LEVEL", "warn=1", 1), 0);
  const auto found = process_environment();
  ::unsetenv("TOLLGATE__LOG__LEVEL");
  EXPECT_NE(std::ranges::find(found, std::pair<std::string, std::string>("TOLLGATE__LOG__LEVEL", "warn=1")),
            found.end());
  EXPECT_TRUE(
      std::ranges::all_of(found, [](const auto& entry) { return entry.first.starts_with("TOLLGATE__"); }));
}

}  // namespace
}  // namespace tollgate::config
