// A directory of its own for a test, gone when the test ends. In memory where the system has /dev/shm,
// because these tests count calls and cut writes short; whether a disk keeps its word is not theirs to say.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tollgate::storage::test {

class Scratch {
 public:
  Scratch() {
    const char* given = std::getenv("TMPDIR");
    std::string base = given != nullptr ? given : ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    base += "/tollgate-storage-XXXXXX";
    path_ = ::mkdtemp(base.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tollgate::storage::test
