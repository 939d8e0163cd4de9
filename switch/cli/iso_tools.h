// `tollgate iso check | decode | encode` as functions: files of vectors held against the codec, one message
// made readable, one message made from JSON. dialect: the name of a built-in dialect, or the path of a
// dialect file (it contains '/' or ends with
// ".toml"). Thread: the caller's; no state. Exit codes: 0 as asked, 1 refused or failed, 2 the input cannot
// be read.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace tollgate::cli {

// Every message of a vector file (the format of tests/iso/vectors/cup.json): fields, bytes after encoding
// again, insides of the private fields, range of the MAC; defective ones must be refused where they say.
// Writes each failure with id, field, expected and got, then "N passed, N failed". 0 only when all passed and
// there was one.
[[nodiscard]] int iso_check(const std::string& file, std::string_view dialect, std::ostream& out);

struct IsoDecodeOptions {
  bool json = false;
};
// hex: one message in hexadecimal (spaces and line ends are ignored), with or without its length prefix; "-"
// reads it from `in`. Sensitive values are hidden: the card number but for its first 6 and last 4 digits,
// tracks, PINs and keys whole.
[[nodiscard]] int iso_decode(std::string_view hex, std::string_view dialect, IsoDecodeOptions options,
                             std::istream& in, std::ostream& out);

// json: {"mti": "0200", "tpdu": "6000000000", "header": "600000000000", "fields": {"3": "000000", ...}},
// values as in vector files;
// "-" reads it from `in`. Writes the frame, length prefix included, as hexadecimal.
[[nodiscard]] int iso_encode(std::string_view json, std::string_view dialect, std::istream& in,
                             std::ostream& out);

}  // namespace tollgate::cli
