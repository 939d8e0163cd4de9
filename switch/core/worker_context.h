// What the partitions and the house of one engine share: the doors, the reference data, the links, the counters. Lives in the
// engine; nothing here outlives it. `now` is the time of the batch of events that is being handled.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "switch/base/chance.h"
#include "switch/core/counters.h"
#include "switch/core/directory.h"
#include "switch/core/engine.h"
#include "switch/core/links.h"
#include "switch/core/outside.h"
#include "fees/engine.h"
#include "switch/core/record_facts.h"
#include "switch/core/reference.h"
#include "switch/crypto/vault.h"
#include "switch/iso/message.h"
#include "switch/ledger/business_day.h"
#include "switch/ledger/posting.h"

namespace tollgate::core {

// What a message is worked out in, one at a time: shared by the partitions of a worker, so that it stays near the
// processor, and reused, so that a message allocates nothing in steady state. A fold uses none of it.
struct Scratch {
  WireWriter record, receipt;
  fees::Assessment assessment;
  std::vector<PricedBase> bases;
  ledger::EntryBuilder entry;
  iso::MessageBuilder builder;
  std::array<std::uint8_t, 512> reversal;  // a frame
};

struct WorkerContext {
  const EngineConfig& config;
  Outside& outside;
  Chance& chance;
  const crypto::KeyVault& vault;
  Counters& counters;
  Links& links;
  ledger::BusinessDay day;
  std::shared_ptr<Directory> directory;
  std::shared_ptr<const Reference> reference;
  Now now;
  bool draining = false;
  bool storage_full = false;
  Scratch scratch{};
};

}  // namespace tollgate::core
