#include "storage/rocks_log_tail.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <optional>

namespace tollgate::storage::rocks {
namespace {

constexpr std::size_t kBlock = 32U << 10, kHeader = 7;
constexpr std::uint64_t kLookMax = 256U << 20;  // of what may be fragments: a second, then it is in doubt
enum Type : std::uint8_t { kNone = 0, kFull, kFirst, kMiddle, kLast };

struct Fragment {
  Type type;
  std::size_t length;  // of the content
  std::uint32_t crc;
  [[nodiscard]] bool begins() const noexcept { return type == kFull || type == kFirst; }
  [[nodiscard]] bool ends() const noexcept { return type == kFull || type == kLast; }
  [[nodiscard]] std::size_t size() const noexcept { return kHeader + length; }
};

// nullopt: no fragment begins here, or it does not end in this block.
std::optional<Fragment> fragment_at(ByteView block, std::size_t at) {
  const auto* p = block.data() + at;
  const Fragment f{
      static_cast<Type>(p[6]), std::size_t{p[4]} | std::size_t{p[5]} << 8,
      std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 | std::uint32_t{p[3]} << 24};
  if (f.type == kNone || f.type > kLast || f.size() > block.size() - at) return std::nullopt;
  return f;
}

bool is_whole(ByteView block, std::size_t at, const Fragment& f) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(block.data() + at + kHeader - 1, 1 + f.length);
  const auto plain = crc.checksum();
  return f.crc == ((plain >> 15) | (plain << 17)) + 0xa282ead8U;
}

class Blocks {
 public:
  Blocks(std::uint64_t size, const ReadLog& read) : size_(size), read_(read), bytes_(kBlock) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // The block that `offset` lies in; empty when it cannot be read.
  [[nodiscard]] ByteView of(std::uint64_t offset) {
    const auto begin = offset / kBlock * kBlock;
    const auto out = MutableBytes(bytes_).first(std::min<std::uint64_t>(kBlock, size_ - begin));
    return read_(begin, out) ? ByteView(out) : ByteView();
  }

 private:
  std::uint64_t size_;
  const ReadLog& read_;
  Bytes bytes_;
};

struct Walk {
  std::uint64_t last_begin = 0, last_end = 0;  // of the last record that has all its fragments
  std::uint64_t stopped = 0;  // from here nothing follows, or nothing that makes sense: the beginning of the
                              // record under way, if there is one
  bool in_doubt = false;      // fragments in an order that no writer makes, or an error
};

// From header to header, without a look at the contents.
Walk walk(Blocks& blocks) {
  Walk out;
  std::uint64_t begin = 0;
  bool under_way = false;
  for (std::uint64_t start = 0; start < blocks.size(); start += kBlock) {
    const auto block = blocks.of(start);
    if (block.empty()) return {.last_begin = 0, .last_end = 0, .stopped = 0, .in_doubt = true};
    std::size_t at = 0;
    while (at + kHeader <= block.size()) {
      const auto f = fragment_at(block, at);
      out.stopped = under_way ? begin : start + at;
      if (!f) return out;
      if (f->begins() == under_way) {  // a beginning inside a record, or an inside without one
        out.in_doubt = true;
        return out;
      }
      if (f->begins()) begin = start + at;
      under_way = !f->ends();
      at += f->size();
      if (!under_way) {
        out.last_begin = begin;
        out.last_end = start + at;
      }
    }
    out.stopped = under_way ? begin : start + at;
  }
  return out;
}

// All fragments from `begin` to `end`, which the walk has met.
bool is_whole(Blocks& blocks, std::uint64_t begin, std::uint64_t end) {
  for (auto start = begin; start < end;) {
    const auto block = blocks.of(start);
    if (block.empty()) return false;
    auto at = static_cast<std::size_t>(start % kBlock);
    while (at + kHeader <= block.size() && start < end) {
      const auto f = fragment_at(block, at);
      if (!f || !is_whole(block, at, *f)) return false;
      at += f->size();
      start += f->size();
    }
    if (start < end) start = (start / kBlock + (start % kBlock != 0 ? 1 : 0)) * kBlock;  // past the trailer
  }
  return true;
}

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

bool zeros_from(Blocks& blocks, std::uint64_t end) {
  for (auto start = end; start < blocks.size(); start = (start / kBlock + 1) * kBlock) {
    const auto block = blocks.of(start);
    if (block.empty() || !all_zero(block.subspan(static_cast<std::size_t>(start % kBlock)))) return false;
  }
  return true;
}

// Does a record begin anywhere behind the place where the walk stopped? Then that place is no tail. Headers
// tell where the next one is; with one of them gone, every byte may begin a fragment.
bool record_begins_behind(Blocks& blocks, std::uint64_t stopped) {
  std::uint64_t looked_at = 0;
  for (auto start = stopped / kBlock * kBlock; start < blocks.size(); start += kBlock) {
    const auto block = blocks.of(start);
    if (block.empty()) return true;
    auto at = stopped > start ? static_cast<std::size_t>(stopped - start) + 1 : 0;
    if (at < block.size() && all_zero(block.subspan(at))) continue;
    for (; at + kHeader <= block.size(); ++at) {
      const auto f = fragment_at(block, at);
      if (!f || !f->begins()) continue;
      looked_at += f->size();
      if (looked_at > kLookMax || is_whole(block, at, *f)) return true;
    }
  }
  return false;
}

}  // namespace

LogEnd log_end(std::uint64_t size, const ReadLog& read) {
  Blocks blocks(size, read);
  const auto seen = walk(blocks);
  if (seen.in_doubt || record_begins_behind(blocks, seen.stopped)) return {size, false};
  auto end = seen.last_end;
  if (!is_whole(blocks, seen.last_begin, seen.last_end)) {
    // A wrong length may have led the walk past other records.
    if (record_begins_behind(blocks, seen.last_begin)) return {size, false};
    end = seen.last_begin;
  }
  return {end, !zeros_from(blocks, end)};
}

}  // namespace tollgate::storage::rocks
