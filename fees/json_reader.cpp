#include "fees/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "fees/number.h"

namespace tollgate::fees::reading {
namespace {

// A pass of its own for what a tree of values cannot show any more: a member that stands twice in one object.
class RepeatFinder {
 public:
  constexpr static std::size_t max_object_size = std::size_t(-1);
  constexpr static std::size_t max_array_size = std::size_t(-1);
  constexpr static std::size_t max_key_size = std::size_t(-1);
  constexpr static std::size_t max_string_size = std::size_t(-1);
  using Ec = boost::system::error_code;

  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_object_begin(Ec&) {
    open_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, Ec&) {
    auto& keys = open_.back();
    std::ranges::sort(keys);
    const auto twice = std::ranges::adjacent_find(keys);
    if (twice != keys.end() && repeated_.empty()) repeated_ = *twice;
    open_.pop_back();
    return true;
  }
  bool on_array_begin(Ec&) { return true; }
  bool on_array_end(std::size_t, Ec&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, Ec&) {
    key_ += part;
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Ec&) {
    key_ += part;
    open_.back().push_back(std::exchange(key_, {}));
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, Ec&) { return true; }
  bool on_string(json::string_view, std::size_t, Ec&) { return true; }
  bool on_number_part(json::string_view, Ec&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Ec&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Ec&) { return true; }
  template <class Fraction>
  bool on_double(Fraction, json::string_view, Ec&) {  // read only to be refused where an integer is expected
    return true;
  }
  bool on_bool(bool, Ec&) { return true; }
  bool on_null(Ec&) { return true; }
  bool on_comment_part(json::string_view, Ec&) { return true; }
  bool on_comment(json::string_view, Ec&) { return true; }

  [[nodiscard]] const std::string& repeated() const noexcept { return repeated_; }

 private:
  std::vector<std::vector<std::string>> open_;
  std::string key_, repeated_;
};

constexpr std::size_t kDepthMax = 16;  // a schedule needs 7

json::parse_options options() {
  json::parse_options opts;
  opts.max_depth = kDepthMax;
  return opts;
}

// Names come from the input: shown only when they are short and plain.
std::string shown(std::string_view name) {
  const bool plain =
      name.size() <= 64 && std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~' && c != '"'; });
  return plain ? fmt::format("\"{}\"", name) : std::string("with an unreadable name");
}

}  // namespace

std::optional<json::value> parse(Context& context, std::string_view text) {
  boost::system::error_code ec;
  json::basic_parser<RepeatFinder> finder(options());
  const auto read = finder.write_some(false, text.data(), text.size(), ec);
  if (ec || read < text.size()) {
    const auto head = text.substr(0, std::min(read, text.size()));
    const auto line = 1 + std::ranges::count(head, '\n');
    context.refuse(fmt::format("line {}: {}", line, ec ? ec.message() : "more than one JSON value"));
    return std::nullopt;
  }
  if (!finder.handler().repeated().empty()) {
    context.refuse(fmt::format("member {} stands twice in one object", shown(finder.handler().repeated())));
    return std::nullopt;
  }
  auto value = json::parse(text, ec, {}, options());
  if (ec) {
    context.refuse(ec.message());
    return std::nullopt;
  }
  return value;
}

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

ObjectReader::ObjectReader(Context& context, const json::value& value)
    : context_(context), object_(value.if_object()) {
  if (object_ == nullptr) context_.refuse("an object is expected here");
}

bool ObjectReader::has(std::string_view name) const {
  return object_ != nullptr && object_->if_contains(name) != nullptr;
}

void ObjectReader::read(std::string_view name, const Leaf& leaf, std::string_view default_text, bool needed) {
  known_.push_back(name);
  if (object_ == nullptr || context_.failed()) return;
  const Context::Step step(context_, name);
  const auto* value = object_->if_contains(name);
  if (value == nullptr) {
    if (needed) context_.refuse("the field is missing");
    return;
  }
  ++taken_;
  auto canonical = leaf(context_, *value);
  const bool empty = canonical == "[]" || canonical == "{}";
  if (!needed && (empty || canonical == default_text)) return;
  canonical_.emplace_back(name, std::move(canonical));
}

std::string ObjectReader::finish() {
  if (object_ == nullptr || context_.failed()) return {};
  if (taken_ != object_->size())
    for (const auto& member : *object_)
      if (std::ranges::find(known_, std::string_view(member.key())) == known_.end()) {
        context_.refuse(fmt::format("unknown field {}", shown(member.key())));
        return {};
      }
  std::ranges::sort(canonical_);
  std::string out = "{";
  for (const auto& [name, text] : canonical_) {
    if (out.size() > 1) out += ',';
    out.append(quoted(name)).append(":").append(text);
  }
  return out + "}";
}

Leaf text(std::string& out, std::function<bool(std::string_view)> good, std::string_view expected) {
  return [&out, good = std::move(good), expected](Context& context, const json::value& value) -> std::string {
    const auto* string = value.if_string();
    if (string == nullptr || !good(std::string_view(*string))) {
      context.refuse(fmt::format("expected {}", expected));
      return {};
    }
    out.assign(string->data(), string->size());
    return quoted(out);
  };
}

Leaf integer(std::int64_t& out, std::int64_t low, std::int64_t high) {
  return [&out, low, high](Context& context, const json::value& value) -> std::string {
    const auto* number = value.if_int64();
    if (number == nullptr || *number < low || *number > high) {
      context.refuse(fmt::format("expected an integer, {} to {}", low, high));
      return {};
    }
    out = *number;
    return std::to_string(out);
  };
}

Leaf rate(std::int64_t& out_nano) {
  return [&out_nano](Context& context, const json::value& value) -> std::string {
    const auto* string = value.if_string();
    const auto parsed = string == nullptr ? std::nullopt : parse_rate(std::string_view(*string));
    if (!parsed) {
      context.refuse("expected a rate as a string, \"0\" to \"1\" with at most nine decimals");
      return {};
    }
    out_nano = *parsed;
    return quoted(rate_text(out_nano));
  };
}

Leaf boolean(bool& out) {
  return [&out](Context& context, const json::value& value) -> std::string {
    const auto* flag = value.if_bool();
    if (flag == nullptr) {
      context.refuse("expected true or false");
      return {};
    }
    out = *flag;
    return out ? "true" : "false";
  };
}

Leaf choice(std::function<void(std::size_t)> set, const Choices& words) {
  return [set = std::move(set), words](Context& context, const json::value& value) -> std::string {
    const auto* string = value.if_string();
    const auto it = string == nullptr ? words.end() : std::ranges::find(words, std::string_view(*string));
    if (it == words.end()) {
      context.refuse(fmt::format("expected one of {}", fmt::join(words, ", ")));
      return {};
    }
    set(static_cast<std::size_t>(it - words.begin()));
    return quoted(*it);
  };
}

Leaf list(ListBounds bounds, Leaf element) {
  return [bounds, element = std::move(element)](Context& context, const json::value& value) -> std::string {
    const auto* array = value.if_array();
    if (array == nullptr || array->size() < bounds.min || array->size() > bounds.max) {
      context.refuse(fmt::format("expected a list of {} to {}", bounds.min, bounds.max));
      return {};
    }
    std::vector<std::string> seen;
    std::string out = "[";
    for (std::size_t i = 0; i < array->size() && !context.failed(); ++i) {
      const Context::Step step(context, std::to_string(i));
      auto canonical = element(context, (*array)[i]);
      if (bounds.distinct && std::ranges::find(seen, canonical) != seen.end())
        context.refuse("the value stands twice in its list");
      if (i != 0) out += ',';
      out += canonical;
      if (bounds.distinct) seen.push_back(std::move(canonical));
    }
    return out + "]";
  };
}

}  // namespace tollgate::fees::reading
