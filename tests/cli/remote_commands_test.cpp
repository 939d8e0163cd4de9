// Remote commands against a real server over a real engine: what a person sees, and the exit codes.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "switch/admin/entry_json.h"
#include "switch/admin/http_server.h"
#include "switch/cli/admin_commands.h"
#include "switch/cli/table.h"
#include "tests/admin/paper_books.h"

namespace tollgate::test {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// A switch that can be reached, and a folder for files.
class Served : public ::testing::Test {
 protected:
  explicit Served(admin::Backend& backend) : desk_(backend) {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("tollgate-cli-") + info->name() + "-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    auto server = http::Server::start({}, desk_.api());
    EXPECT_TRUE(server.has_value());
    server_ = std::move(*server);
    options_.url = "http://" + server_->address();
    options_.lang = "en";
  }
  ~Served() override {
    server_.reset();
    fs::remove_all(folder_);
  }
  void use_token(const std::string& token) {
    write(folder_ / "token", token + "\n");
    options_.token_file = (folder_ / "token").string();
  }
  [[nodiscard]] cli::Console console() {
    out_.str("");
    err_.str("");
    return {options_, out_, err_};
  }

  Desk desk_;
  fs::path folder_;
  std::unique_ptr<http::Server> server_;
  cli::TargetOptions options_;
  std::ostringstream out_, err_;
};

struct OwnBackend {
  FreshBackend backend_{2};
};

class RemoteCommands : protected OwnBackend, public Served {
 protected:
  RemoteCommands() : Served(backend_) {
    desk_.sign_in({"operator", "supervisor", "pricing", "admin"}, "wang");
    use_token(desk_.token);
    auto estate = example_estate();
    const std::string inlined = ", \"schedule\": " + example_schedule();
    estate.erase(estate.find(inlined), inlined.size());
    fs::create_directories(folder_ / "fees");
    write(folder_ / "fees/std-card-1.json", example_schedule());
    write(folder_ / "estate.json", estate);
  }
  [[nodiscard]] int apply(const std::string& name = "estate.json") {
    return cli::apply_estate(console(), (folder_ / name).string());
  }
  FreshBackend& fresh() { return backend_; }
};

TEST_F(RemoteCommands, ApplyAnEstateWithItsFilesAndNothingTheSecondTime) {
  EXPECT_EQ(apply(), 0) << err_.str();
  EXPECT_NE(out_.str().find("17 created, 0 updated, 0 unchanged, 0 refused"), std::string::npos)
      << out_.str();
  EXPECT_EQ(apply(), 0);
  EXPECT_EQ(out_.str(), "0 created, 0 updated, 17 unchanged, 0 refused\n");
}

TEST_F(RemoteCommands, ShowADryRunAndLeaveWith8WhenSomethingWouldBeRefused) {
  options_.dry_run = true;
  EXPECT_EQ(apply(), 0) << err_.str();
  EXPECT_NE(out_.str().find("dry run"), std::string::npos);
  write(folder_ / "bad.json", R"({"estate":1,"terminals":[{"tid":"1","merchant_code":"102290058120001"}]})");
  EXPECT_EQ(apply("bad.json"), 8);
  EXPECT_NE(err_.str().find("/terminals/0/tid"), std::string::npos) << err_.str();
  options_.dry_run = false;
  EXPECT_EQ(apply("bad.json"), 1);
}

TEST_F(RemoteCommands, NameTheFileAndLineOfABrokenDocument) {
  write(folder_ / "broken.json", "{\n\"estate\": 1,\n oops }");
  EXPECT_EQ(apply("broken.json"), 2);
  EXPECT_NE(err_.str().find("broken.json:3"), std::string::npos) << err_.str();
  write(folder_ / "lost.json", R"({"estate":1,"fee_schedules":[{"file":"nowhere.json","publish":true}]})");
  EXPECT_EQ(apply("lost.json"), 2);
  EXPECT_NE(err_.str().find("nowhere.json"), std::string::npos);
  EXPECT_EQ(apply("missing.json"), 2);
}

TEST_F(RemoteCommands, PublishADraftWithAWrittenOverride) {
  write(folder_ / "draft.json", R"({"estate":1,"fee_schedules":[{"file":"fees/std-card-1.json"}]})");
  EXPECT_EQ(apply("draft.json"), 0) << err_.str();
  EXPECT_NE(out_.str().find("found: "), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("tollgate fees publish std-card@1"), std::string::npos) << out_.str();
  EXPECT_EQ(cli::fees_publish(console(), "std-card@1", "", ""), 1);
  EXPECT_NE(err_.str().find("(override_required)"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("[!] free_ticket"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("--override"), std::string::npos) << err_.str();
  EXPECT_EQ(cli::fees_publish(console(), "std-card@1", "small tickets are free on purpose", ""), 0) << err_.str();
  EXPECT_NE(out_.str().find("published"), std::string::npos) << out_.str();
  EXPECT_EQ(cli::fees_get(console(), "std-card@1"), 0) << err_.str();
  EXPECT_NE(out_.str().find("override: small tickets are free on purpose"), std::string::npos) << out_.str();
  EXPECT_EQ(cli::fees_get(console(), "std-card@7"), 3);
  EXPECT_EQ(cli::fees_get(console(), "std-card"), 2);
}

TEST_F(RemoteCommands, ApplyLines) {
  write(folder_ / "estate.ndjson",
        "{\"kind\":\"fee_schedule\",\"file\":\"fees/"
        "std-card-1.json\",\"publish\":true}\n{\"kind\":\"device\",\"serial_number\":\"N1\"}\n");
  EXPECT_EQ(apply("estate.ndjson"), 0) << err_.str();
  EXPECT_NE(out_.str().find("2 created"), std::string::npos) << out_.str();
}

TEST_F(RemoteCommands, SuspendShowsTheChangeTheHoldAndTheWayBack) {
  ASSERT_EQ(apply(), 0);
  cli::VerbOptions verb{.name = "tid:10000001@102290058120001", .reason = "device_fault", .note = "printer"};
  ASSERT_EQ(cli::terminals_suspend(console(), verb), 0) << err_.str();
  const auto text = out_.str();
  EXPECT_TRUE(text.starts_with("terminal 10000001 (演示餐厅)  ACTIVE → SUSPENDED   hold hold_")) << text;
  EXPECT_NE(text.find(" device_fault\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("accepts reversals, advices, batch upload, sign-on    declines purchase, refund, pre-auth"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("  undo: tollgate terminals activate tid:10000001@102290058120001\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(cli::terminals_suspend(console(), verb), 6);  // a hold for that reason is open
  EXPECT_NE(err_.str().find("invalid_transition"), std::string::npos);
  EXPECT_NE(err_.str().find("tollgate terminals get"), std::string::npos);
  ASSERT_EQ(cli::terminals_activate(console(), {.name = "tid:10000001"}), 0) << err_.str();
  EXPECT_NE(out_.str().find("SUSPENDED → ACTIVE"), std::string::npos) << out_.str();
}

TEST_F(RemoteCommands, LeaveWith4WhenHoldsRemainAndShowThem) {
  ASSERT_EQ(apply(), 0);
  ASSERT_EQ(cli::merchants_verb(
                console(), "suspend",
                {.name = "102290058120001", .reason = "merchant_request", .references = {"contact=Li"}}),
            0)
      << err_.str();
  EXPECT_NE(out_.str().find("active → suspended"), std::string::npos) << out_.str();
  EXPECT_EQ(cli::terminals_activate(console(), {.name = "tid:10000001"}), 4);
  EXPECT_NE(err_.str().find("merchant_request"), std::string::npos) << err_.str();
}

TEST_F(RemoteCommands, LeaveWith3ForWhatIsNotThereAnd5WithoutARole) {
  EXPECT_EQ(cli::terminals_get(console(), "tid:99999999"), 3);
  desk_.sign_in({"settlement"}, "only");
  use_token(desk_.token);
  EXPECT_EQ(apply(), 5);
  options_.token_file.clear();
  EXPECT_EQ(cli::terminals_get(console(), "tid:10000001"), 5);
  EXPECT_NE(err_.str().find("--token-file"), std::string::npos);
  options_.url = "http://127.0.0.1:1";
  EXPECT_EQ(cli::terminals_get(console(), "tid:10000001"), 7);
  options_.url = "https://127.0.0.1:1";
  EXPECT_EQ(cli::terminals_get(console(), "tid:10000001"), 2);
}

TEST_F(RemoteCommands, ShowOneTerminalForAPersonAndForAProgram) {
  ASSERT_EQ(apply(), 0);
  ASSERT_EQ(cli::terminals_get(console(), "tid:10000001"), 0);
  EXPECT_NE(out_.str().find("terminal 10000001 (演示餐厅)  ACTIVE"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("82E13665"), std::string::npos);
  options_.output = "json";
  ASSERT_EQ(cli::terminals_get(console(), "tid:10000001"), 0);
  EXPECT_EQ(out_.str(), desk_.get("/v1/terminals/tid:10000001").body + "\n");
}

TEST_F(RemoteCommands, ListEveryPage) {
  ASSERT_EQ(apply(), 0);
  auto remote = cli::Remote::open(options_);
  ASSERT_TRUE(remote.has_value());
  const std::vector<cli::Column> columns = {cli::column("TID", "tid"), cli::column("STATE", "state")};
  auto c = console();
  ASSERT_EQ(cli::print_list(*remote, options_, {"/v1/terminals", columns, 2}, c.out, c.err), 0);
  EXPECT_EQ(std::ranges::count(out_.str(), '\n'), 3);
  EXPECT_NE(err_.str().find("more"), std::string::npos);
  options_.output = "csv";
  auto all = console();
  ASSERT_EQ(cli::print_list(*remote, options_, {"/v1/terminals", columns, 0}, all.out, all.err), 0);
  EXPECT_TRUE(out_.str().starts_with("TID,STATE\r\n")) << out_.str();
  EXPECT_EQ(std::ranges::count(out_.str(), '\n'), 4);
}

TEST_F(RemoteCommands, FindTheirTargetInAContext) {
  fs::create_directories(folder_ / "tollgate");
  write(folder_ / "tollgate/demo.json",
        R"({"url":")" + options_.url + R"(","token_file":")" + options_.token_file + R"("})");
  write(folder_ / "tollgate/current", "demo\n");
  ::setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
  options_.url.clear();
  options_.token_file.clear();
  EXPECT_EQ(cli::terminals_get(console(), "tid:99999999"), 3) << err_.str();
  options_.context = "demo";
  EXPECT_EQ(cli::terminals_get(console(), "tid:99999999"), 3) << err_.str();
  options_.context = "nowhere";
  EXPECT_EQ(cli::terminals_get(console(), "tid:99999999"), 2);
  ::unsetenv("XDG_CONFIG_HOME");
}

TEST_F(RemoteCommands, ExplainCodesFromTheCatalogue) {
  ASSERT_EQ(cli::explain(console(), "58"), 0);
  EXPECT_TRUE(out_.str().starts_with(
      "58  Transaction not permitted to terminal / 终端不允许该交易\nSeen when: terminal pending, suspended"))
      << out_.str();
  EXPECT_EQ(cli::explain(console(), "lost_stolen"), 0);
  EXPECT_NE(out_.str().find("supervisor security"), std::string::npos) << out_.str();
  EXPECT_EQ(cli::explain(console(), "holds_remain"), 0);
  EXPECT_EQ(cli::explain(console(), "tmk_loaded"), 0);
  EXPECT_EQ(cli::explain(console(), "nonsense"), 3);
}

// ---- ledger export ----

struct OwnBooks {
  PaperBooks books_{3};
};

class LedgerFile : protected OwnBooks, public Served {
 protected:
  LedgerFile() : Served(books_) {
    use_token("tgk_settle");
    for (int g = 0; g < 30; ++g)
      for (std::uint16_t p = 1; p <= 3; ++p) books_.add_group(p, p == 2 ? 3 : 20);
    options_file_.out = (folder_ / "l.ndjson").string();
    desk_.token = "tgk_settle";
    whole_ = desk_.get("/v1/ledger/entries").body;
  }
  cli::ExportOptions options_file_;
  std::string whole_;
};

TEST_F(LedgerFile, HoldsTheBytesOfOneWholeResponse) {
  ASSERT_EQ(cli::ledger_export(console(), options_file_), 0) << err_.str();
  EXPECT_EQ(read(options_file_.out), whole_);
  EXPECT_FALSE(fs::exists(options_file_.out + ".part"));
  EXPECT_NE(err_.str().find("= ΣC  trailer ok"), std::string::npos) << err_.str();
  EXPECT_EQ(cli::ledger_export(console(), options_file_), 1);  // it is there already
  options_file_.resume = true;
  EXPECT_EQ(cli::ledger_export(console(), options_file_), 0);
  EXPECT_NE(err_.str().find("complete already"), std::string::npos);
}

TEST_F(LedgerFile, IsTheSameAfterABreakAnywhere) {
  const auto first_of_3 = whole_.find("{\"partition\":3,");
  const auto trailer = whole_.find("{\"object\":\"export.trailer\"");
  ASSERT_NE(first_of_3, std::string::npos);
  for (const auto cut : {std::size_t{1}, std::size_t{500}, whole_.find("{\"partition\":2,"), first_of_3,
                         first_of_3 + 10, trailer - 1, trailer, trailer + 20}) {
    fs::remove(options_file_.out + ".part");
    write(options_file_.out, whole_.substr(0, cut));
    options_file_.resume = true;
    ASSERT_EQ(cli::ledger_export(console(), options_file_), 0) << cut << err_.str();
    // Ends of partitions that were finished before the break are not known without the .part file, so this
    // run reads them again.
    EXPECT_EQ(read(options_file_.out), whole_) << cut;
  }
}

TEST_F(LedgerFile, GoesOnFromFinishedPartitions) {
  const auto heads = books_.ledger_heads();
  const auto first_of_3 = whole_.find("{\"partition\":3,");
  write(options_file_.out, whole_.substr(0, first_of_3 + 400));
  write(options_file_.out + ".part",
        "1 " + admin::lower_hex(heads[0].chain) + "\n2 " + admin::lower_hex(heads[1].chain) + "\n");
  options_file_.resume = true;
  ASSERT_EQ(cli::ledger_export(console(), options_file_), 0) << err_.str();
  EXPECT_EQ(read(options_file_.out), whole_);
}

TEST_F(LedgerFile, RefusesToGoOnWithAnotherLedger) {
  auto other = whole_.substr(0, whole_.find('\n') + 1);
  other.replace(other.find("9940"), 4, "9941");
  write(options_file_.out, other);
  options_file_.resume = true;
  EXPECT_NE(cli::ledger_export(console(), options_file_), 0);
  EXPECT_NE(err_.str().find("not the same ledger"), std::string::npos) << err_.str();
  write(options_file_.out, "not a ledger\n");
  EXPECT_NE(cli::ledger_export(console(), options_file_), 0);
}

TEST_F(LedgerFile, SaysWhyItIsRefused) {
  use_token("tgk_view");
  EXPECT_EQ(cli::ledger_export(console(), options_file_), 5);
  EXPECT_NE(err_.str().find("settlement"), std::string::npos) << err_.str();
}

// ---- tables ----

TEST(Table, CountsChineseAsTwoColumnsAndShowsNoControlCharacters) {
  EXPECT_EQ(cli::display_width("演示a"), 5U);
  EXPECT_EQ(cli::printable("a\x1b[31m\xc2\x9b z"), "a?[31m? z");
  std::ostringstream out;
  cli::print_table({json::parse(R"({"a":"演示","b":1})"), json::parse(R"({"a":"x","b":200})")},
                   {cli::column("A", "a"), cli::number("B", "b")}, false, out);
  EXPECT_EQ(out.str(), "A       B\n演示    1\nx     200\n");
}

TEST(Table, MakesFormulasInCsvText) {
  EXPECT_EQ(cli::csv_cell("=1+1"), "'=1+1");
  EXPECT_EQ(cli::csv_cell("@x"), "'@x");
  EXPECT_EQ(cli::csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
  EXPECT_EQ(cli::csv_cell("-5"), "'-5");
}

TEST(Table, WritesMoneyWithItsSign) {
  EXPECT_EQ(cli::money("88210", "CNY"), "¥882.10");
  EXPECT_EQ(cli::money("341200987712", "CNY"), "¥3,412,009,877.12");
  EXPECT_EQ(cli::money("-5", "CNY"), "-¥0.05");
  EXPECT_EQ(cli::money("x", "CNY"), "x");
}

}  // namespace
}  // namespace tollgate::test
