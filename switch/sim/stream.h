// The sockets of the simulators: addresses, non-blocking TCP, an epoll set, and Stream, which moves many
// messages with one read and one write. A simulator shares two cores with the switch that it drives, so the
// syscall is the unit of cost; that is why this is epoll and not a handler per message.
//
// Owner: the loop of one thread. Thread: none of these types is shared. Promises: no allocation per message;
// a Stream that holds more than its bound of unsent bytes refuses more (P7). A frame that the framing refuses
// closes the stream.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "switch/base/bytes.h"
#include "switch/base/result.h"
#include "switch/base/time.h"
#include "switch/iso/framing.h"

namespace tollgate::sim {

class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept { *this = Fd(); }

 private:
  int fd_ = -1;
};

// "127.0.0.1:8583", "[::1]:8583", "localhost:0". Listening: port 0 takes a free one.
[[nodiscard]] Result<Fd> listen_on(std::string_view address);
// Waits until the connection stands or `patience` is over; the socket is non-blocking afterwards.
[[nodiscard]] Result<Fd> connect_to(std::string_view address, Duration patience);
// "127.0.0.1:41003" of a listening socket.
[[nodiscard]] std::string local_address(const Fd& fd);

// An epoll set with an eventfd that wakes it from another thread.
class Poller {
 public:
  struct Event {
    std::uint64_t token;
    bool readable, writable;  // a hang-up reads as readable: the next read says so
  };
  static constexpr std::uint64_t kWakeToken = UINT64_MAX;

  [[nodiscard]] static Result<Poller> make();
  [[nodiscard]] Result<void> add(int fd, std::uint64_t token);
  void want_write(int fd, std::uint64_t token, bool on) noexcept;
  void remove(int fd) noexcept;
  // Waits no longer than `patience` (negative: for ever). The span is valid until the next wait.
  [[nodiscard]] std::span<const Event> wait(Duration patience) noexcept;
  // Thread: any. The waiting loop gets kWakeToken.
  void wake() const noexcept;

 private:
  Poller() = default;
  Fd epoll_, wake_;
  std::vector<Event> events_;
};

class Stream {
 public:
  Stream() = default;
  // bound: of unsent bytes.
  Stream(Fd fd, const iso::Framing& framing, std::size_t bound = 8U << 20);

  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  void close() noexcept { fd_.reset(); }

  // Reads what the socket has and hands over each whole frame, without its prefix, valid during the call
  // only. False when the peer is gone or sent what is not a frame: the stream is closed then. on_frame may
  // call send() and close().
  template <class OnFrame>
  bool read_frames(OnFrame&& on_frame) {
    while (is_open()) {
      const bool more = fill();
      std::size_t at = begin_;
      while (at < end_) {
        const auto cut = iso::next_frame(framing_, ByteView(in_).subspan(at, end_ - at));
        if (cut.kind == iso::Cut::Kind::refused) close();
        if (cut.kind != iso::Cut::Kind::frame) break;
        at += cut.consumed;
        on_frame(cut.frame);
        if (!is_open()) break;
      }
      begin_ = at;
      if (!more) break;
    }
    return is_open();
  }

  // Appends to the unsent bytes; false when the bound is reached (nothing was taken) or the stream is closed.
  [[nodiscard]] bool send(ByteView bytes);
  // One write of all that is unsent. False when the peer is gone. What the socket did not take stays; see
  // unsent().
  bool flush();
  [[nodiscard]] std::size_t unsent() const noexcept { return out_.size() - sent_; }

 private:
  // One read; true when it filled the room, so that another read makes sense.
  bool fill();

  Fd fd_;
  iso::Framing framing_;
  Bytes in_, out_;
  std::size_t begin_ = 0, end_ = 0, sent_ = 0, bound_ = 0;
};

}  // namespace tollgate::sim
