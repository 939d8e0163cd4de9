#include "switch/base/check.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace tollgate {

// A line like the log's, made without memory or locks: the process may have neither.
void check_failed(const char* expression, const char* file, int line) noexcept {
  char text[1024];
  std::size_t at = 0;
  const auto put = [&](char c) {
    if (at < sizeof text) text[at++] = c;
  };
  for (const char* c = expression; *c != '\0' && at + 2 < sizeof text; ++c) {
    if (*c == '"' || *c == '\\') put('\\');
    put(*c == '\n' ? ' ' : *c);
  }
  std::fprintf(stderr, "{\"level\":\"fatal\",\"component\":\"check\",\"msg\":\"%.*s\",\"at\":\"%s:%d\"}\n",
               static_cast<int>(at), text, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace tollgate
