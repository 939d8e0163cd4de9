// What other threads have for a worker: frames of terminals whose merchant lives here, answers for
// connections that are held here, groups that became durable, new connections, and tasks (commands, views,
// reference data). Many puts, one look: the worker swaps the whole box under the mutex and is woken once per
// batch. Bytes lie in one arena, so a frame costs no allocation once the box has grown.
//
// Thread: put() any, take() the owner. Bounds: forwarded frames and tasks are refused at their bound (P7);
// the rest is bounded by what caused it: one group a partition, the requests in flight, the budget of
// sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "storage/committer.h"
#include "switch/base/bytes.h"
#include "switch/core/outside.h"

namespace tollgate::net {

struct Mail {
  enum class Kind : std::uint8_t { frame, reply, close };
  struct Message {
    Kind kind = Kind::frame;
    core::CloseReason reason = core::CloseReason::peer;
    std::uint16_t listener = 0;
    core::ConnRef connection{};
    std::uint32_t offset = 0, size = 0;  // in bytes
  };
  struct Committed {
    storage::CommitWork work;
    storage::AppendResult result = storage::AppendResult::durable;
  };
  struct Socket {
    int fd = -1;
    std::uint16_t listener = 0;
  };
  using Task = std::function<void()>;

  std::vector<Message> messages;
  Bytes bytes;
  std::vector<Committed> committed;
  std::vector<Socket> sockets;
  std::vector<Task> tasks;

  void add(Message message, ByteView content) {
    message.offset = static_cast<std::uint32_t>(bytes.size());
    message.size = static_cast<std::uint32_t>(content.size());
    bytes.insert(bytes.end(), content.begin(), content.end());
    messages.push_back(message);
  }
  [[nodiscard]] ByteView content(const Message& message) const noexcept {
    return ByteView(bytes).subspan(message.offset, message.size);
  }
  void append(const Mail& other) {  // messages only
    const auto shift = static_cast<std::uint32_t>(bytes.size());
    bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
    for (auto message : other.messages) {
      message.offset += shift;
      messages.push_back(message);
    }
  }
  void clear() noexcept {  // keeps the memory
    messages.clear();
    bytes.clear();
    committed.clear();
    sockets.clear();
    tasks.clear();
  }
};

class Mailbox {
 public:
  struct Bounds {
    std::uint32_t messages = 65'536;
    std::uint32_t tasks = 4'096;
    std::uint32_t bytes = 32U << 20;
  };
  // wake: runs in the putting thread, without the lock, when the box was empty.
  Mailbox(Bounds bounds, std::function<void()> wake) : bounds_(bounds), wake_(std::move(wake)) {}

  template <class Fill>
  void put(Fill&& fill) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      fill(mail_);
      depth_.store(static_cast<std::uint32_t>(mail_.messages.size()), std::memory_order_relaxed);
      wake = !std::exchange(woken_, true);
    }
    if (wake) wake_();
  }
  // False: the bound is reached and nothing was taken.
  [[nodiscard]] bool put_task(Mail::Task task) {
    bool full = false;
    put([&](Mail& mail) {
      full = mail.tasks.size() >= bounds_.tasks;
      if (!full) mail.tasks.push_back(std::move(task));
    });
    return !full;
  }
  // Whether `more` further messages of another worker have room. A hint: several workers may see the same
  // room.
  [[nodiscard]] bool has_room(std::size_t more, std::size_t more_bytes) const noexcept {
    return depth() + more < bounds_.messages && more_bytes < bounds_.bytes;
  }
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_.load(std::memory_order_relaxed); }

  // All there is; valid until the next take().
  [[nodiscard]] Mail& take() {
    taken_.clear();
    const std::lock_guard lock(mutex_);
    std::swap(mail_, taken_);
    depth_.store(0, std::memory_order_relaxed);
    woken_ = false;
    return taken_;
  }

  // Only the groups: for an owner that waits for the journal in the middle of its mail.
  [[nodiscard]] std::vector<Mail::Committed> take_committed() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mail_.committed, {});
  }

 private:
  const Bounds bounds_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  Mail mail_;
  Mail taken_;  // the owner's
  std::atomic<std::uint32_t> depth_{0};
  bool woken_ = false;
};

}  // namespace tollgate::net
