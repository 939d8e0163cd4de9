// The sample file, the reference and the table say the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "switch/config.h"

namespace tollgate::config {
namespace {

std::string file(const std::string& path) {
  std::ifstream in(std::string(TOLLGATE_SOURCE_DIR) + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ConfigSample, IsTheFileThatIsShipped) {
  EXPECT_EQ(sample(), file("deploy/tollgate.toml"));
}

TEST(ConfigSample, LoadsToTheDefaultsAndNamesEveryKey) {
  const auto from_sample = load_text(sample(), "sample");
  ASSERT_TRUE(from_sample) << from_sample.error().front().text();
  const auto defaults = load({});
  ASSERT_TRUE(defaults);
  ASSERT_EQ(from_sample->settings.size(), defaults->settings.size());
  for (std::size_t i = 0; i < defaults->settings.size(); ++i) {
    EXPECT_EQ(from_sample->settings[i].key, defaults->settings[i].key);
    EXPECT_EQ(from_sample->settings[i].value, defaults->settings[i].value);
    EXPECT_TRUE(from_sample->settings[i].origin.starts_with("sample:"))
        << from_sample->settings[i].key << " is not in the sample";
  }
}

TEST(ConfigSample, KeepsItsLinesShort) {
  std::istringstream lines(sample());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 104u) << line;
}

TEST(ConfigReference, HasARowForEveryKeyWithASentence) {
  const auto text = reference();
  const auto defaults = load({});
  for (const auto& setting : defaults->settings) {
    auto key = setting.key;
    if (key.starts_with("listener.pos.")) key.replace(9, 3, "NAME");
    EXPECT_NE(text.find("| `" + key + "` |"), std::string::npos) << key;
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(std::ranges::count(line, '|'), 6) << line;
}

TEST(ConfigShow, GivesEveryKeyItsValueAndOrigin) {
  const auto loaded = load_text("store.path = \"here\"", "t.toml",
                                {.file = {}, .environment = {}, .sets = {"log.level=warn"}});
  ASSERT_TRUE(loaded);
  const auto text = show(*loaded);
  EXPECT_NE(text.find("store.path"), std::string::npos);
  EXPECT_NE(text.find("\"here\""), std::string::npos);
  EXPECT_NE(text.find("t.toml:1\n"), std::string::npos);
  EXPECT_NE(text.find("flag --set\n"), std::string::npos);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(text, '\n')), loaded->settings.size());
}

// Each key can be set by a flag to its own default: the table's spelling of a value is one that the parser
// reads.
TEST(ConfigTable, EveryKeyMayBeSetByFlagAndVariable) {
  const auto defaults = load({});
  for (const auto& setting : defaults->settings) {
    auto value = setting.value;
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    const auto loaded = load({.file = {}, .environment = {}, .sets = {setting.key + "=" + value}});
    ASSERT_TRUE(loaded) << loaded.error().front().text();
    const auto it = std::ranges::find(loaded->settings, setting.key, &Setting::key);
    EXPECT_EQ(it->value, setting.value);
    EXPECT_EQ(it->origin, "flag --set");
  }
}

}  // namespace
}  // namespace tollgate::config
