// The KEK file: 64 hex characters and a newline, 0600, of the user who runs the switch.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "switch/crypto/vault.h"

namespace tollgate::crypto {
namespace {

constexpr std::size_t kKekSize = 32;
constexpr std::size_t kTextSize = 2 * kKekSize + 1;

class File {
 public:
  explicit File(int fd) noexcept : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> io_error(const std::string& path, const char* doing) {
  const auto code = errno == ENOENT   ? ErrorCode::not_found
                    : errno == EEXIST ? ErrorCode::conflict
                                      : ErrorCode::io;
  return fail(code, std::string(doing) + ": " + std::strerror(errno), path);
}

bool write_all(int fd, ByteView bytes) noexcept {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// As many bytes as there are, up to out.size().
std::ptrdiff_t read_all(int fd, MutableBytes out) noexcept {
  std::size_t at = 0;
  while (at < out.size()) {
    const auto n = ::read(fd, out.data() + at, out.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    at += static_cast<std::size_t>(n);
  }
  return static_cast<std::ptrdiff_t>(at);
}

Result<void> sync_folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto folder = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd() < 0 || ::fsync(file.fd()) != 0) return io_error(folder, "cannot sync");
  return {};
}

int nibble_of(std::uint8_t c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Into wiped memory; from_hex would leave a copy in the heap.
bool parse_kek(ByteView text, MutableBytes kek) noexcept {
  for (std::size_t i = 0; i < kek.size(); ++i) {
    const int high = nibble_of(text[2 * i]), low = nibble_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    kek[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

Result<void> check_rights(const struct stat& info, const std::string& path) {
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::forbidden, "the key file is not a regular file", path);
  if (info.st_uid != ::geteuid())
    return fail(ErrorCode::forbidden, "the key file belongs to another user", path);
  if ((info.st_mode & 077) != 0)
    return fail(ErrorCode::forbidden, "the key file gives rights to group or others; it must have mode 0600",
                path);
  return {};
}

}  // namespace

Result<void> KeyVault::create_kek_file(const std::string& path, Chance& chance) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.fd() < 0) return io_error(path, "cannot create the key file");
  SecretBytes kek(kKekSize), text(kTextSize);
  chance.fill(kek.reveal());
  write_hex(kek.reveal(), reinterpret_cast<char*>(text.reveal().data()));
  text.reveal().back() = '\n';
  // A umask that takes rights of the owner away must not make a file that open_kek_file cannot read.
  if (::fchmod(file.fd(), 0600) != 0 || !write_all(file.fd(), text.reveal()) || ::fsync(file.fd()) != 0) {
    auto error = io_error(path, "cannot write the key file");
    ::unlink(path.c_str());
    return error;
  }
  return sync_folder_of(path);
}

Result<KeyVault> KeyVault::open_kek_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.fd() < 0) return io_error(path, "cannot open the key file");
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return io_error(path, "cannot look at the key file");
  if (auto rights = check_rights(info, path); !rights) return std::unexpected(rights.error());
  SecretBytes text(kTextSize + 1);  // one more, to see that nothing follows
  const auto size = read_all(file.fd(), text.reveal());
  if (size < 0) return io_error(path, "cannot read the key file");
  const auto wrong = [&] {
    return fail(ErrorCode::invalid, "the key file must hold 64 hex characters", path);
  };
  const auto count = static_cast<std::size_t>(size);
  if (count != kTextSize && count != kTextSize - 1) return wrong();
  if (count == kTextSize && text.reveal()[kTextSize - 1] != '\n') return wrong();
  SecretBytes kek(kKekSize);
  if (!parse_kek(text.reveal(), kek.reveal())) return wrong();
  return from_kek(kek.reveal());
}

}  // namespace tollgate::crypto
