// The table of subcommands, nothing else. Each noun lies in switch/cli/ and adds itself; a command ends by
// throwing CLI::RuntimeError with its exit code (switch/cli/exit.h), which is 0 when it says nothing.
#include <CLI/CLI.hpp>

#include "switch/cli/admin_commands.h"
#include "switch/cli/demo.h"
#include "switch/cli/fees_replay.h"
#include "switch/cli/ledger_verify.h"
#include "switch/cli/offline_commands.h"
#include "switch/cli/serve.h"
#include "switch/cli/sim_tools.h"

int main(int argc, char** argv) {
  CLI::App app("Tollgate: an ISO 8583 transaction switch, fee engine and ledger", "tollgate");
  app.require_subcommand(1);
  tollgate::cli::add_serve_commands(app);
  tollgate::cli::add_demo_commands(app);
  tollgate::cli::add_sim_commands(app);
  tollgate::cli::add_admin_commands(app);
  tollgate::cli::add_ledger_verify_command(app);
  tollgate::cli::add_offline_commands(app);
  tollgate::cli::add_fees_replay_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& ended) {
    return ended.get_exit_code();
  } catch (const CLI::ParseError& error) {
    constexpr int kUsage = 2;
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return 0;
}
