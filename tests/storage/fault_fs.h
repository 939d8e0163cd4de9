// A file system under RocksDB that can lose power and fail (reference "durability", 4.3). Every mutating call
// has a number: create, append, sync, directory sync, rename, delete, and each write and sync of the
// high-water mark.
//
//   Cut at n: what was not synced is undone (directory entries backwards, files cut to their synced size or,
//             torn, to a seeded point beyond; of a write in place nothing is left or, torn, a seeded choice
//             of its sectors), then the process ends without destructors, with kCutStatus.
//   Fail at n: an error once, or from n on.
//
// Mutating calls are serialised, so that nothing moves while the power goes. cut_begun() is for the writer:
// an answer that was given after it does not count. One object a process; it must outlive the journal.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/high_water_mark.h"

namespace tollgate::storage::test {

inline constexpr int kCutStatus = 86;

struct FaultPlan {
  std::uint64_t cut_at = 0;  // 0: never
  bool torn = false;
  std::uint64_t seed = 1;
  std::uint64_t fail_at = 0;  // 0: never
  bool fail_for_ever = false;
  bool no_space = false;               // the error is NoSpace
  bool only_log = false;               // fail_at counts appends and syncs of *.log only
  bool only_tables = false;            // … of *.sst and *.blob only
  bool no_direct = false;              // as a file system without direct writes
  bool pretend_file_sync = false;      // negative controls: reported, not done
  bool pretend_snapshot_sync = false;  // … of files in snapshots/ only
  bool pretend_directory_sync = false;
};

class FaultFs final : public rocksdb::FileSystemWrapper {
 public:
  // aside: an existing directory on the same file system, outside the store, for what a cut brings back.
  FaultFs(std::string aside, FaultPlan plan);

  static const char* kClassName() { return "FaultFs"; }
  const char* Name() const override { return kClassName(); }

  void set_plan(FaultPlan plan);
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  [[nodiscard]] bool cut_begun() const noexcept { return cut_begun_; }

  // The mark's file under the same counter and the same cut: an overwrite that was not synced is undone.
  [[nodiscard]] std::unique_ptr<MarkFile> mark_file(const std::string& path);

  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Status = rocksdb::IOStatus;
  Status NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) override;
  Status ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                            std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) override;
  Status ReuseWritableFile(const std::string& name, const std::string& old,
                           const rocksdb::FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* out,
                           Debug* debug) override;
  Status NewDirectory(const std::string& name, const Options& options,
                      std::unique_ptr<rocksdb::FSDirectory>* out, Debug* debug) override;
  Status DeleteFile(const std::string& name, const Options& options, Debug* debug) override;
  Status RenameFile(const std::string& from, const std::string& to, const Options& options,
                    Debug* debug) override;
  Status LinkFile(const std::string& from, const std::string& to, const Options& options,
                  Debug* debug) override;
  Status Truncate(const std::string& name, std::size_t size, const Options& options, Debug* debug) override;

 private:
  friend class FaultFile;
  friend class FaultDirectory;
  friend class FaultMarkFile;
  struct Extent {
    std::uint64_t written = 0, synced = 0;
  };
  struct Undo {
    enum class Kind { created, renamed, deleted } kind;
    std::string path, from, kept;  // kept: a hard link aside, empty when there is none
    Extent extent;                 // of the deleted or overwritten file
  };
  struct Overwrite {  // of the mark, of a log
    std::string path;
    std::uint64_t offset;
    Bytes before, after;  // before: shorter where the file ended
  };

  enum class FileKind { other, log, table, snapshot };
  [[nodiscard]] Status step(FileKind kind = FileKind::other);  // counts; cuts or fails
  [[noreturn]] void cut();
  void undo(const Undo& u);
  void undo(const Overwrite& o);
  void overwrites_synced(const std::string& path);
  void renamed(const std::string& from, const std::string& to, Undo&& undo);
  [[nodiscard]] std::uint64_t survives(const Extent& extent);
  [[nodiscard]] std::string keep(const std::string& path);
  void directory_synced(const std::string& directory);

  std::string aside_;
  std::recursive_mutex mutex_;  // every mutating call, whole
  FaultPlan plan_;
  std::atomic<std::uint64_t> calls_{0};
  std::uint64_t kind_calls_ = 0, kept_ = 0, chance_ = 0;
  std::atomic<bool> cut_begun_{false};
  std::map<std::string, Extent> files_;
  std::map<std::string, std::vector<Undo>> undo_;  // by directory
  std::vector<Overwrite> overwrites_;
};

}  // namespace tollgate::storage::test
