// Where a switch can be reached, for the program that started it: the ports file appears, whole, when it is
// ready to serve and not before (CONTRACTS, "tollgate serve"). Owner: the composition root; thread: its.
#pragma once

#include <string>
#include <vector>

#include "switch/admin/backend.h"
#include "switch/config.h"

namespace tollgate {

struct Ports {
  std::string http, metrics;
  std::vector<config::Listener> listeners;
  std::vector<std::string> bound;  // of the listeners, in their order; empty in safe mode
};

// {"pid":123,"http":"…","metrics":"…","listeners":{"pos":"…"}}
[[nodiscard]] std::string ports_json(const Ports& ports);
// "" when written, or when there is no file to write; else why not.
[[nodiscard]] std::string write_ports_file(const std::string& path, const Ports& ports);
void log_start(const Ports& ports, const admin::Facts& facts);

}  // namespace tollgate
