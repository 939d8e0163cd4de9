// Memory that is about to be written to, in steps of 64 KB: the kernel gives 16 pages at one call, where it
// would give one at each of 16 faults. A wish: where it is not granted, nothing else changes.
#pragma once

#include <sys/mman.h>

#include <boost/align/aligned_allocator.hpp>
#include <cstddef>

namespace tollgate {

inline constexpr std::size_t kPopulateStep = std::size_t{64} << 10;

// For vectors that are reserved once and populated as they grow.
template <class T>
using PopulatedAllocator = boost::alignment::aligned_allocator<T, kPopulateStep>;

// `begin` is where a step begins.
inline void populate(void* begin) noexcept {
#ifdef MADV_POPULATE_WRITE
  (void)::madvise(begin, kPopulateStep, MADV_POPULATE_WRITE);
#else
  (void)begin;
#endif
}

}  // namespace tollgate
