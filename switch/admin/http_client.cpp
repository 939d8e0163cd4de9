#include "switch/admin/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "switch/admin/http_server.h"

namespace tollgate::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kPartSize = 64U << 10;
constexpr std::size_t kWholeMax = 256U << 20;  // of a body that is kept in memory

}  // namespace

struct Client::State {
  ClientOptions options;
  HostPort server;
  std::string prefix;
  asio::io_context io{1};
  std::optional<beast::tcp_stream> stream;
  beast::flat_buffer buffer;

  // Runs what was started to its end.
  void finish() {
    io.restart();
    io.run();
  }

  Result<void> connect() {
    if (stream && stream->socket().is_open()) return {};
    buffer.clear();
    error_code ec;
    tcp::resolver resolver(io);
    const auto found = resolver.resolve(server.host, std::to_string(server.port), ec);
    if (ec) return fail(ErrorCode::unavailable, "cannot resolve " + server.host + ": " + ec.message());
    stream.emplace(io);
    stream->expires_after(options.connect);
    stream->async_connect(found, [&](error_code result, const tcp::endpoint&) { ec = result; });
    finish();
    if (!ec) return {};
    stream.reset();
    return fail(ErrorCode::unavailable,
                "cannot reach " + server.host + ":" + std::to_string(server.port) + ": " + ec.message());
  }

  Result<ClientResponse> broken(error_code ec) {
    stream.reset();
    return fail(ErrorCode::io, "the connection broke: " + ec.message());
  }

  using Parser = bhttp::response_parser<bhttp::buffer_body>;

  // Reads the body by parts. Gives the error that ended it, or none.
  error_code read_parts(Parser& parser, const Part& part) {
    std::string room(kPartSize, '\0');
    error_code ec;
    while (!parser.is_done()) {
      auto& body = parser.get().body();
      body.data = room.data();
      body.size = room.size();
      body.more = true;
      stream->expires_after(options.io);
      bhttp::async_read_some(*stream, buffer, parser, [&](error_code result, std::size_t) { ec = result; });
      finish();
      if (ec == bhttp::error::need_buffer) ec = {};
      if (ec) return ec;
      const auto got = room.size() - body.size;
      if (got != 0 && !part({room.data(), got})) return make_error_code(asio::error::operation_aborted);
    }
    return {};
  }

  Result<ClientResponse> exchange(const ClientRequest& request, const Part* part);
};

Result<ClientResponse> Client::State::exchange(const ClientRequest& request, const Part* part) {
  const bool reused = stream.has_value() && stream->socket().is_open();
  if (auto connected = connect(); !connected) return std::unexpected(connected.error());
  bhttp::request<bhttp::string_body> message(bhttp::string_to_verb(request.method), prefix + request.target,
                                             11);
  message.method_string(request.method);
  message.set(bhttp::field::host, server.host + ":" + std::to_string(server.port));
  for (const auto& [name, value] : request.headers) message.insert(name, value);
  message.body() = request.body;
  if (!request.body.empty() || request.method != "GET") message.content_length(request.body.size());
  error_code ec;
  stream->expires_after(options.io);
  bhttp::async_write(*stream, message, [&](error_code result, std::size_t) { ec = result; });
  finish();
  Parser parser;
  parser.body_limit(boost::none);
  parser.header_limit(64U << 10);
  if (!ec) {
    bhttp::async_read_header(*stream, buffer, parser, [&](error_code result, std::size_t) { ec = result; });
    finish();
  }
  // A kept connection may have died while nothing was sent; a read may be repeated, an order may not (it may
  // have been taken).
  if (ec && reused && request.method == "GET") {
    stream.reset();
    return exchange(request, part);
  }
  if (ec) return broken(ec);
  ClientResponse response;
  response.status = parser.get().result_int();
  bool too_long = false;
  const Part keep = [&](std::string_view bytes) {
    too_long = response.body.size() + bytes.size() > kWholeMax;
    if (!too_long) response.body.append(bytes);
    return !too_long;
  };
  ec = read_parts(parser, part != nullptr && response.status / 100 == 2 ? *part : keep);
  if (too_long) return fail(ErrorCode::full, "the response is larger than 256 MiB");
  if (ec) return broken(ec);
  for (const auto& field : parser.get())
    response.headers.add(std::string(field.name_string()), std::string(field.value()));
  if (!parser.get().keep_alive()) stream.reset();
  return response;
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::to(std::string_view url, const ClientOptions& options) {
  constexpr std::string_view kScheme = "http://";
  if (url.starts_with("https://"))
    return fail(ErrorCode::invalid, "TLS is not supported here: put a tunnel before it", std::string(url));
  if (!url.starts_with(kScheme)) return fail(ErrorCode::invalid, "not an http:// address", std::string(url));
  auto state = std::make_unique<State>();
  state->options = options;
  auto rest = url.substr(kScheme.size());
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) {
    state->prefix = rest.substr(slash);
    if (state->prefix.ends_with('/')) state->prefix.pop_back();
    rest = rest.substr(0, slash);
  }
  auto parts = split_address(rest);
  if (!parts) parts = split_address(std::string(rest) + ":80");
  if (!parts) return std::unexpected(parts.error());
  state->server = *parts;
  return Client(std::move(state));
}

Result<ClientResponse> Client::send(const ClientRequest& request) {
  return state_->exchange(request, nullptr);
}

Result<ClientResponse> Client::stream(const ClientRequest& request, const Part& part) {
  return state_->exchange(request, &part);
}

}  // namespace tollgate::http
