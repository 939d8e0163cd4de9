// The two buffers of a connection. InBuffer takes whole batches of frames per read and keeps what is left of
// a partial frame; OutBuffer gathers what is to be written, so that many answers leave with one write.
// Neither allocates once it has grown to what its connection needs. What was consumed or sent is wiped: card
// data does not wait in memory for the next message. Owner: one connection. Thread: its worker's.
#pragma once

#include <algorithm>
#include <cstring>

#include "switch/base/bytes.h"
#include "switch/base/check.h"
#include "switch/base/sensitive.h"

namespace tollgate::net {

class InBuffer {
 public:
  struct Bounds {
    std::size_t initial = 4096;
    std::size_t wide = 16 << 10;  // grows to this while reads fill it: about 80 frames a read
    std::size_t most =
        68 << 10;  // grows to this only for a frame that does not fit: 65,535 bytes and their prefix
  };
  explicit InBuffer(Bounds bounds) noexcept : bounds_(bounds) {}

  // Where the next read goes; never empty unless is_stuck().
  [[nodiscard]] MutableBytes room() {
    if (memory_.empty()) memory_.resize(bounds_.initial);
    if (begin_ == end_) begin_ = end_ = 0;
    if (begin_ != 0 && memory_.size() - end_ < memory_.size() / 4) compact();
    const bool filled = std::exchange(last_read_filled_, false);
    if (filled && memory_.size() < bounds_.wide) {
      memory_.resize(std::min(memory_.size() * 2, bounds_.wide));
    } else if (end_ == memory_.size()) {
      memory_.resize(std::min(memory_.size() * 2, bounds_.most));
    }
    return MutableBytes(memory_).subspan(end_);
  }
  void added(std::size_t n) noexcept {
    TG_CHECK(n <= memory_.size() - end_);
    end_ += n;
    last_read_filled_ = end_ == memory_.size();
  }
  void consume(std::size_t n) noexcept {
    TG_CHECK(n <= end_ - begin_);
    wipe(memory_.data() + begin_, n);
    begin_ += n;
  }
  [[nodiscard]] ByteView view() const noexcept { return ByteView(memory_).subspan(begin_, end_ - begin_); }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  // Full of something that nobody consumes: no dialect has such a frame.
  [[nodiscard]] bool is_stuck() const noexcept { return end_ - begin_ >= bounds_.most; }

 private:
  void compact() noexcept {
    std::memmove(memory_.data(), memory_.data() + begin_, end_ - begin_);
    wipe(memory_.data() + (end_ - begin_), begin_);
    end_ -= begin_;
    begin_ = 0;
  }

  Bounds bounds_;
  WipedBytes memory_;
  std::size_t begin_ = 0, end_ = 0;
  bool last_read_filled_ = false;
};

class OutBuffer {
 public:
  // Room is made in advance: a vector with an allocator of its own appends byte by byte.
  void append(ByteView bytes) {
    if (memory_.size() - end_ < bytes.size())
      memory_.resize(std::max({kFirst, 2 * memory_.size(), end_ + bytes.size()}));
    std::copy(bytes.begin(), bytes.end(), memory_.data() + end_);
    end_ += bytes.size();
  }
  [[nodiscard]] ByteView unsent() const noexcept { return ByteView(memory_).subspan(sent_, end_ - sent_); }
  [[nodiscard]] bool empty() const noexcept { return sent_ == end_; }
  void sent(std::size_t n) {
    TG_CHECK(n <= end_ - sent_);
    sent_ += n;
    if (sent_ == end_) {
      wipe(memory_.data(), end_);
      sent_ = end_ = 0;
      if (memory_.size() > kKeep) WipedBytes().swap(memory_);
    } else if (sent_ > kKeep) {  // a slow reader: give back what it took
      const auto at = memory_.begin();
      WipedBytes rest(at + static_cast<std::ptrdiff_t>(sent_), at + static_cast<std::ptrdiff_t>(end_));
      memory_.swap(rest);
      end_ -= sent_;
      sent_ = 0;
    }
  }

 private:
  static constexpr std::size_t kFirst = 1024, kKeep = 256 << 10;
  WipedBytes memory_;
  std::size_t sent_ = 0, end_ = 0;
};

}  // namespace tollgate::net
