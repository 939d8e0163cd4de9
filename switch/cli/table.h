// Lists and objects of the interface as a person reads them: columns, CSV, lines. CJK characters count two
// columns wide; cells of CSV that a spreadsheet would take for a formula are made text.
//
// Pure; thread: main's.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "switch/cli/remote.h"

namespace tollgate::cli {

struct Column {
  std::string title;
  std::function<std::string(const boost::json::value& row)> cell;
  bool right = false, wide_only = false;
};
[[nodiscard]] Column column(std::string title, std::string path);  // the value at a path
[[nodiscard]] Column number(std::string title, std::string path);  // the same, to the right
[[nodiscard]] Column wide(Column column);

[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;
// Control characters made visible: nobody writes to the terminal through a name.
[[nodiscard]] std::string printable(std::string_view text);
[[nodiscard]] std::string csv_cell(std::string_view text);
// "¥882.10" from minor units and a currency's code.
[[nodiscard]] std::string money(std::string_view minor, std::string_view currency);
// "2026-11-21 18:02:11" from RFC 3339.
[[nodiscard]] std::string short_time(std::string_view time);

using Rows = std::vector<boost::json::value>;
void print_table(const Rows& rows, const std::vector<Column>& columns, bool with_wide, std::ostream& out);
void print_csv(const Rows& rows, const std::vector<Column>& columns, std::ostream& out);

// Fetches a list by its cursor until `limit` rows (0: all of them) and prints it as the options say. Gives
// the exit code.
struct ListCommand {
  std::string target;  // "/v1/terminals?state=active"
  std::vector<Column> columns;
  std::size_t limit = 50;
};
int print_list(Remote& remote, const TargetOptions& options, const ListCommand& list, std::ostream& out,
               std::ostream& err);

}  // namespace tollgate::cli
