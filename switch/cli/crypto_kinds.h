// The kinds of cryptographic vectors, each as a function from inputs to output; for crypto_tools.cpp and its
// tests.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "switch/base/result.h"

namespace tollgate::cli {

using CryptoKind = Result<std::string> (*)(const boost::json::object& inputs);

// nullptr for a kind without code. The function gives the output as the file writes it, or an error: refused.
[[nodiscard]] CryptoKind crypto_kind(std::string_view name) noexcept;

}  // namespace tollgate::cli
