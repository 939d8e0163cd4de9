#include "switch/net/address.h"

#include <charconv>

namespace tollgate::net {

Result<HostPort> parse_address(std::string_view address) {
  const auto refuse = [&](const char* why) { return fail(ErrorCode::invalid, why, std::string(address)); };
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refuse("an address is host:port");
  auto host = address.substr(0, colon);
  const auto digits = address.substr(colon + 1);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']')
      return refuse("an IPv6 address stands in brackets: [::1]:8583");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse("an IPv6 address stands in brackets: [::1]:8583");
  }
  std::uint16_t port = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, port);
  if (digits.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return refuse("a port is 0 to 65535");
  return HostPort{std::string(host), port};
}

}  // namespace tollgate::net
