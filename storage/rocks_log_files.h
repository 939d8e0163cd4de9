// The files of RocksDB's log, under RocksDB. A log that grows with every append makes the file system commit
// its own journal with every sync: twice the processor and twice the wait of a sync that only overwrites, and
// while tables are being written also a wait for those. So a log is taken from a file of zeros that was
// written and synced beforehand, is written in whole pages past the page cache, and is read up to where it
// ends (rocks_log_tail.h).
//
// The next file is prepared in a thread of its own ("log.next" in the store), a little at a time, once the
// store is open and whenever one was taken. Where there is none yet, or no room for one, a log grows as it
// always did. What a crash leaves of a prepared file is never used.
//
// Owner: the journal, which it outlives. Threads: RocksDB's, as any file system.
#pragma once

#include <rocksdb/file_system.h>

#include <functional>
#include <memory>
#include <string>

namespace tollgate::storage::rocks {

struct LogFilesOptions {
  std::uint64_t prepared_bytes = 0;   // of a log; 0: none is prepared
  std::function<bool()> may_prepare;  // is there room on the disk? From the preparing thread
  bool whole = false;  // for tests only: logs are read to the end of their files, as RocksDB would
};

class LogFiles final : public rocksdb::FileSystemWrapper {
 public:
  LogFiles(std::shared_ptr<rocksdb::FileSystem> base, std::string store, LogFilesOptions options);
  ~LogFiles() override;  // ends the thread; a prepared file that nobody took is removed

  static const char* kClassName() { return "TollgateLogFiles"; }
  const char* Name() const override { return kClassName(); }

  // To be called once, when the store's lock is held.
  void begin_preparing();

  using Status = rocksdb::IOStatus;
  using Debug = rocksdb::IODebugContext;
  Status NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSSequentialFile>* out, Debug* debug) override;
  Status NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) override;

 private:
  class NextLog;
  std::string store_;
  LogFilesOptions options_;
  std::unique_ptr<NextLog> next_;
};

}  // namespace tollgate::storage::rocks
