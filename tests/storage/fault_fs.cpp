#include "tests/storage/fault_fs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace tollgate::storage::test {
namespace {

constexpr std::size_t kSector = 512;

std::string plain(std::string name) {  // without a trailing slash, or nothing is ever cleared
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}
std::string parent_of(const std::string& name) {
  return plain(std::filesystem::path(name).parent_path().string());
}
bool exists(const std::string& name) {
  return ::access(name.c_str(), F_OK) == 0;
}

rocksdb::IOStatus vanish(rocksdb::IOStatus status, const std::string& name) {
  return !status.ok() && !exists(name) ? rocksdb::IOStatus::OK()
                                       : status;  // tolerate calls on files that do not exist
}

}  // namespace

class FaultFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(FaultFs& fs, std::string name, std::unique_ptr<rocksdb::FSWritableFile>&& file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        fs_(fs),
        name_(std::move(name)),
        kind_(name_.ends_with(".log")                               ? FaultFs::FileKind::log
              : name_.ends_with(".sst") || name_.ends_with(".blob") ? FaultFs::FileKind::table
              : name_.find("/snapshots/") != std::string::npos      ? FaultFs::FileKind::snapshot
                                                                    : FaultFs::FileKind::other) {}

  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Status = rocksdb::IOStatus;
  Status Append(const rocksdb::Slice& data, const Options& options, Debug* debug) override {
    const std::lock_guard lock(fs_.mutex_);
    if (auto s = fs_.step(kind_); !s.ok()) return s;
    auto s = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (s.ok()) fs_.files_[name_].written += data.size();
    return s;
  }
  Status Append(const rocksdb::Slice& data, const Options& options, const rocksdb::DataVerificationInfo&,
                Debug* debug) override {
    return Append(data, options, debug);
  }
  Status PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset, const Options& options,
                          Debug* debug) override {
    const std::lock_guard lock(fs_.mutex_);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
    fs_.overwrites_.push_back({name_, offset, read(offset, data.size()), {bytes, bytes + data.size()}});
    if (auto s = fs_.step(kind_); !s.ok()) return s;
    auto s = FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, debug);
    auto& extent = fs_.files_[name_];  // how much of this survives is told by the overwrites
    if (s.ok()) extent.written = extent.synced = std::max(extent.written, offset + data.size());
    return s;
  }
  Status Sync(const Options& options, Debug* debug) override { return sync(options, debug); }
  Status Fsync(const Options& options, Debug* debug) override { return sync(options, debug); }
  Status RangeSync(std::uint64_t, std::uint64_t, const Options&, Debug*) override { return Status::OK(); }
  Status Allocate(std::uint64_t, std::uint64_t, const Options&, Debug*) override { return Status::OK(); }
  void PrepareWrite(std::size_t, std::size_t, const Options&, Debug*) override {}
  Status Truncate(std::uint64_t size, const Options& options, Debug* debug) override {
    const std::lock_guard lock(fs_.mutex_);
    auto& extent = fs_.files_[name_];
    auto s = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    extent.written = size;
    extent.synced = std::min(extent.synced, size);
    return s;
  }

 private:
  Status sync(const Options& options, Debug* debug) {
    const std::lock_guard lock(fs_.mutex_);
    if (auto s = fs_.step(kind_); !s.ok()) return s;
    if (fs_.plan_.pretend_file_sync ||
        (fs_.plan_.pretend_snapshot_sync && kind_ == FaultFs::FileKind::snapshot))
      return Status::OK();
    auto s = FSWritableFileOwnerWrapper::Sync(options, debug);
    auto& extent = fs_.files_[name_];
    if (s.ok()) {
      extent.synced = extent.written;
      fs_.overwrites_synced(name_);
    }
    return s;
  }
  Bytes read(std::uint64_t offset, std::size_t size) const {
    Bytes out(size);
    std::ifstream file(name_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(size));
    out.resize(static_cast<std::size_t>(file.gcount()));
    return out;
  }

  FaultFs& fs_;
  std::string name_;
  FaultFs::FileKind kind_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(FaultFs& fs, std::string name, std::unique_ptr<rocksdb::FSDirectory>&& directory)
      : FSDirectoryWrapper(std::move(directory)), fs_(fs), name_(std::move(name)) {}
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override { return sync(); }
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions&, rocksdb::IODebugContext*,
                                        const rocksdb::DirFsyncOptions&) override {
    return sync();
  }

 private:
  rocksdb::IOStatus sync() {
    const std::lock_guard lock(fs_.mutex_);
    if (auto s = fs_.step(); !s.ok()) return s;
    if (!fs_.plan_.pretend_directory_sync) fs_.directory_synced(name_);
    return rocksdb::IOStatus::OK();
  }

  FaultFs& fs_;
  std::string name_;
};

class FaultMarkFile final : public MarkFile {
 public:
  FaultMarkFile(FaultFs& fs, std::string path)
      : fs_(fs), path_(std::move(path)), fd_(::open(path_.c_str(), O_RDWR)) {}
  ~FaultMarkFile() override { ::close(fd_); }

  Result<Bytes> read() override {
    Bytes out(std::filesystem::file_size(path_));
    if (::pread(fd_, out.data(), out.size(), 0) != static_cast<ssize_t>(out.size()))
      return fail(ErrorCode::io, "short read");
    return out;
  }
  Result<void> write_at(std::size_t offset, ByteView bytes) override {
    const std::lock_guard lock(fs_.mutex_);
    Bytes before(bytes.size());
    if (::pread(fd_, before.data(), before.size(), static_cast<off_t>(offset)) < 0)
      return fail(ErrorCode::io, "read");
    fs_.overwrites_.push_back({path_, offset, std::move(before), {bytes.begin(), bytes.end()}});
    if (auto s = fs_.step(); !s.ok()) return fail(ErrorCode::unknown, s.ToString());
    if (::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) < 0)
      return fail(ErrorCode::unknown, "write");
    return {};
  }
  Result<void> sync() override {
    const std::lock_guard lock(fs_.mutex_);
    if (auto s = fs_.step(); !s.ok()) return fail(ErrorCode::unknown, s.ToString());
    fs_.overwrites_synced(path_);
    return {};
  }

 private:
  FaultFs& fs_;
  std::string path_;
  int fd_;
};

FaultFs::FaultFs(std::string aside, FaultPlan plan)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), aside_(std::move(aside)) {
  set_plan(plan);
}

void FaultFs::set_plan(FaultPlan plan) {
  const std::lock_guard lock(mutex_);
  plan_ = plan;
  chance_ = plan.seed * 0x9E3779B97F4A7C15ULL + 1;
  kind_calls_ = 0;
}

std::unique_ptr<MarkFile> FaultFs::mark_file(const std::string& path) {
  return std::make_unique<FaultMarkFile>(*this, path);
}

FaultFs::Status FaultFs::step(FileKind kind) {
  const auto n = ++calls_;
  if (n == plan_.cut_at) cut();
  if (plan_.fail_at == 0) return Status::OK();
  if (plan_.only_log && kind != FileKind::log) return Status::OK();
  if (plan_.only_tables && kind != FileKind::table) return Status::OK();
  const auto at = plan_.only_log || plan_.only_tables ? ++kind_calls_ : n;
  if (at != plan_.fail_at && !(plan_.fail_for_ever && at > plan_.fail_at)) return Status::OK();
  return plan_.no_space ? Status::NoSpace("injected") : Status::IOError("injected");
}

// How much of a file is there after the power came back.
std::uint64_t FaultFs::survives(const Extent& extent) {
  if (!plan_.torn || extent.written <= extent.synced) return extent.synced;
  chance_ = chance_ * 6364136223846793005ULL + 1442695040888963407ULL;
  return extent.synced + (chance_ >> 33) % (extent.written - extent.synced + 1);
}

void FaultFs::cut() {
  cut_begun_ = true;
  for (const auto& [name, extent] : files_) {
    if (exists(name)) std::ignore = ::truncate(name.c_str(), static_cast<off_t>(survives(extent)));
  }
  for (auto& [directory, list] : undo_) {
    for (auto it = list.rbegin(); it != list.rend(); ++it) undo(*it);
  }
  for (auto it = overwrites_.rbegin(); it != overwrites_.rend(); ++it) undo(*it);
  ::_exit(kCutStatus);
}

void FaultFs::undo(const Undo& u) {
  switch (u.kind) {
    case Undo::Kind::created:
      ::unlink(u.path.c_str());
      return;
    case Undo::Kind::renamed:
      std::ignore = ::rename(u.path.c_str(), u.from.c_str());
      break;
    case Undo::Kind::deleted:
      break;
  }
  if (u.kept.empty()) return;
  std::ignore = ::rename(u.kept.c_str(), u.path.c_str());
  std::ignore = ::truncate(u.path.c_str(), static_cast<off_t>(survives(u.extent)));
}

// Strict: the write never happened. Torn: some of its sectors did, any of them.
void FaultFs::undo(const Overwrite& o) {
  if (!exists(o.path)) return;
  auto bytes = o.before;
  for (std::size_t at = 0; plan_.torn && at < o.after.size(); at += kSector) {
    if (survives({1, 0}) == 0) continue;
    const auto end = std::min(at + kSector, o.after.size());
    if (bytes.size() < end) bytes.resize(end);
    std::copy(o.after.begin() + static_cast<std::ptrdiff_t>(at),
              o.after.begin() + static_cast<std::ptrdiff_t>(end),
              bytes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::fstream file(o.path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(o.offset));
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (o.before.size() < o.after.size())  // the file ended there
    std::ignore = ::truncate(o.path.c_str(), static_cast<off_t>(o.offset + bytes.size()));
}

void FaultFs::overwrites_synced(const std::string& path) {
  std::erase_if(overwrites_, [&](const Overwrite& o) { return o.path == path; });
}

std::string FaultFs::keep(const std::string& path) {
  auto kept = aside_ + "/" + std::to_string(++kept_);
  return ::link(path.c_str(), kept.c_str()) == 0 ? kept : std::string();
}

void FaultFs::directory_synced(const std::string& directory) {
  for (const auto& u : undo_[directory]) {
    if (!u.kept.empty()) ::unlink(u.kept.c_str());
  }
  undo_[directory].clear();
}

FaultFs::Status FaultFs::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  if (plan_.no_direct && options.use_direct_writes) return Status::IOError("Invalid argument");
  const bool fresh = !exists(name);
  auto s = FileSystemWrapper::NewWritableFile(name, options, out, debug);
  if (!s.ok()) return s;
  files_[name] = {};
  if (fresh) undo_[parent_of(name)].push_back({Undo::Kind::created, name, {}, {}, {}});
  *out = std::make_unique<FaultFile>(*this, name, std::move(*out));
  return s;
}

FaultFs::Status FaultFs::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  auto s = FileSystemWrapper::ReopenWritableFile(name, options, out, debug);
  if (!s.ok()) return s;
  const auto size = std::filesystem::file_size(name);
  if (!files_.contains(name)) files_[name] = {size, size};
  *out = std::make_unique<FaultFile>(*this, name, std::move(*out));
  return s;
}

FaultFs::Status FaultFs::ReuseWritableFile(const std::string& name, const std::string& old,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  if (plan_.no_direct && options.use_direct_writes) return Status::IOError("Invalid argument");
  auto s = FileSystemWrapper::ReuseWritableFile(name, old, options, out, debug);
  if (!s.ok()) return s;
  renamed(old, name, {Undo::Kind::renamed, name, old, {}, {}});
  *out = std::make_unique<FaultFile>(*this, name, std::move(*out));
  return s;
}

void FaultFs::renamed(const std::string& from, const std::string& to, Undo&& undo) {
  undo_[parent_of(to)].push_back(std::move(undo));
  overwrites_synced(to);  // of a file that is gone
  for (auto& o : overwrites_) {
    if (o.path == from) o.path = to;
  }
  if (const auto it = files_.find(from); it != files_.end()) {
    files_[to] = it->second;
    files_.erase(it);
  } else {
    files_.erase(to);
  }
}

FaultFs::Status FaultFs::NewDirectory(const std::string& name, const Options& options,
                                      std::unique_ptr<rocksdb::FSDirectory>* out, Debug* debug) {
  auto s = FileSystemWrapper::NewDirectory(name, options, out, debug);
  if (s.ok()) *out = std::make_unique<FaultDirectory>(*this, plain(name), std::move(*out));
  return s;
}

FaultFs::Status FaultFs::DeleteFile(const std::string& name, const Options& options, Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  const auto extent = files_.contains(name) ? files_[name]
                      : exists(name)
                          ? Extent{std::filesystem::file_size(name), std::filesystem::file_size(name)}
                          : Extent{};
  undo_[parent_of(name)].push_back({Undo::Kind::deleted, name, {}, keep(name), extent});
  files_.erase(name);
  return vanish(FileSystemWrapper::DeleteFile(name, options, debug), name);
}

FaultFs::Status FaultFs::RenameFile(const std::string& from, const std::string& to, const Options& options,
                                    Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  Undo u{Undo::Kind::renamed, to, from, {}, {}};
  if (exists(to)) {
    u.extent = files_.contains(to) ? files_[to]
                                   : Extent{std::filesystem::file_size(to), std::filesystem::file_size(to)};
    u.kept = keep(to);
  }
  auto s = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (!s.ok()) return vanish(s, from);
  renamed(from, to, std::move(u));
  return s;
}

FaultFs::Status FaultFs::LinkFile(const std::string& from, const std::string& to, const Options& options,
                                  Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  auto s = FileSystemWrapper::LinkFile(from, to, options, debug);
  if (!s.ok()) return s;
  undo_[parent_of(to)].push_back({Undo::Kind::created, to, {}, {}, {}});
  if (const auto it = files_.find(from); it != files_.end()) files_[to] = it->second;  // one file, two names
  return s;
}

FaultFs::Status FaultFs::Truncate(const std::string& name, std::size_t size, const Options& options,
                                  Debug* debug) {
  const std::lock_guard lock(mutex_);
  if (auto s = step(); !s.ok()) return s;
  auto s = FileSystemWrapper::Truncate(name, size, options, debug);
  if (const auto it = files_.find(name); s.ok() && it != files_.end()) {
    it->second.written = size;
    it->second.synced = std::min<std::uint64_t>(it->second.synced, size);
  }
  return s;
}

}  // namespace tollgate::storage::test
