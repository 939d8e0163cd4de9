// What a thread tells the kernel about itself. The calls are hints: where the kernel refuses, nothing is
// said and nothing breaks. Thread: each call is about the calling one.
#pragma once

namespace tollgate {

// The name in ps, top and perf; at most 15 characters.
void name_this_thread(const char* name) noexcept;

// For a thread that mostly waits for a disk and whose next step holds up everybody else: it asks for slices
// of 0.1 ms, so that a scheduler that honours them (Linux 6.12 and later, EEVDF) lets it run as soon as it
// wakes. Without, it waits for the running thread's slice: up to 4 ms on a busy machine, many times what the
// disk takes. Needs no privilege; changes no share of the processor.
void prefer_short_slices() noexcept;

// For a thread whose work nobody waits for: the lowest share of the processor (nice 19), for good, because
// going back needs a privilege. Not the idle class: on a machine that is busy for hours it would never come
// to its end.
void yield_to_others() noexcept;

}  // namespace tollgate
