// `tollgate serve` and `tollgate version`: flags into options, errors of the configuration to the terminal.
// Thread: main's; owns nothing.
#pragma once

namespace CLI {
class App;
}

namespace tollgate::cli {

void add_serve_commands(CLI::App& app);

}  // namespace tollgate::cli
