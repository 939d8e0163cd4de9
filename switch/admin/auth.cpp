#include "switch/admin/auth.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <future>

#include "switch/base/hash.h"
#include "switch/base/log.h"
#include "switch/base/sensitive.h"

namespace tollgate::admin {
namespace {

constexpr std::array<std::string_view, kRoles> kNames = {"viewer",  "operator", "supervisor", "settlement",
                                                         "pricing", "security", "auditor",    "admin"};
constexpr std::string_view kPrefix = "tgk_";
constexpr std::size_t kTokenSize = 56;  // prefix and 52 characters of 5 bits
constexpr std::uint32_t kFailuresMax = 10;
constexpr auto kWindow = std::chrono::seconds(60);
constexpr auto kLock = std::chrono::seconds(30);
constexpr std::size_t kAddressesMax = 4096;

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
  bool v4 = false;
};

std::optional<Address> address_of(std::string_view text) noexcept {
  const std::string copy(text);
  Address a;
  if (inet_pton(AF_INET6, copy.c_str(), a.bytes.data()) == 1) {
    static constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    a.v4 = std::equal(kMapped.begin(), kMapped.end(), a.bytes.begin());
    return a;
  }
  a.bytes[10] = a.bytes[11] = 0xFF;
  a.v4 = true;
  if (inet_pton(AF_INET, copy.c_str(), a.bytes.data() + 12) == 1) return a;
  return std::nullopt;
}

struct Cidr {
  Address base;
  unsigned bits = 128;
};

std::optional<Cidr> cidr_of(std::string_view text) noexcept {
  const auto slash = text.find('/');
  const auto base = address_of(text.substr(0, slash));
  if (!base) return std::nullopt;
  Cidr cidr{*base, 128};
  if (slash == std::string_view::npos) return cidr;
  const auto digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (failed != std::errc() || end != digits.data() + digits.size() || bits > (base->v4 ? 32U : 128U))
    return std::nullopt;
  cidr.bits = base->v4 ? bits + 96 : bits;
  return cidr;
}

}  // namespace

std::string_view name(Role role) noexcept {
  return kNames[static_cast<std::size_t>(role)];
}

std::optional<Role> role_of(std::string_view text) noexcept {
  const auto it = std::ranges::find(kNames, text);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<Role>(it - kNames.begin());
}

NewToken make_token(Chance& chance) {
  static constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<std::uint8_t, 33> random{};  // 264 bits: 52 characters take 260
  chance.fill(random);
  NewToken token{std::string(kPrefix), {}};
  unsigned bits = 0, held = 0;
  for (std::size_t i = 0; token.text.size() < kTokenSize;) {
    if (held < 5) {
      bits = (bits << 8 | random[i++]) & 0xFFFF;
      held += 8;
    }
    held -= 5;
    token.text += kAlphabet[bits >> held & 31];
  }
  wipe(random.data(), random.size());
  token.sha256 = Sha256::of(as_bytes(token.text));
  return token;
}

bool is_cidr(std::string_view text) noexcept {
  return cidr_of(text).has_value();
}

bool cidr_contains(std::string_view text, std::string_view address) noexcept {
  const auto cidr = cidr_of(text);
  const auto given = address_of(address);
  if (!cidr || !given) return false;
  for (unsigned bit = 0; bit < cidr->bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    if ((cidr->base.bytes[bit / 8] & mask) != (given->bytes[bit / 8] & mask)) return false;
  }
  return true;
}

std::optional<Problem> Authenticator::locked(const std::string& peer, Instant now) {
  const std::lock_guard guard(mutex_);
  const auto it = failures_.find(peer);
  if (it == failures_.end() || it->second.locked_until <= now) return std::nullopt;
  Problem problem{"rate_limited", "too many wrong tokens from this address"};
  problem.retry_after_s =
      static_cast<unsigned>((it->second.locked_until - now) / std::chrono::seconds(1)) + 1;
  return problem;
}

void Authenticator::failed(const std::string& peer, Instant now) {
  const std::lock_guard guard(mutex_);
  if (failures_.size() >= kAddressesMax && !failures_.contains(peer)) {
    std::erase_if(failures_, [&](const auto& f) {
      return f.second.locked_until <= now && now - f.second.first > kWindow;
    });
    if (failures_.size() >= kAddressesMax) failures_.erase(failures_.begin());  // bounded before it is fair
  }
  auto& f = failures_[peer];
  if (f.count == 0 || now - f.first > kWindow) f = {0, now, f.locked_until};
  if (++f.count < kFailuresMax) return;
  f = {0, now, now + kLock};
  log::warn("admin", "address locked out after wrong tokens", {{"peer", peer}});
}

std::expected<Principal, Problem> Authenticator::check(const http::Request& request) {
  const auto now = backend_.now();
  constexpr std::string_view kScheme = "Bearer ";
  const auto header = request.headers.get("Authorization");
  if (request.headers.count("Authorization") != 1 || !header.starts_with(kScheme))
    return refuse("unauthenticated", "send Authorization: Bearer and a token");
  if (auto problem = locked(request.peer, now.instant)) return std::unexpected(std::move(*problem));
  const auto digest = Sha256::of(as_bytes(header.substr(kScheme.size())));
  const auto reference = backend_.reference();
  const v1::TokenCreated* found = nullptr;
  for (const auto& token : reference->tokens)  // all of them: the time says nothing about which one it was
    if (equal_in_constant_time(digest, as_bytes(token.sha256()))) found = &token;
  if (found == nullptr) {
    failed(request.peer, now.instant);
    return refuse("unauthenticated", "the token is not known");
  }
  if (found->expires_us() != 0 && found->expires_us() <= now.wall.us)
    return refuse("token_expired", "the token has expired");
  const auto allowed = [&](const std::string& cidr) { return cidr_contains(cidr, request.peer); };
  if (found->cidrs_size() != 0 && std::ranges::none_of(found->cidrs(), allowed))
    return refuse("ip_not_allowed", "the token may not be used from " + request.peer);
  Principal principal{"user:" + found->name(), {}, ObjectId(found->id())};
  for (const auto& role : found->roles())
    if (const auto known = role_of(role)) principal.roles.add(*known);
  return principal;
}

Result<std::string> create_bootstrap_token(Backend& backend, Chance& chance) {
  if (!backend.reference()->tokens.empty()) return fail(ErrorCode::conflict, "the store has tokens already");
  const auto token = make_token(chance);
  core::CreateToken create;
  create.token.set_name("bootstrap");
  create.token.set_sha256(token.sha256.data(), token.sha256.size());
  for (const auto role : kNames) create.token.add_roles(std::string(role));
  create.token.set_by("system");
  core::Command command{kHouse, {}, core::HouseCommand(std::move(create))};
  command.caller.principal = "system";
  auto answer = std::make_shared<std::promise<core::CommandResult>>();
  auto future = answer->get_future();
  backend.submit(std::move(command),
                 [answer](core::CommandResult&& result) { answer->set_value(std::move(result)); });
  if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
    return fail(ErrorCode::unavailable, "the store did not answer in time");
  const auto result = future.get();
  if (!result.ok())
    return fail(ErrorCode::conflict, "no bootstrap token: " + result.problem + " " + result.detail);
  return token.text;
}

}  // namespace tollgate::admin
