#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "storage/rocks_journal.h"
#include "switch/cli/exit.h"
#include "switch/cli/fees_replay.h"

namespace tollgate::cli {
namespace {

struct Flags {
  std::string data, from, to, schedule;
  ReplayOptions options;
};

// One line that is written over, and only on a terminal.
class Bar {
 public:
  bool operator()(const ReplayProgress& p) {
    const auto now = std::chrono::steady_clock::now();
    const bool last = p.groups_read >= p.groups;
    if (!terminal_ || (!last && now - drawn_ < std::chrono::milliseconds(200))) return true;
    drawn_ = now;
    constexpr std::uint64_t kWidth = 30;
    const auto done = p.groups == 0 ? kWidth : kWidth * p.groups_read / p.groups;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_).count();
    std::cerr << fmt::format("\r[{:#<{}}{:<{}}] {}/{} groups, {} rated, {}/s ", "", done, "", kWidth - done,
                             p.groups_read, p.groups, p.rated,
                             p.rated * 1000 / static_cast<std::uint64_t>(ms + 1))
              << (last ? "\n" : "") << std::flush;
    return true;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), drawn_;
};

int unusable(std::string_view what) {
  std::cerr << what << '\n';
  return 2;
}

int replay(Flags& flags) {
  const auto from = parse_date(flags.from), to = parse_date(flags.to);
  if (!from || !to || *to < *from)
    return unusable("--from and --to are business dates, both included: 2026-11-01");
  flags.options.from = *from;
  flags.options.to = *to;
  if (!flags.schedule.empty()) {
    std::ifstream in(flags.schedule, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return unusable(flags.schedule + ": cannot be read");
    auto loaded = fees::load_schedule(text.str(), flags.schedule);
    if (!loaded) return unusable(loaded.error().text());
    flags.options.candidate = std::move(*loaded);
  }
  storage::StoreOptions store;
  store.log = [](storage::StoreLog, std::string_view) {};
  const auto journal = storage::RocksJournal::open_read_only(flags.data, store);
  if (!journal) return unusable(journal.error().text());
  const auto bar = std::make_shared<Bar>();
  flags.options.progress = [bar](const ReplayProgress& p) { return (*bar)(p); };
  const auto result = replay_fees(**journal, flags.options);
  if (!result) return unusable(result.error().text());
  return print_replay(*result, flags.options, std::cout);
}

}  // namespace

void add_fees_replay_command(CLI::App& app) {
  const auto flags = std::make_shared<Flags>();
  const auto known =
      app.get_subcommands([](const CLI::App* command) { return command->get_name() == "fees"; });
  auto* noun = known.empty() ? app.add_subcommand("fees", "Fee schedules and prices")->require_subcommand(1)
                             : known.front();
  auto* command = noun->add_subcommand("replay", "Rate the transactions of a stopped store again");
  command->add_option("--data", flags->data, "Directory of the store; no server may be running on it")
      ->required();
  command->add_option("--from", flags->from, "First business date")->required();
  command->add_option("--to", flags->to, "Last business date")->required();
  command->add_option("--schedule", flags->schedule,
                      "A candidate (JSON): what it would have changed; their own schedules when absent");
  command->add_option("--merchant", flags->options.merchants, "Only this merchant; may be given again")
      ->type_size(1)
      ->allow_extra_args(false);
  command->add_option("--state", flags->options.state_file,
                      "File that a stopped run goes on from; removed at the end");
  command->add_option("--jobs", flags->options.jobs, "Partitions at a time; one per core when absent");
  command->callback([flags] { exit_with(replay(*flags)); });
}

}  // namespace tollgate::cli
