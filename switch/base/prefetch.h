// Memory that will be needed soon is asked for before there is something to wait for. A hint: it changes
// nothing, and an address that is not there does no harm.
#pragma once

#include <cstddef>

namespace tollgate {

// The lines of `size` bytes at `at`, to be written to.
inline void prefetch_for_writing(const void* at, std::size_t size) noexcept {
  constexpr std::size_t kLine = 64;
  const auto* bytes = static_cast<const char*>(at);
  for (std::size_t offset = 0; offset < size; offset += kLine) {
    __builtin_prefetch(bytes + offset, 1);
    // g++ takes a function that does nothing else for one without effect, and drops the calls of it.
    asm volatile("" : : "r"(bytes + offset));
  }
}

// The lines from `begin` to `end`, which lies behind it in the same object.
inline void prefetch_for_writing(const void* begin, const void* end) noexcept {
  prefetch_for_writing(
      begin, static_cast<std::size_t>(static_cast<const char*>(end) - static_cast<const char*>(begin)));
}

}  // namespace tollgate
