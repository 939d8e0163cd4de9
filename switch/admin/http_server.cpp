#include "switch/admin/http_server.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <thread>
#include <unordered_set>

#include "switch/base/log.h"
#include "switch/base/thread.h"

namespace tollgate::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadSize = 8U << 10;

Request take_head(const bhttp::request_header<>& head, const std::string& peer) {
  Request request;
  request.method = head.method_string();
  request.target = head.target();
  request.peer = peer;
  for (const auto& field : head)
    request.headers.add(std::string(field.name_string()), std::string(field.value()));
  return request;
}

template <class Message>
void put_headers(const Headers& headers, Message& message) {
  for (const auto& [name, value] : headers) message.insert(name, value);
}

}  // namespace

Result<HostPort> split_address(std::string_view address) {
  const auto colon = address.rfind(':');
  HostPort parts;
  if (colon != std::string_view::npos && colon + 1 < address.size()) {
    auto host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
      host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
      host = {};
    const auto port = address.substr(colon + 1);
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
    if (!host.empty() && failed == std::errc() && end == port.data() + port.size()) {
      parts.host = host;
      return parts;
    }
  }
  return fail(ErrorCode::invalid, "not an address and a port: " + std::string(address));
}

class Session;

struct Server::State {
  State(const ServerOptions& o, Service& s) : options(o), service(s), handlers(o.handler_threads) {}

  ServerOptions options;
  Service& service;
  std::unordered_set<Session*> sessions;  // of the socket thread; outlives what a session may wait in
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  asio::thread_pool handlers;
  std::string bound;
  std::thread thread;
  bool stopping = false;

  void accept();
  void turn_away(tcp::socket& socket);
};

// One connection. Everything but the handlers runs on the socket thread; a session lives as long as something
// waits for it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server::State& server, tcp::socket socket) : server_(server), stream_(std::move(socket)) {
    error_code ignored;
    const auto peer = stream_.socket().remote_endpoint(ignored);
    peer_ = peer.address().to_string();
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    server_.sessions.insert(this);
  }
  ~Session() { server_.sessions.erase(this); }

  void wait_for_request() {
    if (buffer_.size() != 0) return read_header();  // sent ahead
    stream_.expires_after(server_.options.idle);
    stream_.async_read_some(buffer_.prepare(kReadSize),
                            [self = shared_from_this()](error_code ec, std::size_t n) {
                              if (ec) return self->close();
                              self->buffer_.commit(n);
                              self->read_header();
                            });
  }

  void close() {
    closed_ = true;
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

 private:
  using Parser = bhttp::request_parser<bhttp::string_body>;

  void read_header() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_.options.header_max));
    parser_->body_limit(boost::none);  // decided by Admission, below
    stream_.expires_after(server_.options.header);
    bhttp::async_read_header(stream_, buffer_, *parser_,
                             [self = shared_from_this()](error_code ec, std::size_t) {
                               if (ec) return self->unreadable(ec);
                               self->admit();
                             });
  }

  void unreadable(error_code ec) {
    if (ec == bhttp::error::header_limit) return last_word(431, "header too large");
    if (ec == bhttp::error::body_limit) return last_word(413, "body too large");
    if (ec == bhttp::error::end_of_stream || ec == bhttp::error::partial_message ||
        ec == beast::error::timeout)
      return close();
    if (ec.category() == make_error_code(bhttp::error::bad_method).category())
      return last_word(400, ec.message());
    close();
  }

  void last_word(unsigned status, std::string_view why) {
    auto response = server_.service.refuse(status, why);
    response.close = true;
    write(std::move(response));
  }

  void admit() {
    request_ = take_head(parser_->get(), peer_);
    keep_alive_ = parser_->keep_alive();
    http_1_1_ = parser_->get().version() >= 11;
    head_only_ = request_.method == "HEAD";
    if (head_only_) request_.method = "GET";
    auto admission = server_.service.admit(request_);
    if (admission.refusal) {
      // The body stays unread, so the connection cannot be used again, unless there is none.
      const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) != 0;
      if (has_body) admission.refusal->close = true;
      if (!has_body && !parser_->is_done()) admission.refusal->close = true;
      return write(std::move(*admission.refusal));
    }
    if (parser_->content_length().value_or(0) > admission.body_max) return last_word(413, "body too large");
    parser_->body_limit(admission.body_max);
    body_deadline_ = admission.body_max > (1U << 20) ? server_.options.large_body : server_.options.body;
    const auto expects = parser_->get()[bhttp::field::expect];
    if (beast::iequals(expects, "100-continue") && !parser_->is_done()) return say_continue();
    read_body();
  }

  void say_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    stream_.expires_after(server_.options.write);
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = shared_from_this()](error_code ec, std::size_t) {
                        if (ec) return self->close();
                        self->read_body();
                      });
  }

  void read_body() {
    if (parser_->is_done()) return run_handler();
    stream_.expires_after(body_deadline_);
    bhttp::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code ec, std::size_t) {
      if (ec) return self->unreadable(ec);
      self->run_handler();
    });
  }

  void run_handler() {
    stream_.expires_never();
    request_.body = std::move(parser_->get().body());
    asio::post(server_.handlers, [self = shared_from_this()]() mutable {
      self->response_ = self->server_.service.handle(std::move(self->request_));
      back(std::move(self), [](Session& session) { session.write(std::move(session.response_)); });
    });
  }

  // A session ends its life on the socket thread only, whichever thread lets go last.
  template <class Then>
  static void back(std::shared_ptr<Session>&& self, Then then) {
    auto& io = self->server_.io;
    asio::post(io, [moved = std::move(self), then]() mutable {
      if (!moved->closed_) then(*moved);
    });
  }

  void write(Response&& response) {
    if (&response != &response_) response_ = std::move(response);  // moving a string onto itself empties it
    stream_.expires_after(server_.options.write);
    keep_alive_ = keep_alive_ && !response_.close && !server_.stopping;
    if (response_.source != nullptr) return write_stream_header();
    whole_.emplace(static_cast<bhttp::status>(response_.status), http_1_1_ ? 11 : 10);
    put_headers(response_.headers, *whole_);
    whole_->keep_alive(keep_alive_);
    whole_->content_length(response_.body.size());
    if (!head_only_) whole_->body() = std::move(response_.body);
    bhttp::async_write(stream_, *whole_,
                       [self = shared_from_this()](error_code ec, std::size_t) { self->written(ec); });
  }

  void written(error_code ec) {
    whole_.reset();
    stream_header_.reset();
    response_ = {};
    if (ec) return close();
    if (!keep_alive_) return linger();
    parser_.reset();
    wait_for_request();
  }

  // Closing while unread bytes wait makes TCP send a reset, which may overtake the answer. So: half-close,
  // then read away what comes for a moment.
  void linger() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(std::chrono::seconds(1));
    swallow(1U << 20);
  }
  void swallow(std::size_t at_most) {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadSize),
                            [self = shared_from_this(), at_most](error_code ec, std::size_t n) {
                              if (ec || n >= at_most) return self->close();
                              self->swallow(at_most - n);
                            });
  }

  void write_stream_header() {
    if (!http_1_1_) keep_alive_ = false;  // the end of the connection is the end of the body
    stream_header_.emplace(static_cast<bhttp::status>(response_.status), http_1_1_ ? 11 : 10);
    put_headers(response_.headers, *stream_header_);
    stream_header_->keep_alive(keep_alive_);
    if (http_1_1_) stream_header_->chunked(true);
    serializer_.emplace(*stream_header_);
    bhttp::async_write_header(stream_, *serializer_, [self = shared_from_this()](error_code ec, std::size_t) {
      self->serializer_.reset();
      if (ec || self->head_only_) return self->written(ec);
      self->pull();
    });
  }

  void pull() {
    stream_.expires_never();
    asio::post(server_.handlers, [self = shared_from_this()]() mutable {
      self->part_.clear();
      self->pulled_ = self->response_.source->next(self->part_).has_value();
      back(std::move(self), [](Session& session) { session.write_part(); });
    });
  }

  void write_part() {
    if (!pulled_) return close();  // without the end mark: truncated
    stream_.expires_after(server_.options.write);
    const auto next = [self = shared_from_this()](error_code ec, std::size_t) {
      if (ec) return self->close();
      self->pull();
    };
    if (part_.empty()) return write_end();
    if (http_1_1_) return asio::async_write(stream_, bhttp::make_chunk(asio::buffer(part_)), next);
    asio::async_write(stream_, asio::buffer(part_), next);
  }

  void write_end() {
    const auto done = [self = shared_from_this()](error_code ec, std::size_t) { self->written(ec); };
    if (!http_1_1_) return written({});
    part_ = "0\r\n";
    for (const auto& [name, value] : response_.source->trailers())
      part_.append(name).append(": ").append(value).append("\r\n");
    part_ += "\r\n";
    asio::async_write(stream_, asio::buffer(part_), done);
  }

  Server::State& server_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<bhttp::response<bhttp::string_body>> whole_;
  std::optional<bhttp::response<bhttp::empty_body>> stream_header_;
  std::optional<bhttp::response_serializer<bhttp::empty_body>> serializer_;
  Request request_;
  Response response_;
  std::string part_, peer_;
  Duration body_deadline_{};
  bool keep_alive_ = false, http_1_1_ = true, head_only_ = false, pulled_ = false, closed_ = false;
};

void Server::State::accept() {
  acceptor.async_accept([this](error_code ec, tcp::socket socket) {
    if (stopping) return;
    if (ec) {  // out of descriptors, most likely: what is open goes on, new ones wait
      log::warn("http", "accept refused", {{"reason", ec.message()}});
      pause.expires_after(std::chrono::milliseconds(100));
      pause.async_wait([this](error_code cancelled) {
        if (!cancelled) accept();
      });
      return;
    }
    if (sessions.size() >= options.connections_max)
      turn_away(socket);
    else
      std::make_shared<Session>(*this, std::move(socket))->wait_for_request();
    accept();
  });
}

void Server::State::turn_away(tcp::socket& socket) {
  static constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kFull), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Service& service) {
  const auto parts = split_address(options.address);
  if (!parts) return std::unexpected(parts.error());
  auto state = std::make_unique<State>(options, service);
  error_code ec;
  const auto address = asio::ip::make_address(parts->host, ec);
  if (ec) return fail(ErrorCode::invalid, "not an IP address: " + parts->host, options.address);
  const tcp::endpoint endpoint(address, parts->port);
  auto& acceptor = state->acceptor;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return fail(ErrorCode::io, "cannot listen: " + ec.message(), options.address);
  const auto local = acceptor.local_endpoint(ec);
  const auto host =
      local.address().is_v6() ? "[" + local.address().to_string() + "]" : local.address().to_string();
  state->bound = host + ":" + std::to_string(local.port());
  state->accept();
  state->thread = std::thread([s = state.get()] {
    name_this_thread("tg-http");
    s->io.run();
  });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  stop();
}
const std::string& Server::address() const noexcept {
  return state_->bound;
}

void Server::stop() {
  if (!state_->thread.joinable()) return;
  asio::post(state_->io, [this] {
    state_->stopping = true;
    error_code ignored;
    state_->acceptor.close(ignored);
    state_->pause.cancel();
    for (auto* session : std::vector<Session*>(state_->sessions.begin(), state_->sessions.end()))
      session->close();
  });
  state_->handlers.join();  // running handlers end; what they post back finds a closed session
  state_->work.reset();
  state_->thread.join();
}

}  // namespace tollgate::http
