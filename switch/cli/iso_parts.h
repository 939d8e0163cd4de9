// Private to switch/cli: field values and the insides of private fields as JSON, in the shape of vector
// files.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "switch/base/result.h"
#include "switch/iso/dialect.h"
#include "switch/iso/message.h"

namespace tollgate::cli {

// A built-in dialect by name, or one from a file.
[[nodiscard]] Result<std::shared_ptr<const iso::Dialect>> find_dialect(std::string_view name);

// Contents of a file, or of a stream; an error above 64 MiB.
[[nodiscard]] Result<std::string> read_file(const std::string& file);
[[nodiscard]] Result<std::string> read_stream(std::istream& in);

// Canonical value as vector files write it: digits and ASCII text as they are, other text as "hex:" and
// bytes, binary as hex.
[[nodiscard]] std::string field_text(const iso::MessageView& message, int field);
// The way back: the canonical value of what field_text wrote; nullopt when hex is expected and not there.
[[nodiscard]] std::optional<std::string> canonical_text(const iso::FieldSpec& spec, std::string_view text);

// Text that may be GBK: ASCII as it is, "gbk:" and UTF-8 where it converts, else "hex:" and bytes.
[[nodiscard]] std::string readable(std::string_view bytes);

// The inside of field 48, 54, 55, 59, 60, 61, 62 or 63 of a cup message; null where nothing is known or it
// does not parse.
[[nodiscard]] boost::json::value decoded_parts(const iso::MessageView& message, int field);

}  // namespace tollgate::cli
