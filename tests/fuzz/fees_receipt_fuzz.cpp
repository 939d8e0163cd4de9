// Any bytes as a receipt: recompute says what differs, and never trusts an index, a sum or an enumeration
// that it read. The first byte chooses one of two schedules.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fees/receipt.h"
#include "switch/base/check.h"
#include "tollgate/v1/fees.pb.h"

namespace {

using namespace tollgate::fees;

constexpr const char* kSchedules[] = {
    R"({"schedule_id":"a","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"UTC","components":[
      {"id":"mdr","account":"4100","rules":[{"id":"small","match":{"amount":{"max":9999},"brand":["VISA"]},"rate":"0.004"},{"id":"all","rate":"0.006","min":1}]},
      {"id":"fixed","account":"4100","refund":"FULL_ONLY","rules":[{"id":"all","fixed":10}]},
      {"id":"back","on":["REFUND"],"account":"4100","rules":[{"id":"all","fixed":5}]}],
      "splits":[{"id":"s","of":["mdr"],"less":["fixed"],"parties":[{"party":"a","share":"0.5"},{"party":"b","share":"0.5","from":"a"}]}],
      "tax":{"mode":"EXCLUSIVE","rate":"0.06","level":"TRANSACTION"}})",
    R"({"schedule_id":"b","version":1,"valid_from":"2026-01-01T00:00:00Z","currency":"CNY","time_zone":"UTC","round_at":"TOTAL","components":[
      {"id":"x","account":"4100","volume":"RUNNING","rules":[{"id":"all","tiers":[{"up_to":1000,"rate":"0.01"},{"rate":"0.005"}]}]},
      {"id":"y","account":"4100","rules":[{"id":"all","rate":"0.0035","max":1300}]}],"caps":[{"id":"g","members":["y","x"],"max":2000,"min":3}]})"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SchedulePtr kLoaded[] = {*load_schedule(kSchedules[0]), *load_schedule(kSchedules[1])};
  if (size == 0) return 0;
  const auto& schedule = *kLoaded[data[0] & 1];
  tollgate::v1::Receipt receipt;
  if (!receipt.ParseFromArray(data + 1, static_cast<int>(size - 1))) return 0;
  receipt.set_schedule_hash(schedule.digest().data(), schedule.digest().size());
  (void)recompute(receipt, schedule);
  (void)standing_of(receipt, schedule);
  (void)assessment_of(receipt, schedule);
  return 0;
}
