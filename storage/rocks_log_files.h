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
// A torn record is only ever the last one of all logs. In a log that another one with records follows, what
// looks like one is rot, and recovery is shown all of it; so before the first write to a recovered store its
// logs are cut where they end, for good. Not earlier: until then they are evidence.
//
// Owner: the journal, which it outlives. Threads: RocksDB's, as any file system.
#pragma once

#include <rocksdb/file_system.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
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

  // Once, before the first write to a store that was judged good.
  [[nodiscard]] rocksdb::IOStatus begin_writing();

  using Status = rocksdb::IOStatus;
  using Debug = rocksdb::IODebugContext;
  Status NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSSequentialFile>* out, Debug* debug) override;
  Status NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSWritableFile>* out, Debug* debug) override;
  // With the lock comes the room that a crash left taken.
  Status LockFile(const std::string& name, const rocksdb::IOOptions& options, rocksdb::FileLock** lock,
                  Debug* debug) override;

 private:
  class NextLog;
  std::string store_;
  LogFilesOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> ends_;  // of logs that recovery read, where their files are longer
  std::unique_ptr<NextLog> next_;
};

}  // namespace tollgate::storage::rocks
