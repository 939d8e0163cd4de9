#include "tests/sim_peers/echo_switch.h"

#include <sys/socket.h>

#include <algorithm>

#include "switch/crypto/lab.h"
#include "switch/crypto/mac.h"
#include "tests/sim_peers/vectors.h"

namespace tollgate::sim {
namespace {

constexpr std::uint64_t kListener = 1'000'000;

const iso::Dialect& cup() {
  return *iso::Dialect::builtin("cup");
}

const crypto::MacKey& mak_a() {
  static const auto key =
      crypto::import_clear_mac_key(crypto::MacAlgorithm::cup_ecb, from_hex("3333333333333333").value())
          .value();
  return key;
}

// Field 62 of the sign-in reply of key set A, TMK 11 x 16.
const Bytes& keys_a() {
  static const auto keys = [] {
    iso::MessageView view;
    (void)iso::decode(cup(), vector_body("c-0810-signin-004"), view);
    const auto raw = view.raw(62);
    return Bytes(raw.begin(), raw.end());
  }();
  return keys;
}

std::string text_of(const iso::MessageView& message, int field) {
  std::array<char, 128> room;
  return std::string(message.value(field, room));
}

}  // namespace

EchoSwitch::EchoSwitch(std::function<Wrong(const iso::MessageView&)> what)
    : what_(std::move(what)),
      listener_(listen_on("127.0.0.1:0").value()),
      poller_(Poller::make().value()),
      address_(local_address(listener_)) {
  poller_.add(listener_.get(), kListener).value();
  thread_ = std::thread([this] { run(); });
}

EchoSwitch::~EchoSwitch() {
  stopping_ = true;
  poller_.wake();
  thread_.join();
}

void EchoSwitch::accept() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    poller_.add(fd.get(), streams_.size()).value();
    streams_.push_back(std::make_unique<Stream>(std::move(fd), cup().framing()));
  }
}

void EchoSwitch::run() {
  while (!stopping_) {
    for (const auto& event : poller_.wait(std::chrono::milliseconds(100))) {
      if (event.token == kListener) accept();
      if (event.token >= streams_.size()) continue;
      auto& stream = *streams_[event.token];
      stream.read_frames([&](ByteView frame) {
        if (!answer(stream, frame)) stream.close();
      });
      (void)stream.flush();
    }
  }
}

bool EchoSwitch::answer(Stream& stream, ByteView frame) {
  iso::MessageView request;
  if (!iso::decode(cup(), frame, request).ok()) return false;
  const bool sign_in = request.mti().bcd == 0x0800;
  sign_ins += sign_in ? 1 : 0;
  if (request.has(64) && !crypto::mac_verify(mak_a(), request.mac_range(), request.raw(64))) ++bad_macs;
  const auto key = text_of(request, 41) + text_of(request, 11) + std::to_string(request.mti().bcd);
  if (const auto known = answered_.find(key); known != answered_.end() && request.has(11)) {
    ++repeats;
    return stream.send(known->second);
  }
  requests += request.mti().bcd == 0x0200 ? 1 : 0;
  reversals += request.mti().bcd == 0x0400 ? 1 : 0;
  const auto wrong = sign_in || !what_ ? Wrong::nothing : what_(request);
  if (wrong == Wrong::hang_up) return false;
  if (wrong == Wrong::silence) return true;
  auto reply = reply_to(request, wrong);
  const bool keep = wrong == Wrong::nothing || wrong == Wrong::first_answer_lost;
  if (keep) answered_[key] = reply;
  if (wrong == Wrong::first_answer_lost) return false;
  return stream.send(reply);
}

Bytes EchoSwitch::reply_to(const iso::MessageView& request, Wrong wrong) {
  iso::MessageBuilder reply;
  reply.set_mti(wrong == Wrong::mti ? iso::Mti{0x0230} : request.mti().reply());
  const auto from = request.tpdu();
  const std::array<std::uint8_t, 5> tpdu{from[0], from[3], from[4], from[1], from[2]};
  Bytes header(request.header().begin(), request.header().end());
  if (wrong == Wrong::code_77) header[2] = 0x03;
  reply.set_tpdu(tpdu);
  reply.set_header(header);
  for (const int field : {3, 4, 11, 25, 41, 42, 49, 60}) reply.copy(field, request);
  reply.set(12, std::string_view("101600"));
  reply.set(13, std::string_view("1121"));
  reply.set_number(37, 101'600'000'000 + ++answers_, 12);
  reply.set(39, std::string_view(wrong == Wrong::code_58 ? "58" : wrong == Wrong::code_77 ? "77" : "00"));
  if (request.mti().bcd == 0x0800) reply.set(62, ByteView(keys_a()));
  if (wrong == Wrong::amount) reply.set(4, std::string_view("000000999999"));
  if (wrong == Wrong::stan) reply.set(11, std::string_view("999998"));
  const bool mac =
      request.has(64) && wrong != Wrong::no_mac && wrong != Wrong::code_58 && wrong != Wrong::code_77;
  if (mac) reply.set(64, std::string_view("00000000"));
  std::array<std::uint8_t, 1024> room;
  const auto size = iso::encode(cup(), reply, room).value().size();
  const MutableBytes frame(room.data(), size);
  if (mac) {
    std::array<std::uint8_t, 8> code{};
    crypto::mac_generate(mak_a(), iso::mac_input(cup(), frame), code);
    if (wrong == Wrong::mac) code[0] = code[0] == 'A' ? 'B' : 'A';
    std::ranges::copy(code, iso::mac_place(cup(), frame).begin());
  }
  return {frame.begin(), frame.end()};
}

}  // namespace tollgate::sim
