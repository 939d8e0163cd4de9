// Commands that need neither a server nor a store: what a file says, held against the code that would run it. `iso`, `fees
// check|quote`, `crypto check`, `config`. Each adds itself under its noun, or to the noun that is already there.
// Thread: main's.
#pragma once

namespace CLI {
class App;
}

namespace tollgate::cli {

void add_offline_commands(CLI::App& app);

}  // namespace tollgate::cli
