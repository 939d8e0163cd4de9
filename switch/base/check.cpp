#include "switch/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tollgate {

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "{\"level\":\"fatal\",\"component\":\"check\",\"msg\":\"%s\",\"at\":\"%s:%d\"}\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace tollgate
