// The writer and the reader against protobuf itself.
#include "proto/wire.h"

#include <gtest/gtest.h>

#include <vector>

#include "proto/records.h"
#include "tests/proto/random_fields.h"

namespace tollgate {
namespace {

using testing::RandomFields;

// A reversal that was sent, inside a record: texts, numbers, messages in messages.
struct Sent {
  std::int64_t at_us = 0;
  std::uint64_t txn = 0;
  std::uint32_t attempt = 0;
  std::string_view host, route;
  std::uint32_t link = 0;
};

void write(const Sent& sent, WireWriter& out) {
  out.integer(v1::Record::kAtUsFieldNumber, sent.at_us);
  const auto body = out.open(v1::Record::kReversalSentFieldNumber);
  out.number(v1::ReversalSent::kTxnFieldNumber, sent.txn);
  out.number(v1::ReversalSent::kAttemptFieldNumber, sent.attempt);
  const auto routing = out.open(v1::ReversalSent::kRoutingFieldNumber);
  out.text(v1::Routing::kHostFieldNumber, sent.host);
  out.number(v1::Routing::kLinkFieldNumber, sent.link);
  out.text(v1::Routing::kRouteFieldNumber, sent.route);
  out.close(routing);
  out.close(body);
}

std::string library(const Sent& sent) {
  v1::Record record;
  record.set_at_us(sent.at_us);
  auto& body = *record.mutable_reversal_sent();
  body.set_txn(sent.txn);
  body.set_attempt(sent.attempt);
  auto& routing = *body.mutable_routing();
  routing.set_host(sent.host.data(), sent.host.size());
  routing.set_link(sent.link);
  routing.set_route(sent.route.data(), sent.route.size());
  return record.SerializeAsString();
}

TEST(WireWriter, WritesTheBytesOfTheLibrary) {
  RandomFields fields(1);
  WireWriter out;
  for (int round = 0; round < 20'000; ++round) {
    fields.forget();
    const Sent sent{fields.signed64(), fields.number64(), fields.number32(),
                    fields.text(),     fields.text(),     fields.number32()};
    out.clear();
    write(sent, out);
    ASSERT_EQ(out.text(), library(sent)) << round;
  }
}

// What the comparisons must see.
TEST(WireWriter, ControlOtherBytesOfTheSameMessageDiffer) {
  const Sent sent{7, 8, 9, "host", "route", 0};
  WireWriter out;
  out.integer(v1::Record::kAtUsFieldNumber, sent.at_us);
  const auto body = out.open(v1::Record::kReversalSentFieldNumber);
  out.number(v1::ReversalSent::kAttemptFieldNumber, sent.attempt);
  out.number(v1::ReversalSent::kTxnFieldNumber, sent.txn);
  const auto routing = out.open(v1::ReversalSent::kRoutingFieldNumber);
  out.text(v1::Routing::kHostFieldNumber, sent.host);
  out.text(v1::Routing::kRouteFieldNumber, sent.route);
  out.close(routing);
  out.close(body);
  v1::Record read;
  ASSERT_TRUE(read.ParseFromArray(out.bytes().data(), static_cast<int>(out.size())));
  EXPECT_EQ(read.SerializeAsString(), library(sent));  // the same message …
  EXPECT_NE(out.text(), library(sent));                // … in other bytes
}

// Every length at which the length of a message, or of the one around it, takes one more byte.
TEST(WireWriter, MovesABodyUpWhereItsLengthNeedsMoreBytes) {
  for (const std::size_t edge : {128, 16'384, 2'097'152}) {
    for (std::size_t size = edge - 24; size < edge + 4; ++size) {
      const std::string host(size, '\xFE');
      WireWriter out;
      write({1, 2, 3, host, "r", 4}, out);
      ASSERT_EQ(out.text(), library({1, 2, 3, host, "r", 4})) << size;
    }
  }
}

TEST(WireWriter, WritesBehindWhatItHolds) {
  WireWriter out;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string host(static_cast<std::size_t>(i * 7), 'h');
    write({i, 2, 3, host, "", 0}, out);
    expected += library({i, 2, 3, host, "", 0});
  }
  EXPECT_EQ(out.text(), expected);
  out.clear();
  EXPECT_EQ(out.size(), 0U);
}

TEST(WireReader, ReadsWhatTheLibraryWrote) {
  RandomFields fields(2);
  for (int round = 0; round < 5'000; ++round) {
    fields.forget();
    v1::Routing routing;
    const auto host = fields.text(), route = fields.text();
    routing.set_host(host.data(), host.size());
    routing.set_link(fields.number32());
    routing.set_route(route.data(), route.size());
    const auto bytes = routing.SerializeAsString();
    v1::Routing read;
    WireReader reader({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    while (reader.next()) {
      if (reader.number() == v1::Routing::kHostFieldNumber) read.set_host(std::string(reader.text()));
      if (reader.number() == v1::Routing::kLinkFieldNumber)
        read.set_link(static_cast<std::uint32_t>(reader.value()));
      if (reader.number() == v1::Routing::kRouteFieldNumber) read.set_route(std::string(reader.text()));
    }
    ASSERT_TRUE(reader.ok());
    ASSERT_EQ(read.SerializeAsString(), bytes);
  }
}

bool readable(const std::vector<std::uint8_t>& bytes) {
  WireReader reader(bytes);
  while (reader.next()) {
  }
  return reader.ok();
}

TEST(WireReader, StopsAtTheFirstByteThatDoesNotFit) {
  EXPECT_TRUE(readable({}));
  EXPECT_TRUE(readable({0x08, 0x96, 0x01}));
  EXPECT_TRUE(readable({0x0D, 1, 2, 3, 4, 0x09, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_FALSE(readable({0x08}));              // no value
  EXPECT_FALSE(readable({0x08, 0x96}));        // a varint without an end
  EXPECT_FALSE(readable({0x88}));              // a key without one
  EXPECT_FALSE(readable({0x0A, 0x03, 1, 2}));  // longer than what is there
  EXPECT_FALSE(readable({0x0A, 0x80}));        // a length without an end
  EXPECT_FALSE(readable({0x0D, 1, 2, 3}));     // three bytes of four
  EXPECT_FALSE(readable({0x09, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_FALSE(readable({0x0B}));  // a group
  EXPECT_FALSE(readable({0x0F}));  // a type that there is not
  EXPECT_FALSE(
      readable({0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}));  // eleven bytes
}

}  // namespace
}  // namespace tollgate
