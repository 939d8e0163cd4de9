// Every metric of Tollgate, once: name, help, labels, unit, buckets (reference "api", section 11). Modules
// take the family from here and give label values in the order of its labels, so that one name has one
// meaning in code, dashboard and alert. All constants; nothing is registered until a shard asks for a handle.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "switch/base/metrics.h"

namespace tollgate::metrics::catalog {

namespace detail {
template <class... Names>
constexpr std::array<std::string_view, sizeof...(Names)> labels(Names... names) {
  return {std::string_view(names)...};
}
inline constexpr auto kBuild = labels("version", "commit", "environment");
inline constexpr auto kTransactions = labels("mti", "host", "outcome");
inline constexpr auto kHostRc = labels("host", "rc");
inline constexpr auto kHost = labels("host");
inline constexpr auto kCause = labels("cause");
inline constexpr auto kState = labels("state");
inline constexpr auto kReason = labels("reason");
inline constexpr auto kResult = labels("result");
inline constexpr auto kPartition = labels("partition");
inline constexpr auto kWorker = labels("worker");
inline constexpr auto kRouteCode = labels("route", "code");
inline constexpr auto kRoute = labels("route");
inline constexpr auto kUsage = labels("usage");
inline constexpr auto kListener = labels("listener");

// Nanoseconds. From the cost of one synced group (about 80 us, DESIGN decision 5) to a host's time-out; 50 ms
// is the alert's line.
inline constexpr std::array<std::uint64_t, 16> kLatency = {
    100'000,       250'000,       500'000,        1'000'000,     2'500'000,   5'000'000,
    10'000'000,    20'000'000,    50'000'000,     100'000'000,   250'000'000, 500'000'000,
    1'000'000'000, 2'500'000'000, 10'000'000'000, 30'000'000'000};
// One fdatasync; 20 ms is the alert's line.
inline constexpr std::array<std::uint64_t, 13> kSync = {
    25'000,    50'000,     100'000,    200'000,    500'000,     1'000'000,    2'000'000,
    5'000'000, 10'000'000, 20'000'000, 50'000'000, 200'000'000, 1'000'000'000};
inline constexpr std::array<std::uint64_t, 13> kGroup = {1,   2,   4,   8,    16,   32,  64,
                                                         128, 256, 512, 1024, 2048, 4096};
}  // namespace detail

// clang-format off
// One line a metric reads as the table that it is.
inline constexpr Family kBuildInfo{"tollgate_build_info", "Always 1; what runs here.", Type::gauge, detail::kBuild};
inline constexpr Family kTransactions{"tollgate_transactions_total", "Requests of terminals, by what became of them.", Type::counter, detail::kTransactions};
inline constexpr Family kResponseCodes{"tollgate_response_codes_total", "Answers to terminals by field 39.", Type::counter, detail::kHostRc};
inline constexpr Family kTransactionDuration{"tollgate_transaction_duration_seconds", "From the request's last byte to the answer's first.", Type::histogram, {}, Unit::nanoseconds, detail::kLatency};
inline constexpr Family kHostRoundTrip{"tollgate_host_round_trip_seconds", "From the request sent to a host to its answer.", Type::histogram, detail::kHost, Unit::nanoseconds, detail::kLatency};
inline constexpr Family kHostUp{"tollgate_host_up", "1 when a link of the host is signed on.", Type::gauge, detail::kHost};
inline constexpr Family kHostInFlight{"tollgate_host_in_flight", "Requests that wait for the host.", Type::gauge, detail::kHost};
inline constexpr Family kReversals{"tollgate_reversals_total", "Reversals begun, by cause.", Type::counter, detail::kCause};
inline constexpr Family kReversalsOwed{"tollgate_reversals_owed", "Reversals that a host has not acknowledged.", Type::gauge};
inline constexpr Family kTimeouts{"tollgate_timeouts_total", "Requests that the host did not answer in time.", Type::counter, detail::kHost};
inline constexpr Family kLateResponses{"tollgate_late_responses_total", "Answers that came after their deadline and were not obeyed.", Type::counter};
inline constexpr Family kTerminals{"tollgate_terminals", "Terminals by state.", Type::gauge, detail::kState};
inline constexpr Family kTerminalConnections{"tollgate_terminal_connections", "Open connections of terminals.", Type::gauge, detail::kListener};
inline constexpr Family kConnectionsClosed{"tollgate_terminal_connections_closed_total", "Connections of terminals that ended, by reason; refused: one too many.", Type::counter, detail::kReason};
inline constexpr Family kMacFailures{"tollgate_mac_failures_total", "Messages whose MAC was wrong.", Type::counter};
inline constexpr Family kDecodeErrors{"tollgate_decode_errors_total", "Messages that could not be read.", Type::counter, detail::kReason};
inline constexpr Family kFeeEvaluations{"tollgate_fee_evaluations_total", "Fee assessments.", Type::counter, detail::kResult};
inline constexpr Family kLedgerEntries{"tollgate_ledger_entries_total", "Ledger entries written.", Type::counter};
inline constexpr Family kLedgerLastSeq{"tollgate_ledger_last_seq", "Last ledger entry of the partition.", Type::gauge, detail::kPartition};
inline constexpr Family kLedgerImbalance{"tollgate_ledger_imbalance", "Entries whose debits and credits differ. Anything but 0 is an alarm.", Type::gauge};
inline constexpr Family kCommitGroupRecords{"tollgate_commit_group_records", "Records in one synced write.", Type::histogram, {}, Unit::one, detail::kGroup};
inline constexpr Family kWalFsync{"tollgate_wal_fsync_seconds", "Time of one synced write.", Type::histogram, {}, Unit::nanoseconds, detail::kSync};
inline constexpr Family kWriteStall{"tollgate_storage_write_stall_seconds_total", "Time that writes were held back by the store.", Type::counter, {}, Unit::nanoseconds};
inline constexpr Family kStorageFree{"tollgate_storage_free_bytes", "Free bytes where the store lies.", Type::gauge};
inline constexpr Family kSafeMode{"tollgate_safe_mode", "1 while no traffic is taken because the store and its mark differ.", Type::gauge};
inline constexpr Family kWorkerQueueDepth{"tollgate_worker_queue_depth", "Messages in the worker's mailbox.", Type::gauge, detail::kWorker};
inline constexpr Family kWorkerBusyRatio{"tollgate_worker_busy_ratio", "Share of the last second that the worker was busy.", Type::gauge, detail::kWorker, Unit::millionths};
inline constexpr Family kSseClients{"tollgate_sse_clients", "Open event streams.", Type::gauge};
inline constexpr Family kSseDropped{"tollgate_sse_dropped_total", "Events that slow streams lost.", Type::counter};
inline constexpr Family kHttpRequests{"tollgate_http_requests_total", "Requests to the operations interface.", Type::counter, detail::kRouteCode};
inline constexpr Family kHttpDuration{"tollgate_http_request_duration_seconds", "Time of a request to the operations interface.", Type::histogram, detail::kRoute, Unit::nanoseconds, detail::kLatency};
inline constexpr Family kCutOver{"tollgate_business_day_cut_over_timestamp_seconds", "When the open business day ends, seconds since 1970.", Type::gauge, {}, Unit::nanoseconds};
inline constexpr Family kKeyAge{"tollgate_key_age_seconds", "Age of the oldest key in use.", Type::gauge, detail::kUsage, Unit::nanoseconds};
inline constexpr Family kClockOffset{"tollgate_clock_offset_seconds", "What the kernel thinks the clock is wrong by.", Type::gauge, {}, Unit::nanoseconds};
// clang-format on

inline constexpr std::array kAll = {&kBuildInfo,
                                    &kTransactions,
                                    &kResponseCodes,
                                    &kTransactionDuration,
                                    &kHostRoundTrip,
                                    &kHostUp,
                                    &kHostInFlight,
                                    &kReversals,
                                    &kReversalsOwed,
                                    &kTimeouts,
                                    &kLateResponses,
                                    &kTerminals,
                                    &kTerminalConnections,
                                    &kConnectionsClosed,
                                    &kMacFailures,
                                    &kDecodeErrors,
                                    &kFeeEvaluations,
                                    &kLedgerEntries,
                                    &kLedgerLastSeq,
                                    &kLedgerImbalance,
                                    &kCommitGroupRecords,
                                    &kWalFsync,
                                    &kWriteStall,
                                    &kStorageFree,
                                    &kSafeMode,
                                    &kWorkerQueueDepth,
                                    &kWorkerBusyRatio,
                                    &kSseClients,
                                    &kSseDropped,
                                    &kHttpRequests,
                                    &kHttpDuration,
                                    &kCutOver,
                                    &kKeyAge,
                                    &kClockOffset};

}  // namespace tollgate::metrics::catalog
