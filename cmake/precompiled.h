// What most files of the switch include, compiled once for the sanitizer builds (cmake/tollgate.cmake, TOLLGATE_PRECOMPILE): the
// standard library, the generated records and fmt. It gives no file the right to leave an include out: the release build has no
// precompiled header, so what is missing does not compile there. Nothing of ours stands here, or a change would build everything.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <expected>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include "proto/records.h"
