// The sample estate of `tollgate demo`: twelve merchants in Shanghai with their terminals, three fee
// schedules and two hosts, as one estate document (reference "operations interface", section 8). All names,
// codes and keys are invented or published test values. Pure; thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "switch/sim/terminal.h"

namespace tollgate::cli {

struct DemoHosts {
  std::string cards, wallets;  // addresses
};

inline constexpr std::uint32_t kDemoTerminalsMax = 9'999;

[[nodiscard]] std::string demo_estate(std::uint32_t terminals, const DemoHosts& hosts);
// The same terminals, from their side.
[[nodiscard]] std::vector<sim::TerminalConfig> demo_terminals(std::uint32_t terminals);
// "12 merchants, 50 terminals, 3 fee schedules, 2 hosts"
[[nodiscard]] std::string demo_summary(std::uint32_t terminals);

}  // namespace tollgate::cli
