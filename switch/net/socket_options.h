// What every TCP connection of the switch is set to. Thread: any.
#pragma once

namespace tollgate::net {

// No delay, and a silent peer's slot is free within 60 s (security, threat 8): probes after 30 s, three of
// them every 10 s; bytes that nobody acknowledges end the connection after 30 s. On a listening socket, what
// it accepts inherits them.
void set_stream_options(int fd) noexcept;

}  // namespace tollgate::net
