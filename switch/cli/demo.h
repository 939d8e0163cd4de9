// `tollgate demo`: a whole switch to look at, in a directory of its own and without root: the switch in its
// own process, two simulated hosts, terminals that trade over real sockets, one line of figures a second.
// Headless with --assert it is a smoke test: approvals must flow, replies must fit, the switch must drain,
// and the books must verify afterwards.
//
// Thread: main's, and one each for the hosts and the terminals. Promises: takes free ports, says which;
// removes what it made.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace CLI {
class App;
}

namespace tollgate::cli {

struct DemoOptions {
  std::uint32_t tps = 200, terminals = 50;
  std::string keep;     // directory that stays; empty: a temporary one
  std::string run_for;  // "20s"; empty: until told
  bool headless = false, must_hold = false;
  std::uint32_t crashes = 0;  // `demo chaos`: how often the switch is killed hard
  std::uint64_t seed = 1;
};

// 0: done; 1: something that --assert demands did not hold, or the switch did not start; 2: an option is
// wrong.
[[nodiscard]] int run_demo(const DemoOptions& options, std::ostream& out);

void add_demo_commands(CLI::App& app);

}  // namespace tollgate::cli
