// Reference data as every engine sees it: hosts, routes, card ranges, devices, schedules and assignments, tokens. An immutable
// snapshot, made by the house after its record is durable, shared by all workers; a message in flight keeps what it started
// with. Lookups are compiled (sorted prefixes), so that a request costs a few compares.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fees/price_book.h"
#include "proto/records.h"
#include "switch/base/ids.h"
#include "switch/base/money.h"
#include "switch/crypto/keys.h"
#include "switch/crypto/tokens.h"
#include "switch/iso/dialect.h"

namespace tollgate::core {

struct CardFacts {  // of the longest prefix that matches; empty strings are absent facts
  std::string brand, funding, region, issuer;
};

struct HostEntry {
  v1::Host host;
  std::shared_ptr<const iso::Dialect> dialect;
  std::shared_ptr<const crypto::ZonePinKey> zone_key;  // nullptr: no PIN can be translated for this host
};

struct RouteQuery {
  std::string_view pan;  // digits; empty for QR
  std::string_view qr;   // digits; empty for cards
  std::int64_t amount_minor = 0;
  std::string_view kind;
  std::string_view merchant_code, tid;
  std::uint16_t currency = 156;
};


class Reference {
 public:
  struct Parts {
    std::vector<HostEntry> hosts;
    std::vector<v1::Route> routes;
    std::vector<v1::CardRange> cards;
    std::vector<v1::Device> devices;
    std::vector<v1::TokenCreated> tokens;  // not revoked
    std::shared_ptr<const fees::PriceBook> prices;
    std::shared_ptr<const crypto::PanTokenizer> tokenizer;  // nullptr until the house of a new store made its key
    std::uint64_t version = 0;             // rises with every change
  };
  explicit Reference(Parts parts);

  [[nodiscard]] const std::vector<HostEntry>& hosts() const noexcept { return parts_.hosts; }
  [[nodiscard]] const std::vector<v1::Route>& routes() const noexcept { return parts_.routes; }
  [[nodiscard]] const std::vector<v1::CardRange>& cards() const noexcept { return parts_.cards; }
  [[nodiscard]] const std::vector<v1::Device>& devices() const noexcept { return parts_.devices; }
  [[nodiscard]] const std::vector<v1::TokenCreated>& tokens() const noexcept { return parts_.tokens; }
  [[nodiscard]] const fees::PriceBook& prices() const noexcept { return *parts_.prices; }
  [[nodiscard]] std::shared_ptr<const fees::PriceBook> prices_ptr() const noexcept { return parts_.prices; }
  [[nodiscard]] const crypto::PanTokenizer* tokenizer() const noexcept { return parts_.tokenizer.get(); }
  [[nodiscard]] std::uint64_t version() const noexcept { return parts_.version; }

  [[nodiscard]] std::optional<std::uint16_t> host_index(std::string_view name) const noexcept;
  [[nodiscard]] const v1::Device* device(std::string_view serial_number) const noexcept;
  // nullptr: no prefix matches.
  [[nodiscard]] const CardFacts* card(std::string_view pan) const noexcept;
  // First route by priority that matches and names at least one host; its hosts are ordered (equal weights share by `turn`).
  // Writes at most out.size() host indexes; 0: no route.
  struct Match {
    const v1::Route* route = nullptr;
    std::size_t hosts = 0;
  };
  [[nodiscard]] Match route(const RouteQuery& query, std::uint32_t turn, std::span<std::uint16_t> out) const noexcept;

 private:
  struct Prefix {
    std::string digits;
    CardFacts facts;
  };
  Parts parts_;
  std::vector<Prefix> prefixes_;          // sorted by digits
  std::uint64_t prefix_sizes_ = 0;        // a bit per number of digits that there is
  std::vector<std::size_t> route_order_;  // by priority, then name
  std::vector<std::vector<std::uint16_t>> route_hosts_;
};

}  // namespace tollgate::core
