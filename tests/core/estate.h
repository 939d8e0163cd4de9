// A small estate as commands: what the rig, the bench and other tests give an engine before the first
// message. Hosts by name (their address is the name), cards, one route, one schedule (0.6 % cards, 0.5 %
// debit cards up to 20.00, 0.38 % QR, instant 3.00), merchants, terminals 10000001 ... with the published
// test TMK.
#pragma once

#include <string>
#include <vector>

#include "switch/core/commands.h"

namespace tollgate::test {

inline constexpr const char* kMerchant = "102290058120001";
inline constexpr const char* kTmk = "11111111111111111111111111111111";

struct HouseEstate {
  std::vector<std::string> hosts = {"cup"};
  std::uint32_t links = 1;
  std::uint32_t host_in_flight_max = 32;
  std::uint32_t timeout_ms = 15'000;
  bool zone_keys = true;  // of the hosts
  std::string schedule;   // JSON; empty: as above
};

// In the order in which they must be given.
[[nodiscard]] std::vector<core::HouseCommand> house_commands(const HouseEstate& estate);
[[nodiscard]] std::string merchant_code_of(std::uint32_t number);  // 1 is kMerchant
[[nodiscard]] core::SetMerchant merchant_command(std::uint32_t number);
[[nodiscard]] std::string tid_of(std::uint32_t number);  // 1 is 10000001
[[nodiscard]] core::SetDevice device_command(std::uint32_t number);
[[nodiscard]] core::SetTerminal terminal_command(std::uint32_t number, std::uint32_t merchant, bool active);

}  // namespace tollgate::test
