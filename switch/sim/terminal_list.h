// Which terminals a simulator plays: from a file, or a range that is generated. Pure but for reading the
// file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "switch/base/result.h"
#include "switch/sim/terminal.h"

namespace tollgate::sim {

// Either an array of {"tid", "merchant_code", "tmk", "serial_number"?}, or an estate document, whose
// "terminals" have "lab_keys": {"tmk"} instead. A terminal without a clear TMK cannot be played: refused with
// its pointer.
[[nodiscard]] Result<std::vector<TerminalConfig>> parse_terminals(std::string_view json,
                                                                  std::string_view file);
[[nodiscard]] Result<std::vector<TerminalConfig>> load_terminals(const std::string& path);

struct TerminalRange {
  std::string first_tid = "10000001";  // counts up; 8 digits
  std::size_t count = 1;
  std::string first_merchant = "102290058120001";  // counts up; 15 digits
  std::size_t merchants = 1;                       // terminal i belongs to merchant i modulo this
  std::string tmk = "11111111111111111111111111111111";
};
[[nodiscard]] Result<std::vector<TerminalConfig>> generate_terminals(const TerminalRange& range);

}  // namespace tollgate::sim
