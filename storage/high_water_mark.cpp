#include "storage/high_water_mark.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "switch/base/check.h"

namespace tollgate::storage {
namespace {

constexpr std::uint64_t kMagic = 0x54476d61726b3031;  // "TGmark01"
constexpr std::size_t kHeader = 64, kEntry = 40, kHash = 32, kPage = 4096;
constexpr std::size_t kSlotMax = 1U << 20;  // 1,024 partitions need 12 pages

// O_DIRECT wants its memory aligned.
struct FreePages {
  void operator()(std::uint8_t* pages) const noexcept { std::free(pages); }
};
using Pages = std::unique_ptr<std::uint8_t[], FreePages>;

std::string message() {
  return std::generic_category().message(errno);
}

class PlainMarkFile final : public MarkFile {
 public:
  PlainMarkFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PlainMarkFile() override {
    ::close(fd_);
    if (direct_ >= 0) ::close(direct_);
  }
  // From now on writes pass the page cache by, where the file system can: a slot is whole pages that nobody
  // reads, and writing them back costs the commit thread more than writing them.
  void write_directly() { direct_ = ::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC); }
  PlainMarkFile(const PlainMarkFile&) = delete;
  PlainMarkFile& operator=(const PlainMarkFile&) = delete;

  Result<Bytes> read() override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return fail(ErrorCode::io, message(), path_);
    Bytes out(std::min<std::size_t>(static_cast<std::size_t>(info.st_size), 2 * kSlotMax));
    std::size_t at = 0;
    while (at < out.size()) {
      const auto n = ::pread(fd_, out.data() + at, out.size() - at, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(ErrorCode::io, message(), path_);
      if (n == 0) break;
      at += static_cast<std::size_t>(n);
    }
    out.resize(at);
    return out;
  }
  Result<void> write_at(std::size_t offset, ByteView bytes) override {
    int fd = fd_;
    if (direct_ >= 0 && bytes.size() % kPage == 0 && offset % kPage == 0) {
      if (pages_size_ != bytes.size()) {
        pages_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kPage, bytes.size())));
        TG_CHECK(pages_ != nullptr);
        pages_size_ = bytes.size();
      }
      std::copy(bytes.begin(), bytes.end(), pages_.get());
      bytes = {pages_.get(), pages_size_};
      fd = direct_;
    }
    while (!bytes.empty()) {
      const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EINVAL && fd == direct_) {  // larger blocks than pages: then through the cache
        ::close(std::exchange(direct_, -1));
        fd = fd_;
        continue;
      }
      if (n <= 0) return fail(ErrorCode::unknown, message(), path_);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::size_t>(n);
    }
    return {};
  }
  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return fail(ErrorCode::unknown, message(), path_);
    return {};
  }

 private:
  int fd_;
  int direct_ = -1;
  std::string path_;
  Pages pages_;
  std::size_t pages_size_ = 0;
};

// nullopt and why when the slot is not whole.
std::optional<Mark> decode_slot(ByteView slot, std::size_t index, std::string& why) {
  const auto bad = [&](const char* what) {
    why = fmt::format("slot {}: {}", index, what);
    return std::nullopt;
  };
  const auto* p = slot.data();
  if (load_be64(p) != kMagic) return bad("not a mark");
  const auto hash = Sha256::of(slot.first(slot.size() - kHash));
  if (!std::equal(hash.begin(), hash.end(), slot.end() - kHash))
    return bad("its bytes do not match their hash");
  const auto count = load_be32(p + 12);
  if (load_be32(p + 8) != slot.size() || count == 0 || mark_slot_size(count) != slot.size())
    return bad("its sizes do not fit");
  Mark mark;
  mark.store.generation = load_be64(p + 16);
  std::copy(p + 24, p + 40, mark.store.id.begin());
  mark.commit = load_be64(p + 40);
  if (mark.commit % 2 != index) return bad("it belongs to the other place");
  mark.partitions.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* e = p + kHeader + i * kEntry;
    auto& entry = mark.partitions[i];
    entry.partition = {static_cast<std::uint16_t>(i)};
    entry.group = {load_be64(e)};
    std::copy(e + 8, e + kEntry, entry.hash.begin());
  }
  return mark;
}

}  // namespace

std::size_t mark_slot_size(std::size_t partitions) noexcept {
  return (kHeader + partitions * kEntry + kHash + kPage - 1) / kPage * kPage;
}

Bytes encode_mark_slot(const Mark& mark) {
  Bytes out(mark_slot_size(mark.partitions.size()));
  auto* p = out.data();
  store_be64(p, kMagic);
  store_be32(p + 8, static_cast<std::uint32_t>(out.size()));
  store_be32(p + 12, static_cast<std::uint32_t>(mark.partitions.size()));
  store_be64(p + 16, mark.store.generation);
  std::copy(mark.store.id.begin(), mark.store.id.end(), p + 24);
  store_be64(p + 40, mark.commit);
  for (std::size_t i = 0; i < mark.partitions.size(); ++i) {
    auto* e = p + kHeader + i * kEntry;
    store_be64(e, mark.partitions[i].group.value);
    std::copy(mark.partitions[i].hash.begin(), mark.partitions[i].hash.end(), e + 8);
  }
  const auto hash = Sha256::of(ByteView(out).first(out.size() - kHash));
  std::copy(hash.begin(), hash.end(), out.end() - kHash);
  return out;
}

MarkReading decode_mark(ByteView file) {
  const auto size = file.size() / 2;
  if (size < kPage || file.size() % 2 != 0 || size % kPage != 0 || size > kSlotMax) {
    return {
        MarkHealth::unusable, {}, fmt::format("the mark file has {} bytes, which no mark has", file.size())};
  }
  std::array<std::string, 2> why;
  std::array<std::optional<Mark>, 2> slots;
  for (std::size_t i = 0; i < 2; ++i) slots[i] = decode_slot(file.subspan(i * size, size), i, why[i]);
  if (!slots[0] && !slots[1]) return {MarkHealth::unusable, {}, why[0] + "; " + why[1]};
  if (!slots[0]) return {MarkHealth::older_slot, std::move(*slots[1]), why[0]};
  if (!slots[1]) return {MarkHealth::older_slot, std::move(*slots[0]), why[1]};
  if (slots[0]->store != slots[1]->store || slots[0]->partitions.size() != slots[1]->partitions.size()) {
    return {MarkHealth::unusable, {}, "the two slots belong to different stores"};
  }
  auto& newest = slots[0]->commit > slots[1]->commit ? *slots[0] : *slots[1];
  const auto& older = slots[0]->commit > slots[1]->commit ? *slots[1] : *slots[0];
  if (newest.commit - older.commit != 1) {
    return {MarkHealth::older_slot, std::move(newest),
            "the slots are not one commit apart: a write of the mark was lost"};
  }
  return {MarkHealth::good, std::move(newest), {}};
}

Result<void> HighWaterMark::create(const std::string& path, const StoreIdentity& store,
                                   std::uint16_t partitions) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(errno == EEXIST ? ErrorCode::conflict : ErrorCode::io,
                errno == EEXIST ? "a mark is there already; a store keeps the one that was formatted with it"
                                : message(),
                path);
  }
  PlainMarkFile file(fd, path);
  Mark mark{.store = store, .commit = 0, .partitions = {}};
  for (std::uint32_t i = 0; i <= partitions; ++i)
    mark.partitions.push_back({{static_cast<std::uint16_t>(i)}, {}, {}});
  const auto size = mark_slot_size(mark.partitions.size());
  if (const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(2 * size)); error != 0) {
    return fail(ErrorCode::io, std::generic_category().message(error), path);
  }
  for (; mark.commit < 2; ++mark.commit) {  // both slots are good from the first day
    if (auto ok = file.write_at(mark.commit * size, encode_mark_slot(mark)); !ok) return ok;
  }
  if (::fsync(fd) != 0) return fail(ErrorCode::io, message(), path);
  const auto directory = std::filesystem::absolute(path).parent_path().string();
  const int dir = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return fail(ErrorCode::io, message(), directory);
  const bool synced = ::fsync(dir) == 0;
  ::close(dir);
  if (!synced) return fail(ErrorCode::io, message(), directory);
  return {};
}

MarkReading HighWaterMark::read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {MarkHealth::unusable, {}, path + ": " + message()};
  PlainMarkFile file(fd, path);
  const auto bytes = file.read();
  if (!bytes) return {MarkHealth::unusable, {}, bytes.error().text()};
  return decode_mark(*bytes);
}

Result<std::unique_ptr<HighWaterMark>> HighWaterMark::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::io, message(), path);
  auto file = std::make_unique<PlainMarkFile>(fd, path);
  const auto bytes = file->read();
  if (!bytes) return std::unexpected(bytes.error());
  auto reading = decode_mark(*bytes);
  if (reading.health == MarkHealth::unusable) return fail(ErrorCode::damaged, reading.note, path);
  file->write_directly();
  return std::make_unique<HighWaterMark>(std::move(file), std::move(reading.mark));
}

HighWaterMark::HighWaterMark(std::unique_ptr<MarkFile> file, Mark mark)
    : file_(std::move(file)), mark_(std::move(mark)) {}

Result<void> HighWaterMark::advance(std::span<const MarkEntry> entries) {
  if (broken_) return fail(ErrorCode::unknown, "an earlier write of the mark failed");
  for (const auto& e : entries) {
    TG_CHECK(e.partition.value < mark_.partitions.size());
    auto& mine = mark_.partitions[e.partition.value];
    TG_CHECK(e.group >= mine.group);
    mine = e;
  }
  ++mark_.commit;
  const auto slot = encode_mark_slot(mark_);
  auto done = file_->write_at(mark_.commit % 2 * slot.size(), slot);
  if (done) done = file_->sync();
  broken_ = !done;
  return done;
}

}  // namespace tollgate::storage
