#include "switch/sim/host_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace tollgate::sim {
namespace {

constexpr std::uint64_t kListenerToken = UINT64_MAX - 1;

bool later(const auto& a, const auto& b) noexcept {
  return a.at > b.at;
}

// A whole buffer of lines with one write; a log that cannot be written ends the log, not the host.
void append(Fd& log, const std::string& lines) {
  std::size_t at = 0;
  while (log && at < lines.size()) {
    const auto put = ::write(log.get(), lines.data() + at, lines.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      log.reset();
      return;
    }
    at += static_cast<std::size_t>(put);
  }
}

std::int64_t thread_time_ns() noexcept {
  timespec at{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return at.tv_sec * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

HostServer::HostServer(HostServerOptions options, SimHost host, Fd listener, Fd log, Poller poller)
    : options_(std::move(options)),
      host_(std::move(host)),
      listener_(std::move(listener)),
      log_(std::move(log)),
      poller_(std::move(poller)),
      address_(local_address(listener_)) {}

HostServer::~HostServer() = default;

Result<std::unique_ptr<HostServer>> HostServer::make(HostServerOptions options, HostScript script) {
  Fd log;
  if (!options.log_path.empty()) {
    log = Fd(::open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!log) return fail(ErrorCode::io, ::strerror(errno), options.log_path);
    options.host.log = true;
  }
  auto host = SimHost::make(options.host, std::move(script));
  if (!host) return std::unexpected(host.error());
  auto listener = listen_on(options.address);
  if (!listener) return std::unexpected(listener.error());
  auto poller = Poller::make();
  if (!poller) return std::unexpected(poller.error());
  if (auto added = poller->add(listener->get(), kListenerToken); !added)
    return std::unexpected(added.error());
  return std::unique_ptr<HostServer>(new HostServer(
      std::move(options), std::move(*host), std::move(*listener), std::move(log), std::move(*poller)));
}

void HostServer::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    const auto events = poller_.wait(patience(SystemClock::now().instant));
    if (options_.batch.count() > 0 && !events.empty()) std::this_thread::sleep_for(options_.batch);
    const auto now = SystemClock::now();
    const std::lock_guard lock(books_mutex_);
    for (const auto& event : events) {
      if (event.token == kListenerToken) {
        accept_links();
      } else if (event.token != Poller::kWakeToken) {
        serve(event.token, now);
      }
    }
    send_due(now.instant);
    if (log_) append(log_, host_.take_log());  // before the replies: who has an answer finds it in the log
    for (const auto index : touched_) flush(index);
    touched_.clear();
    processor_ns_.store(thread_time_ns(), std::memory_order_relaxed);
  }
}

void HostServer::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  poller_.wake();
}

HostBooks HostServer::books() const {
  const std::lock_guard lock(books_mutex_);
  return host_.books();
}

HostTotals HostServer::totals() const {
  const std::lock_guard lock(books_mutex_);
  return host_.books().totals();
}

std::size_t HostServer::links() const {
  const std::lock_guard lock(books_mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(links_, [](const Link& link) { return link.stream.is_open(); }));
}

bool HostServer::wait_for_sign_on(Duration patience) const {
  const auto until = SystemClock::now().instant + patience;
  while (totals().network == 0) {
    if (SystemClock::now().instant >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

void HostServer::accept_links() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    auto free = std::ranges::find_if(links_, [](const Link& link) { return !link.stream.is_open(); });
    if (free == links_.end()) {
      if (links_.size() >= options_.links_max) continue;  // closed again: full is a refusal
      free = links_.emplace(links_.end());
    }
    free->generation += 1;
    free->wants_write = free->touched = false;
    const auto index = static_cast<std::uint64_t>(free - links_.begin());
    const auto token = std::uint64_t{free->generation} << 32 | index;
    if (!poller_.add(fd.get(), token)) continue;
    free->stream = Stream(std::move(fd), host_.dialect().framing());
  }
}

HostServer::Link* HostServer::link_of(std::uint64_t token) noexcept {
  const auto index = static_cast<std::uint32_t>(token);
  if (index >= links_.size() || links_[index].generation != token >> 32) return nullptr;
  return links_[index].stream.is_open() ? &links_[index] : nullptr;
}

void HostServer::serve(std::uint64_t token, Now now) {
  auto* link = link_of(token);
  if (link == nullptr) return;
  const auto index = static_cast<std::uint32_t>(token);
  link->stream.read_frames(
      [&](ByteView frame) { put(*link, index, host_.receive(frame, now.wall), now.instant); });
  if (link->stream.is_open() && !link->touched && link->stream.unsent() != 0) {
    link->touched = true;
    touched_.push_back(index);
  }
}

void HostServer::put(Link& link, std::uint32_t index, const HostStep& step, Instant now) {
  if (step.disconnect) {
    (void)link.stream.flush();
    link.stream.close();
    return;
  }
  for (int copy = 0; copy < step.copies; ++copy) {
    if (step.delay.count() <= 0) {
      if (!link.stream.send(step.reply)) ++replies_dropped_;
    } else if (delayed_.size() < options_.delayed_max) {
      const auto token = std::uint64_t{link.generation} << 32 | index;
      delayed_.push_back({now + step.delay, token, Bytes(step.reply.begin(), step.reply.end())});
      std::push_heap(delayed_.begin(), delayed_.end(), later<Delayed, Delayed>);
    } else {
      ++replies_dropped_;
    }
  }
}

void HostServer::send_due(Instant now) {
  while (!delayed_.empty() && delayed_.front().at <= now) {
    std::pop_heap(delayed_.begin(), delayed_.end(), later<Delayed, Delayed>);
    const auto due = std::move(delayed_.back());
    delayed_.pop_back();
    auto* link = link_of(due.token);
    if (link == nullptr || !link->stream.send(due.frame)) continue;  // the link it belonged to is gone
    if (!link->touched) {
      link->touched = true;
      touched_.push_back(static_cast<std::uint32_t>(due.token));
    }
  }
}

void HostServer::flush(std::uint32_t index) {
  auto& link = links_[index];
  link.touched = false;
  if (!link.stream.is_open() || !link.stream.flush()) return;
  const bool wants = link.stream.unsent() != 0;
  if (wants == link.wants_write) return;
  link.wants_write = wants;
  poller_.want_write(link.stream.fd(), std::uint64_t{link.generation} << 32 | index, wants);
}

Duration HostServer::patience(Instant now) const noexcept {
  if (delayed_.empty()) return std::chrono::seconds(1);
  return std::clamp<Duration>(delayed_.front().at - now, Duration::zero(), std::chrono::seconds(1));
}

}  // namespace tollgate::sim
