// `tollgate sim terminals` and `tollgate sim host`: terminals and hosts that speak the real protocol, against
// any target address. Lab only: terminals hold clear test keys. Thread: the caller's; each call starts one
// thread of its own and ends it, and takes SIGINT and SIGTERM as "stop" while it runs.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace CLI {
class App;
}

namespace tollgate::cli {

// Texts are what was typed: "10s", "5%", "sale=80,qr=20" (sim/option_text.h).
struct SimTerminalsOptions {
  std::string target = "127.0.0.1:8583";
  std::string profile = "cup";
  std::string file;  // JSON list or estate; empty: the range below
  std::string first_tid = "10000001";
  std::size_t count = 1;
  std::string first_merchant = "102290058120001";
  std::size_t merchants = 1;
  std::string tmk = "11111111111111111111111111111111";
  std::uint32_t tps = 50;
  std::string run_for;       // empty: until a signal
  std::uint64_t starts = 0;  // ends after so many transactions; 0: no such end
  std::string mix;           // empty: the default mix
  std::string timeout = "30s";
  std::size_t connections = 4;
  std::string log;               // outcomes, one JSON object a line
  std::uint32_t first_stan = 0;  // 0: by the time of day
  std::uint64_t seed = 1;
};

struct SimHostOptions {
  std::string listen = "127.0.0.1:9583";
  std::string dialect = "iso87-ascii";
  std::string script;  // TOML (sim/host_script.h)
  std::string decline = "0%";
  std::string latency = "0ms";
  std::string timeout = "15s";  // the switch's: "late" is twice as long
  std::string log;              // decisions, one JSON object a line
  std::string run_for;          // empty: until a signal
  std::uint64_t seed = 1;
};

// Writes a line a second and totals at the end. 0: done; 1: nobody could sign in, a reply did not fit or the
// log broke; 2: an option or file is wrong, with the reason.
[[nodiscard]] int run_sim_terminals(const SimTerminalsOptions& options, std::ostream& out);
// Writes "listening ADDRESS" first and totals at the end. 0: done; 1: cannot listen; 2: an option or file is
// wrong.
[[nodiscard]] int run_sim_host(const SimHostOptions& options, std::ostream& out);

// The subcommands with their flags.
void add_sim_commands(CLI::App& app);

}  // namespace tollgate::cli
