// The remote commands of `tollgate`: terminals, merchants, transactions, hosts, token, ledger export, apply,
// estate, api, explain. Each noun lies in a file of its own; run functions take streams, so that tests see
// what a person sees.
//
// Thread: main's. A command ends by throwing CLI::RuntimeError with its exit code (exit.h).
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "switch/cli/remote.h"

namespace CLI {
class App;
}

namespace tollgate::cli {

void add_admin_commands(CLI::App& app);

// ---- one function per noun, called by the one above ----
void add_terminal_commands(CLI::App& app);
void add_merchant_commands(CLI::App& app);
void add_transaction_commands(CLI::App& app);
void add_host_commands(CLI::App& app);
void add_token_commands(CLI::App& app);
void add_ledger_export_command(CLI::App& app);
void add_estate_commands(CLI::App& app);
void add_fees_commands(CLI::App& app);
void add_api_commands(CLI::App& app);

struct Console {
  const TargetOptions& options;
  std::ostream& out;
  std::ostream& err;
};

struct ListOptions {
  std::size_t limit = 50;
  std::vector<std::string> filters;  // "state=active", "firmware_version[lt]=2.4.0"
};
void add_list_options(CLI::App& command, ListOptions& options);
// "/v1/terminals?state=active"
[[nodiscard]] std::string list_target(const std::string& path, const std::vector<std::string>& filters);

struct VerbOptions {
  std::string name;  // any id or natural key
  std::string reason, note, until, evidence, hold;
  std::vector<std::string> references;  // "case_ref=R-7": what the reason requires
};
int terminals_get(const Console& console, const std::string& name);
int terminals_suspend(const Console& console, const VerbOptions& verb);
int terminals_activate(const Console& console, const VerbOptions& verb);
int merchants_verb(const Console& console, const std::string& verb, const VerbOptions& options);

struct ExportOptions {
  std::string date, from, to, account, merchant, after, out;
  int partition = 0;
  bool resume = false;
};
int ledger_export(const Console& console, const ExportOptions& options);

int apply_estate(const Console& console, const std::string& file);
// The document with every `file` of a fee schedule replaced by what the file holds, and its content type.
struct EstateText {
  std::string text, content_type;
};
[[nodiscard]] Result<EstateText> read_estate_file(const std::string& file);

// Versions are named "std-card@2".
int fees_get(const Console& console, const std::string& name);
int fees_publish(const Console& console, const std::string& name, const std::string& reason,
                 const std::string& hash);

int explain(const Console& console, const std::string& code);

}  // namespace tollgate::cli
