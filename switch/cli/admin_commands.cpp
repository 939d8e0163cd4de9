#include "switch/cli/admin_commands.h"

#include <CLI/CLI.hpp>

#include "switch/admin/query.h"

namespace tollgate::cli {

void add_admin_commands(CLI::App& app) {
  add_terminal_commands(app);
  add_merchant_commands(app);
  add_transaction_commands(app);
  add_host_commands(app);
  add_token_commands(app);
  add_ledger_export_command(app);
  add_estate_commands(app);
  add_fees_commands(app);
  add_api_commands(app);
}

void add_list_options(CLI::App& command, ListOptions& options) {
  command.add_option("--limit", options.limit, "How many; 0: all of them")->capture_default_str();
  command.add_option("--filter", options.filters,
                     "NAME=VALUE or NAME[lt]=VALUE, as the interface takes them");
}

std::string list_target(const std::string& path, const std::vector<std::string>& filters) {
  auto target = path;
  for (const auto& filter : filters) {
    const auto equals = filter.find('=');
    const auto name = filter.substr(0, equals);
    const auto value = equals == std::string::npos ? std::string() : filter.substr(equals + 1);
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += admin::percent_encode(name) + "=" + admin::percent_encode(value);
  }
  return target;
}

}  // namespace tollgate::cli
