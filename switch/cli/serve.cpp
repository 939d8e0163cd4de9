#include "switch/cli/serve.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "switch/app.h"
#include "switch/cli/exit.h"
#include "switch/version.h"

namespace tollgate::cli {
namespace {

struct ServeFlags {
  std::string config, data, ports_file, bootstrap_token_file;
  std::vector<std::string> sets;
  bool dumpable = false;
};

int run_serve(const ServeFlags& flags) {
  config::Sources sources{
      .file = flags.config, .environment = config::process_environment(), .sets = flags.sets};
  if (!flags.data.empty()) sources.sets.push_back("store.path=" + flags.data);
  auto loaded = config::load(sources);
  if (!loaded) {
    for (const auto& error : loaded.error()) std::cerr << error.text() << '\n';
    return 2;
  }
  return serve({.loaded = std::move(*loaded),
                .ports_file = flags.ports_file,
                .bootstrap_token_file = flags.bootstrap_token_file,
                .dumpable = flags.dumpable});
}

}  // namespace

void add_serve_commands(CLI::App& app) {
  const auto flags = std::make_shared<ServeFlags>();
  auto* serve_command = app.add_subcommand("serve", "Run the switch until SIGTERM");
  serve_command->add_option("--config", flags->config, "Configuration file (TOML); without one, defaults");
  serve_command->add_option("--data", flags->data,
                            "Directory of the store; overrides store.path. An empty one is formatted");
  serve_command->add_option("--set", flags->sets, "KEY=VALUE: any configuration key; may be given again")
      ->type_size(1)
      ->allow_extra_args(false);
  serve_command->add_option("--ports-file", flags->ports_file,
                            "Written when ready: process id and bound addresses, as JSON");
  serve_command->add_option(
      "--bootstrap-token-file", flags->bootstrap_token_file,
      "On a store without tokens: an admin token with every role, mode 0600 (lab and demo only)");
  serve_command->add_flag("--dumpable", flags->dumpable,
                          "Allow core files and debuggers; keys are in memory");
  serve_command->callback([flags] { exit_with(run_serve(*flags)); });

  app.add_subcommand("version", "Version and commit")->callback([] {
    std::cout << "tollgate " << version() << " (" << commit() << ")\n";
  });
}

}  // namespace tollgate::cli
