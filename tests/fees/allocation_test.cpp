// Pricing takes no memory: the global allocator is counted.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "fees/price_book.h"
#include "tests/fees/example.h"

namespace {
std::atomic<long> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace tollgate::fees {
namespace {

TEST(Allocation, AssessResolveAndMomentTakeNone) {
  const auto schedule = testing::must_load(testing::kRetail);
  PriceBook book;
  ASSERT_TRUE(book.publish(schedule, {}));
  ASSERT_TRUE(book.assign(
      {"a", AssignmentLevel::merchant, "102290058120001", "retail_cny", schedule->text().valid_from, {}},
      {}));
  Event event = testing::sale_of(10000);
  Assessment out;
  const auto before = allocations.load();
  const auto* found =
      book.resolve(*parse_rfc3339("2026-11-21T08:00:00Z"), {"10000001", "102290058120001", "agent_1"});
  ASSERT_EQ(found, schedule.get());
  for (int i = 0; i < 1000; ++i) {
    event.amount_minor = 1000 * i;
    const auto moment = found->moment({1'770'000'000'000'000 + i});
    event.business_date = moment.business_date;
    assess(*found, event, {}, out);
  }
  EXPECT_EQ(allocations.load(), before);
  ::operator delete(::operator new(8));  // the control: the counter counts
  EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace tollgate::fees
