// Addresses of sockets as the configuration writes them: "127.0.0.1:8583", "[::1]:8583", "localhost:0". Pure
// text; nobody is asked here who "localhost" is. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "switch/base/result.h"

namespace tollgate::net {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};

// Refuses what has no host, no port, or a port above 65535; the text of the error names the address.
[[nodiscard]] Result<HostPort> parse_address(std::string_view address);

}  // namespace tollgate::net
