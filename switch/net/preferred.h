// Which of the addresses of a name is taken, for listening and for links alike. A pure choice over what the
// resolver gave; it asks nobody and refuses nothing. Thread: any.
#pragma once

#include <boost/asio/ip/tcp.hpp>

namespace tollgate::net {

// The first IPv4 one where there is one: a switch listens and connects where its configuration's readers
// expect, and "localhost" names ::1 first on most machines. The results are not empty.
[[nodiscard]] inline boost::asio::ip::tcp::endpoint preferred(
    const boost::asio::ip::tcp::resolver::results_type& results) {
  for (const auto& result : results) {
    if (result.endpoint().address().is_v4()) return result.endpoint();
  }
  return results.begin()->endpoint();
}

}  // namespace tollgate::net
