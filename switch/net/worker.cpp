#include "switch/net/worker.h"

#include <fmt/format.h>

#include <ctime>

#include "switch/base/thread.h"

namespace tollgate::net {

using core::ConnRef;

Worker::Worker(WorkerConfig config, Neighbours& neighbours, std::shared_ptr<crypto::KeyVault> vault)
    : number_(config.engine.worker),
      neighbours_(neighbours),
      mailbox_(config.mailbox, [this] { loop_.post([this] { read_mail(); }); }),
      sessions_(loop_, neighbours.budget, config.sessions, *this),
      links_(loop_, config.links, *this),
      acceptor_(loop_, neighbours.budget,
                [this](int fd, std::uint16_t listener) {
                  const auto to = next_worker_;
                  next_worker_ = static_cast<std::uint16_t>((next_worker_ + 1) % neighbours_.workers.size());
                  if (to == number_) {
                    sessions_.adopt(fd, listener);
                  } else {
                    neighbours_.workers[to]->put_socket(fd, listener);
                  }
                }),
      engine_(std::make_unique<core::Engine>(config.engine, static_cast<core::Outside&>(*this), chance_,
                                             std::move(vault))),
      outgoing_(config.engine.workers) {
  loop_.set_hooks({.end_of_batch = [this] { end_of_batch(); },
                   .deadline = [this] { engine_->on_time(loop_.now()); },
                   .sweep = [this] { on_sweep(); }});
}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  loop_.stop();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  name_this_thread(fmt::format("tg-worker-{}", number_).c_str());
  loop_.run();
}

void Worker::start_traffic() {
  serving_ = true;
  for (const auto& [link, address] : std::exchange(deferred_, {})) links_.connect(link, address);
  engine_->start(loop_.now());
  acceptor_.start();
}

Result<std::string> Worker::listen(std::uint16_t listener, std::string_view address) {
  return acceptor_.listen(listener, address);
}

void Worker::drain(std::function<void()> idle) {
  acceptor_.stop();
  engine_->drain();
  when_idle_ = std::move(idle);
}

void Worker::close_all() {
  sessions_.close_all(core::CloseReason::shutdown);
  links_.close_all();
}

std::optional<storage::Snapshot> Worker::take_snapshot(PartitionId partition) {
  // What is on its way is decided and told, while nothing new is read: two rounds are enough, as a group that
  // becomes durable may leave one that gathered behind it.
  for (int round = 0; round < 4; ++round) {
    if (auto state = engine_->snapshot(partition)) {
      // The engine knows what it holds, the journal how its chain stands there.
      const auto head = neighbours_.journal->head(partition);
      TG_CHECK(head.group == state->group);
      state->hash = head.hash;
      return state;
    }
    engine_->flush(loop_.now());
    hand_in();
    neighbours_.committer->drain();
    for (auto& committed : mailbox_.take_committed()) {
      engine_->on_committed(std::move(committed.work), committed.result, loop_.now());
    }
  }
  return std::nullopt;
}

WorkerCounts Worker::counts() const {
  return {.sessions = sessions_.stats(),
          .links = links_.stats(),
          .accept_pauses = acceptor_.pauses(),
          .batches = batches_};
}

// ---- the batch
// -------------------------------------------------------------------------------------------------------

void Worker::end_of_batch() {
  ++batches_;
  sessions_.settle();
  links_.settle();
  if (serving_) {
    engine_->flush(loop_.now());
    loop_.arm(engine_->next_deadline());
  }
  hand_in();
  send_mail();
  links_.write();
  sessions_.write();
  // Their owners may order again: not from inside command_done, which the engine calls.
  for (auto& [done, result] : std::exchange(finished_, {})) done(std::move(result));
  if (when_idle_ && engine_->idle()) std::exchange(when_idle_, {})();
}

// All partitions' groups of a batch at once, so that one append carries them.
void Worker::hand_in() {
  neighbours_.committer->submit(groups_);
  groups_.clear();
}

void Worker::on_sweep() {
  sessions_.sweep();
  links_.sweep();
  engine_->set_storage_full(neighbours_.journal->space_low());
  measure_busy();
}

void Worker::measure_busy() {
  const auto at = loop_.now().instant;
  if (at - busy_since_ < std::chrono::seconds(1)) return;
  timespec cpu{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  const auto cpu_ns = std::int64_t{cpu.tv_sec} * 1'000'000'000 + cpu.tv_nsec;
  if (busy_since_.ns != 0) {
    const auto share = (cpu_ns - busy_cpu_ns_) * 1'000'000 / (at - busy_since_).count();
    busy_millionths_.store(share, std::memory_order_relaxed);
  }
  busy_since_ = at;
  busy_cpu_ns_ = cpu_ns;
}

// ---- mail
// ------------------------------------------------------------------------------------------------------------

void Worker::put_committed(storage::CommitWork&& work, storage::AppendResult result) {
  mailbox_.put([&](Mail& mail) { mail.committed.push_back({std::move(work), result}); });
}

void Worker::put_messages(const Mail& mail) {
  mailbox_.put([&](Mail& to) { to.append(mail); });
}

void Worker::put_socket(int fd, std::uint16_t listener) {
  mailbox_.put([&](Mail& mail) { mail.sockets.push_back({fd, listener}); });
}

void Worker::read_mail() {
  auto& mail = mailbox_.take();
  const auto& at = loop_.now();
  // Durable groups first: what they release makes room for what is new.
  for (auto& committed : mail.committed)
    engine_->on_committed(std::move(committed.work), committed.result, at);
  hand_in();  // what gathered meanwhile: the disk works on while the rest of this batch runs
  for (const auto& message : mail.messages) {
    switch (message.kind) {
      case Mail::Kind::frame:
        engine_->on_forwarded_frame(message.connection, message.listener, mail.content(message), at);
        break;
      case Mail::Kind::reply:
        sessions_.send(message.connection, mail.content(message));
        break;
      case Mail::Kind::close:
        sessions_.close(message.connection, message.reason);
        break;
    }
  }
  for (const auto& socket : mail.sockets) sessions_.adopt(socket.fd, socket.listener);
  for (auto& task : mail.tasks) task();
}

void Worker::send_mail() {
  for (std::size_t worker = 0; worker < outgoing_.size(); ++worker) {
    auto& mail = outgoing_[worker];
    if (mail.messages.empty()) continue;
    neighbours_.workers[worker]->put_messages(mail);
    mail.clear();
  }
}

// ---- core::Outside
// ---------------------------------------------------------------------------------------------------

void Worker::send_terminal(const ConnRef& connection, ByteView bytes) {
  if (connection.worker == number_) {
    sessions_.send(connection, bytes);
  } else if (connection.worker < outgoing_.size()) {
    outgoing_[connection.worker].add({.kind = Mail::Kind::reply, .connection = connection}, bytes);
  }
}

void Worker::close_terminal(const ConnRef& connection, core::CloseReason reason) {
  if (connection.worker == number_) {
    sessions_.close(connection, reason);
  } else if (connection.worker < outgoing_.size()) {
    outgoing_[connection.worker].add({.kind = Mail::Kind::close, .reason = reason, .connection = connection},
                                     {});
  }
}

bool Worker::forward_frame(std::uint16_t worker, const ConnRef& from, std::uint16_t listener,
                           ByteView frame) {
  TG_CHECK(worker < outgoing_.size() && worker != number_);
  auto& mail = outgoing_[worker];
  if (!neighbours_.workers[worker]->has_room(mail.messages.size(), mail.bytes.size())) return false;
  mail.add({.kind = Mail::Kind::frame, .listener = listener, .connection = from}, frame);
  return true;
}

// Recovery installs reference data, and that asks for links; nobody is called before traffic begins, in safe
// mode never.
void Worker::connect_link(core::LinkId link, std::string_view address) {
  if (serving_) {
    links_.connect(link, address);
  } else {
    deferred_.emplace_back(link, address);
  }
}

void Worker::command(core::Command&& command, Done done) {
  const auto ticket = ++last_ticket_;
  commands_.emplace(ticket, std::move(done));
  engine_->command(std::move(command), ticket, loop_.now());
}

void Worker::command_done(std::uint64_t ticket, core::CommandResult&& result) {
  const auto found = commands_.find(ticket);
  TG_CHECK(found != commands_.end());  // an engine answers a command once
  finished_.emplace_back(std::move(found->second), std::move(result));
  commands_.erase(found);
}

void Worker::publish_reference(std::shared_ptr<const core::Reference> reference,
                               std::function<void()> installed) {
  // Every worker installs it in a task of its own; the last one sends the word back to this one.
  auto open = std::make_shared<std::atomic<std::size_t>>(neighbours_.workers.size());
  auto finish = [this, reference, installed = std::move(installed)] {
    if (neighbours_.reference_installed) neighbours_.reference_installed(reference);
    installed();
  };
  for (const auto& worker : neighbours_.workers) {
    auto* target = worker.get();
    target->loop_.post([this, target, reference, open, finish] {
      target->engine_->on_reference(reference, target->loop_.now());
      if (open->fetch_sub(1) == 1) loop_.post(finish);
    });
  }
}

// ---- events of sockets
// -----------------------------------------------------------------------------------------------

std::optional<ConnRef> Worker::on_open(std::uint16_t listener) {
  return engine_->on_terminal_open(listener, loop_.now());
}
std::size_t Worker::on_bytes(const ConnRef& connection, ByteView bytes) {
  return engine_->on_terminal_bytes(connection, bytes, loop_.now());
}
void Worker::on_closed(const ConnRef& connection) {
  engine_->on_terminal_closed(connection);
}
void Worker::on_up(core::LinkId link) {
  engine_->on_link_up(link, loop_.now());
}
std::size_t Worker::on_bytes(core::LinkId link, ByteView bytes) {
  return engine_->on_link_bytes(link, bytes, loop_.now());
}
void Worker::on_down(core::LinkId link) {
  engine_->on_link_down(link, loop_.now());
}

}  // namespace tollgate::net
