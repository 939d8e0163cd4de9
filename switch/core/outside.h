// What the core may ask of the world. The shell (switch/net) implements it with sockets, timers and the commit thread; the
// simulation with a virtual network, clock and journal. Calls return at once and never call back into the engine: what they
// cause arrives later as an event. Bytes are copied or sent before a call returns.
//
// Thread: the worker that owns the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/journal.h"
#include "switch/base/bytes.h"
#include "switch/base/ids.h"
#include "switch/base/time.h"

namespace tollgate::core {

// A terminal's connection: which worker holds it, which slot, which use of that slot. Stale references are ignored.
struct ConnRef {
  std::uint16_t worker = 0;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend constexpr bool operator==(const ConnRef&, const ConnRef&) noexcept = default;
};

enum class CloseReason : std::uint8_t { peer, malformed, idle, frame_timeout, full, shutdown };
[[nodiscard]] std::string_view name(CloseReason reason) noexcept;

using LinkId = Strong<struct LinkTag, std::uint32_t>;  // a link of this worker to a host; stable while the engine lives

class Reference;
struct CommandResult;

class Outside {
 public:
  virtual ~Outside() = default;

  // Terminal side. send appends to the connection's buffer; the shell writes neighbours together.
  virtual void send_terminal(const ConnRef& connection, ByteView bytes) = 0;
  virtual void close_terminal(const ConnRef& connection, CloseReason reason) = 0;
  // A frame whose merchant lives in a partition of another worker: it gets Engine::on_forwarded_frame there. False: that
  // worker's mailbox is full, nothing was taken.
  [[nodiscard]] virtual bool forward_frame(std::uint16_t worker, const ConnRef& from, std::uint16_t listener, ByteView frame) = 0;

  // Host side. connect answers with on_link_up or on_link_down; after close_link no event of that link comes any more.
  virtual void connect_link(LinkId link, std::string_view address) = 0;
  virtual void send_link(LinkId link, ByteView bytes) = 0;
  virtual void close_link(LinkId link) = 0;

  // Journal side: one group of one partition; answered by on_committed.
  virtual void submit(storage::CommitWork&& work) = 0;

  // Commands: the answer to Engine::command with this ticket; what it tells is durable and in force.
  virtual void command_done(std::uint64_t ticket, CommandResult&& result) = 0;
  // New reference data is durable: every engine must get it by on_reference before `installed` is called (on this worker).
  virtual void publish_reference(std::shared_ptr<const Reference> reference, std::function<void()> installed) = 0;
};

}  // namespace tollgate::core
