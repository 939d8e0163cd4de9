#include "storage/rocks_log_files.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "storage/rocks_log_tail.h"
#include "switch/base/check.h"
#include "switch/base/thread.h"

namespace tollgate::storage::rocks {
namespace {

using rocksdb::FileOptions;
using rocksdb::FileSystem;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPiece = 256U << 10;  // of zeros at a time, so that a sync never waits for many
constexpr std::chrono::milliseconds kPause{5};

constexpr const char *kNext = "/log.next", *kPart = "/log.part";  // a prepared one; one that is not whole yet

void remove(FileSystem& fs, const std::string& name) {
  if (fs.FileExists(name, IOOptions(), nullptr).ok()) std::ignore = fs.DeleteFile(name, IOOptions(), nullptr);
}

bool is_log(const std::string& name) {
  return name.ends_with(".log");
}

// Past the page cache where the file system can. `open` opens with the options that it is given.
template <class Open>
IOStatus open_directly(FileOptions options, const Open& open) {
  options.use_mmap_writes = false;
  options.use_direct_writes = true;
  if (auto status = open(options); status.ok()) return status;
  options.use_direct_writes = false;
  return open(options);
}

// Memory as direct writes want it; grows, never shrinks.
class Pages {
 public:
  [[nodiscard]] char* data() const noexcept { return memory_.get(); }
  void grow_to(std::size_t size, std::size_t keep) {
    if (size <= size_) return;
    size = std::max((size + kPage - 1) / kPage * kPage, 2 * size_);
    std::unique_ptr<char, Free> larger(static_cast<char*>(std::aligned_alloc(kPage, size)));
    TG_CHECK(larger != nullptr);
    if (keep != 0) std::memcpy(larger.get(), memory_.get(), keep);
    memory_ = std::move(larger);
    size_ = size;
  }

 private:
  struct Free {
    void operator()(char* p) const noexcept { std::free(p); }
  };
  std::unique_ptr<char, Free> memory_;
  std::size_t size_ = 0;
};

// Gathers what is appended and writes whole pages: the last one again and again until it is full. What it
// held already stays the same byte for byte, so that a sector that is torn is a sector of the last append.
class LogFile final : public FSWritableFile {
 public:
  explicit LogFile(std::unique_ptr<FSWritableFile> file) : file_(std::move(file)) {}

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    pages_.grow_to(held_ + data.size() + kPage, held_);
    std::memcpy(pages_.data() + held_, data.data(), data.size());
    held_ += data.size();
    written_ = false;
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    if (written_) return IOStatus::OK();
    const auto size = (held_ + kPage - 1) / kPage * kPage;
    std::memset(pages_.data() + held_, 0, size - held_);
    auto status = file_->PositionedAppend({pages_.data(), size}, begin_, options, debug);
    if (!status.ok()) return status;
    const auto whole = held_ / kPage * kPage;
    std::memmove(pages_.data(), pages_.data() + whole, held_ - whole);
    begin_ += whole;
    held_ -= whole;
    written_ = true;
    return status;
  }
  // RocksDB flushes first; so this may run beside an append, as of any file of its own.
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return file_->Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return file_->Fsync(options, debug);
  }
  [[nodiscard]] bool IsSyncThreadSafe() const override { return file_->IsSyncThreadSafe(); }
  // Gives back what was prepared and not used.
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    auto status = Flush(options, debug);
    if (status.ok()) status = file_->Truncate(begin_ + held_, options, debug);
    auto closed = file_->Close(options, debug);
    return status.ok() ? closed : status;
  }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return begin_ + held_; }
  void SetPreallocationBlockSize(std::size_t) override {}

 private:
  std::unique_ptr<FSWritableFile> file_;
  Pages pages_;
  std::uint64_t begin_ = 0;  // of the first page that is held
  std::size_t held_ = 0;
  bool written_ = true;
};

// As far as it counts.
class LogReader final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  LogReader(std::unique_ptr<FSSequentialFile>&& file, std::uint64_t size)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(size) {}

  IOStatus Read(std::size_t n, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    auto status = FSSequentialFileOwnerWrapper::Read(std::min<std::uint64_t>(n, left_), options, result,
                                                     scratch, debug);
    if (status.ok()) left_ -= result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    n = std::min(n, left_);
    left_ -= n;
    return FSSequentialFileOwnerWrapper::Skip(n);
  }

 private:
  std::uint64_t left_;
};

IOStatus find_end(FileSystem& fs, const std::string& name, LogEnd& found, std::uint64_t& size) {
  auto status = fs.GetFileSize(name, IOOptions(), &size, nullptr);
  if (!status.ok()) return status;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  status = fs.NewRandomAccessFile(name, FileOptions(), &file, nullptr);
  if (!status.ok()) return status;
  found = log_end(size, [&](std::uint64_t offset, MutableBytes out) {
    Slice read;
    auto* to = reinterpret_cast<char*>(out.data());
    if (!file->Read(offset, out.size(), IOOptions(), &read, to, nullptr).ok() || read.size() != out.size())
      return false;
    if (read.data() != to) std::memcpy(to, read.data(), read.size());
    return true;
  });
  return status;
}

// Is there a record in a log behind this one? Numbers grow, in six digits or more.
IOStatus is_followed(FileSystem& fs, const std::string& name, bool& out) {
  const auto slash = name.rfind('/');
  const auto directory = name.substr(0, slash), own = name.substr(slash + 1);
  std::vector<std::string> children;
  auto status = fs.GetChildren(directory, IOOptions(), &children, nullptr);
  for (const auto& child : children) {
    if (out || !status.ok()) break;
    if (!is_log(child) || std::pair(child.size(), child) <= std::pair(own.size(), own)) continue;
    LogEnd found;
    std::uint64_t size = 0;
    status = find_end(fs, directory + "/" + child, found, size);
    out = found.end != 0;
  }
  return status;
}

}  // namespace

class LogFiles::NextLog {
 public:
  NextLog(FileSystem& fs, const std::string& store, const LogFilesOptions& options)
      : fs_(fs), name_(store + kNext), part_(store + kPart), options_(options), thread_([this] { run(); }) {}

  ~NextLog() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_one();
    thread_.join();
    if (ready_) remove(fs_, name_);
  }

  // Under its new name, or null. Either way another one is wanted from now on.
  std::unique_ptr<FSWritableFile> take(const std::string& name, const FileOptions& options) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<FSWritableFile> out;
    if (ready_) {
      std::ignore = open_directly(options, [&](const FileOptions& how) {
        return fs_.ReuseWritableFile(name, name_, how, &out, nullptr);
      });
    }
    ready_ = false;
    wanted_ = true;
    changed_.notify_one();
    return out;
  }

 private:
  void run() {
    name_this_thread("tg-next-log");
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return wanted_ || closing_; });
      if (closing_) return;
      lock.unlock();
      remove(fs_, name_);  // one that could not be taken
      const bool made = (!options_.may_prepare || options_.may_prepare()) && prepare();
      if (!made) remove(fs_, part_);
      lock.lock();
      ready_ = made && fs_.RenameFile(part_, name_, IOOptions(), nullptr).ok();
      wanted_ = false;  // also what was wanted meanwhile
    }
  }

  bool prepare() {
    std::unique_ptr<FSWritableFile> file;
    auto status = open_directly(FileOptions(), [&](const FileOptions& how) {
      return fs_.NewWritableFile(part_, how, &file, nullptr);
    });
    Pages zeros;
    zeros.grow_to(kPiece, 0);
    std::memset(zeros.data(), 0, kPiece);
    bool closing = false;
    for (std::uint64_t at = 0; status.ok() && !closing && at < options_.prepared_bytes; at += kPiece) {
      const auto piece = std::min<std::uint64_t>(kPiece, options_.prepared_bytes - at);
      status = file->PositionedAppend({zeros.data(), piece}, at, IOOptions(), nullptr);
      std::unique_lock lock(mutex_);
      closing = changed_.wait_for(lock, kPause, [&] { return closing_; });
    }
    if (status.ok() && !closing) status = file->Sync(IOOptions(), nullptr);
    if (file) {
      const auto closed = file->Close(IOOptions(), nullptr);
      if (status.ok()) status = closed;
    }
    return status.ok() && !closing;
  }

  FileSystem& fs_;
  const std::string name_, part_;  // a prepared one; one that is not whole yet
  const LogFilesOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = true, ready_ = false, closing_ = false;
  std::thread thread_;
};

LogFiles::LogFiles(std::shared_ptr<FileSystem> base, std::string store, LogFilesOptions options)
    : FileSystemWrapper(std::move(base)), store_(std::move(store)), options_(std::move(options)) {
  options_.prepared_bytes = (options_.prepared_bytes + kPage - 1) / kPage * kPage;
}

LogFiles::~LogFiles() = default;

IOStatus LogFiles::begin_writing() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, end] : ends_) {
      if (!target()->FileExists(name, IOOptions(), nullptr).ok()) continue;  // RocksDB needs it no more
      std::unique_ptr<FSWritableFile> file;
      auto status = target()->ReopenWritableFile(name, FileOptions(), &file, nullptr);
      if (status.ok()) status = file->Truncate(end, IOOptions(), nullptr);
      if (status.ok()) status = file->Fsync(IOOptions(), nullptr);
      if (status.ok()) status = file->Close(IOOptions(), nullptr);
      if (!status.ok()) return status;
    }
    ends_.clear();
  }
  if (options_.prepared_bytes != 0 && !next_) next_ = std::make_unique<NextLog>(*target(), store_, options_);
  return IOStatus::OK();
}

IOStatus LogFiles::LockFile(const std::string& name, const IOOptions& options, rocksdb::FileLock** lock,
                            Debug* debug) {
  auto status = FileSystemWrapper::LockFile(name, options, lock, debug);
  if (status.ok() && name == store_ + "/LOCK") {
    for (const auto* file : {kNext, kPart}) remove(*target(), store_ + file);
  }
  return status;
}

IOStatus LogFiles::NewSequentialFile(const std::string& name, const FileOptions& options,
                                     std::unique_ptr<FSSequentialFile>* out, Debug* debug) {
  auto status = FileSystemWrapper::NewSequentialFile(name, options, out, debug);
  if (!status.ok() || !is_log(name) || options_.whole) return status;
  LogEnd found;
  std::uint64_t size = 0;
  bool rotten = false;
  status = find_end(*target(), name, found, size);
  if (status.ok() && found.torn) status = is_followed(*target(), name, rotten);
  if (!status.ok() || rotten || found.end == size) return status;
  *out = std::make_unique<LogReader>(std::move(*out), found.end);
  const std::lock_guard lock(mutex_);
  ends_[name] = found.end;
  return status;
}

IOStatus LogFiles::NewWritableFile(const std::string& name, const FileOptions& options,
                                   std::unique_ptr<FSWritableFile>* out, Debug* debug) {
  if (!is_log(name)) return FileSystemWrapper::NewWritableFile(name, options, out, debug);
  std::unique_ptr<FSWritableFile> file;
  if (next_) file = next_->take(name, options);
  if (!file) {
    auto status = open_directly(options, [&](const FileOptions& how) {
      return FileSystemWrapper::NewWritableFile(name, how, &file, debug);
    });
    if (!status.ok()) return status;
  }
  *out = std::make_unique<LogFile>(std::move(file));
  return IOStatus::OK();
}

}  // namespace tollgate::storage::rocks
