// `tollgate serve` from outside: the real binary as a process, its files, its exit codes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "switch/cli/switch_process.h"
#include "tests/net/peer.h"

namespace tollgate {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class ServeTest : public ::testing::Test {
 protected:
  ServeTest() {
    auto pattern = (fs::temp_directory_path() / "tollgate-serve-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    configure("");
  }
  ~ServeTest() override { fs::remove_all(directory_); }

  void configure(const std::string& more) {
    std::ofstream(directory_ + "/t.toml")
        << "environment = \"lab\"\n"
        << more << "[store]\npath = \"" << directory_
        << "/data\"\nwatermark_mb = 0\nwatermark_percent = 0\n"
           "[http]\naddress = \"127.0.0.1:0\"\n[metrics]\naddress = \"127.0.0.1:0\"\n"
           "[[listener]]\nname = \"pos\"\naddress = \"127.0.0.1:0\"\ndialect = \"cup\"\n";
  }
  [[nodiscard]] cli::SwitchProcess::Options options(std::vector<std::string> sets = {}) const {
    return {.binary = TOLLGATE_BINARY_DIR "/tollgate",
            .config = directory_ + "/t.toml",
            .directory = directory_,
            .sets = std::move(sets)};
  }
  [[nodiscard]] static std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Starts a switch that must not come up; its log.
  [[nodiscard]] std::string refused(std::vector<std::string> sets = {}) const {
    fs::remove(directory_ + "/tollgate.log");
    cli::SwitchProcess process(options(std::move(sets)));
    const auto ports = process.start(20s);
    EXPECT_FALSE(ports.has_value()) << "it came up";
    EXPECT_FALSE(fs::exists(directory_ + "/ports.json")) << "the ports file says ready";
    return text_of(process.log_file());
  }

  std::string directory_;
};

TEST_F(ServeTest, FormatsServesWritesItsFilesAndDrainsToZero) {
  cli::SwitchProcess process(options());
  const auto ports = process.start(20s);
  ASSERT_TRUE(ports.has_value()) << ports.error().text();
  struct stat token {};
  ASSERT_EQ(::stat(process.token_file().c_str(), &token), 0);
  EXPECT_EQ(token.st_mode & 0777, 0600U);
  EXPECT_EQ(text_of(process.token_file()).substr(0, 4), "tgk_");
  EXPECT_TRUE(net::test::Peer::connect(ports->pos).is_open());
  EXPECT_TRUE(net::test::Peer::connect(ports->http).is_open());
  EXPECT_TRUE(net::test::Peer::connect(ports->metrics).is_open());
  EXPECT_NE(text_of(directory_ + "/ports.json").find("\"pid\":" + std::to_string(process.pid())),
            std::string::npos);
  EXPECT_EQ(process.terminate(20s), 0);
}

TEST_F(ServeTest, KeepsItsStoreOverKillAndGivesNoSecondBootstrapToken) {
  cli::SwitchProcess process(options());
  ASSERT_TRUE(process.start(20s).has_value());
  const auto token = text_of(process.token_file());
  process.kill();
  const auto again = process.start(20s);
  ASSERT_TRUE(again.has_value()) << again.error().text();
  EXPECT_EQ(text_of(process.token_file()), token);
  EXPECT_EQ(process.terminate(20s), 0);
}

TEST_F(ServeTest, RefusesASecondProcessOnOneStore) {
  cli::SwitchProcess first(options());
  ASSERT_TRUE(first.start(20s).has_value());
  fs::rename(directory_ + "/ports.json", directory_ + "/first.json");
  EXPECT_NE(refused().find("one process"), std::string::npos);
  EXPECT_FALSE(first.has_ended());
}

TEST_F(ServeTest, RefusesAnotherNumberOfPartitions) {
  {
    cli::SwitchProcess process(options());
    ASSERT_TRUE(process.start(20s).has_value());
    EXPECT_EQ(process.terminate(20s), 0);
  }
  EXPECT_NE(refused({"store.partitions=8"}).find("formatted with 4 partitions, the configuration says 8"),
            std::string::npos);
}

TEST_F(ServeTest, RefusesAnAddressThatIsTakenAndAWrongConfiguration) {
  cli::SwitchProcess first(options());
  const auto ports = first.start(20s);
  ASSERT_TRUE(ports.has_value());
  fs::rename(directory_ + "/ports.json", directory_ + "/first.json");
  const auto taken = refused({"store.path=" + directory_ + "/other", "listener.pos.address=" + ports->pos});
  EXPECT_NE(taken.find("cannot listen"), std::string::npos) << taken;
  EXPECT_NE(taken.find(ports->pos), std::string::npos) << taken;
  const auto unknown = refused({"store.pth=x"});
  EXPECT_NE(unknown.find("did you mean"), std::string::npos) << unknown;
}

TEST_F(ServeTest, EntersSafeModeWhenTheMarkIsGone) {
  {
    cli::SwitchProcess process(options());
    ASSERT_TRUE(process.start(20s).has_value());
    EXPECT_EQ(process.terminate(20s), 0);
  }
  ASSERT_TRUE(fs::remove(directory_ + "/data/high-water-mark"));
  cli::SwitchProcess process(options());
  const auto ports = process.start(20s);
  ASSERT_TRUE(ports.has_value()) << ports.error().text();
  EXPECT_TRUE(ports->pos.empty()) << "no traffic in safe mode";
  EXPECT_TRUE(net::test::Peer::connect(ports->http).is_open());
  EXPECT_NE(text_of(process.log_file()).find("safe mode"), std::string::npos);
  EXPECT_EQ(process.terminate(20s), 0);
}

TEST_F(ServeTest, MakesAKeyFileForANewLabStoreAndRefusesALostOneLater) {
  const auto key = directory_ + "/kek";
  {
    cli::SwitchProcess process(options({"vault.kek_file=" + key}));
    ASSERT_TRUE(process.start(20s).has_value());
    struct stat file {};
    ASSERT_EQ(::stat(key.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600U);
    EXPECT_EQ(process.terminate(20s), 0);
  }
  ASSERT_TRUE(fs::remove(key));
  EXPECT_NE(refused({"vault.kek_file=" + key}).find(key), std::string::npos);
}

}  // namespace
}  // namespace tollgate
