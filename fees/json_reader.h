// Reading JSON by tables (internal to fees/: Boost.JSON stays here). Every field is named once, with how it
// is read and what its default is; unknown, repeated and mistyped fields are refused with their JSON pointer,
// and the canonical text of the reference ("fees", section 2, content hash) falls out of the same pass, so
// that reading and hashing cannot differ.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fees/refusal.h"

namespace tollgate::fees::reading {

namespace json = boost::json;

// Where the reader stands, and the first thing that was wrong. After it everything reads as absent.
class Context {
 public:
  void refuse(std::string what, Reason reason = Reason::schema) {
    if (!refusal_) refusal_ = Refusal{reason, path_, std::move(what)};
  }
  [[nodiscard]] bool failed() const noexcept { return refusal_.has_value(); }
  [[nodiscard]] Refusal take() { return std::move(*refusal_); }

  class Step {  // one token of the pointer, while it lives
   public:
    Step(Context& context, std::string_view token) : context_(context), size_(context.path_.size()) {
      context.path_.append("/").append(token);
    }
    ~Step() { context_.path_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Context& context_;
    std::size_t size_;
  };

 private:
  std::string path_;
  std::optional<Refusal> refusal_;
};

// Reads a value and returns its canonical text.
using Leaf = std::function<std::string(Context&, const json::value&)>;

class ObjectReader {
 public:
  ObjectReader(Context& context, const json::value& value);
  void required(std::string_view name, const Leaf& leaf) { read(name, leaf, {}, true); }
  // Omitted from the canonical text when it equals default_text, or is an empty list or object.
  void optional(std::string_view name, const Leaf& leaf, std::string_view default_text = {}) {
    read(name, leaf, default_text, false);
  }
  [[nodiscard]] bool has(std::string_view name) const;
  // Refuses what nobody asked for; the canonical object.
  [[nodiscard]] std::string finish();

 private:
  void read(std::string_view name, const Leaf& leaf, std::string_view default_text, bool needed);

  Context& context_;
  const json::object* object_;
  std::size_t taken_ = 0;
  std::vector<std::string_view> known_;
  std::vector<std::pair<std::string, std::string>> canonical_;
};

// Parses the text; refuses what is not one JSON value, nesting beyond 16 and a member that stands twice.
[[nodiscard]] std::optional<json::value> parse(Context& context, std::string_view text);

// "text" in quotes: every string that passes a reader here is printable ASCII without quotes or backslashes.
[[nodiscard]] std::string quoted(std::string_view text);

[[nodiscard]] Leaf text(std::string& out, std::function<bool(std::string_view)> good,
                        std::string_view expected);
[[nodiscard]] Leaf integer(std::int64_t& out, std::int64_t low, std::int64_t high);
[[nodiscard]] Leaf rate(std::int64_t& out_nano);
[[nodiscard]] Leaf boolean(bool& out);

using Choices = std::vector<std::string_view>;  // the word of value i
[[nodiscard]] Leaf choice(std::function<void(std::size_t)> set, const Choices& words);

struct ListBounds {
  std::size_t min = 0;
  std::size_t max = 64;
  bool distinct = false;  // scalars never repeat
};
[[nodiscard]] Leaf list(ListBounds bounds, Leaf element);

}  // namespace tollgate::fees::reading
