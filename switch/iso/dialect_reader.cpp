// TOML -> DialectDraft: keys, types and bounds of single values.
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "switch/iso/builtin.h"
#include "switch/iso/dialect_draft.h"

namespace tollgate::iso {
namespace {

constexpr std::size_t kTextMax = std::size_t{1}
                                 << 20;  // far above any dialect; a file of another kind is refused early

// Edits between two words; used to say "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row.back();
}

class Reader {
 public:
  Reader(std::string_view file, DialectDraft& draft) : file_(file), draft_(draft) {}

  void document(const toml::table& root) {
    keys(root, "the file",
         {"name", "extends", "description", "framing", "header", "message", "encoding", "field", "set",
          "reply", "like", "kind"});
    if (const auto* base = root.get("extends")) extend(*base);
    const auto* name = root.get("name");
    if (name == nullptr) refuse(root, "the dialect has no name");
    draft_.name = dialect_name(*name);
    if (const auto* description = root.get("description")) (void)text(*description, "description");
    with(root, "framing", [&](const toml::table& t) { framing(t); });
    with(root, "header", [&](const toml::table& t) { header(t); });
    with(root, "message", [&](const toml::table& t) { message(t); });
    with(root, "encoding", [&](const toml::table& t) { encoding(t); });
    with(root, "field", [&](const toml::table& t) { fields(t); });
    with(root, "set", [&](const toml::table& t) {
      for (const auto& [key, node] : t) draft_.sets[std::string(key.str())] = list(node);
    });
    with(root, "reply", [&](const toml::table& t) { replies(t); });
    with(root, "like", [&](const toml::table& t) { likes(t); });
    kinds(root);
  }

 private:
  // ---- places and refusals ----
  [[nodiscard]] std::string place(const toml::node& node) const {
    return std::string(file_) + ":" + std::to_string(node.source().begin.line);
  }
  [[noreturn]] void refuse(const toml::node& node, std::string what) const {
    throw DialectRefused{place(node), std::move(what)};
  }

  void keys(const toml::table& table, std::string_view of,
            std::initializer_list<std::string_view> allowed) const {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(allowed, key.str()) != allowed.end()) continue;
      std::string what = "unknown key \"" + std::string(key.str()) + "\" in " + std::string(of);
      const auto nearest = std::ranges::min(
          allowed, {}, [&](std::string_view a) { return distance(a, key.str().substr(0, 40)); });
      if (distance(nearest, key.str().substr(0, 40)) <= 2)
        what += ", did you mean \"" + std::string(nearest) + "\"?";
      throw DialectRefused{std::string(file_) + ":" + std::to_string(key.source().begin.line),
                           std::move(what)};
    }
  }

  // ---- values ----
  template <class Then>
  void with(const toml::table& table, std::string_view key, Then then) const {
    const auto* node = table.get(key);
    if (node == nullptr) return;
    const auto* inner = node->as_table();
    if (inner == nullptr) refuse(*node, std::string(key) + " must be a table");
    then(*inner);
  }

  std::string text(const toml::node& node, std::string_view what) const {
    const auto* value = node.as_string();
    if (value == nullptr) refuse(node, std::string(what) + " must be a string");
    if (value->get().size() > 200) refuse(node, std::string(what) + " is longer than 200 characters");
    return value->get();
  }
  Said<std::string> said_text(const toml::node& node, std::string_view what) const {
    return {text(node, what), place(node)};
  }

  bool flag(const toml::node& node, std::string_view what) const {
    const auto* value = node.as_boolean();
    if (value == nullptr) refuse(node, std::string(what) + " must be true or false");
    return value->get();
  }

  std::int64_t integer(const toml::node& node, std::string_view what, std::int64_t least,
                       std::int64_t most) const {
    const auto* value = node.as_integer();
    if (value == nullptr) refuse(node, std::string(what) + " must be a whole number");
    if (value->get() < least || value->get() > most) {
      refuse(node, std::string(what) + " must be " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value->get();
  }

  template <class T>
  T choice(const toml::node& node, std::string_view what,
           std::initializer_list<std::pair<std::string_view, T>> choices) const {
    const std::string value = text(node, what);
    std::string known;
    for (const auto& [word, result] : choices) {
      if (word == value) return result;
      known += (known.empty() ? "\"" : ", \"") + std::string(word) + "\"";
    }
    refuse(node, std::string(what) + " must be one of " + known);
  }

  FieldList list(const toml::node& node) const {
    FieldList result{{}, place(node)};
    if (const auto* name = node.as_string()) {
      result.value.push_back({name->get(), place(node)});
      return result;
    }
    const auto* items = node.as_array();
    if (items == nullptr)
      refuse(node, "a list of fields must be an array of numbers and names of sets, or one name");
    for (const auto& item : *items) {
      if (const auto* name = item.as_string()) {
        result.value.push_back({name->get(), place(item)});
      } else {
        result.value.push_back({static_cast<int>(integer(item, "a field", 2, kFieldMax)), place(item)});
      }
      const auto same = std::ranges::count(result.value, result.value.back().value,
                                           &Said<std::variant<int, std::string>>::value);
      if (same > 1) refuse(item, "the list names this twice");
    }
    return result;
  }

  // ---- parts of the file ----
  std::string dialect_name(const toml::node& node) const {
    std::string value = text(node, "name");
    const bool fits = !value.empty() && value.size() <= 32 &&
                      value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
    if (!fits) refuse(node, "name must be 1 to 32 characters of a-z, 0-9, - and _");
    return value;
  }

  void extend(const toml::node& node) {
    const std::string base = text(node, "extends");
    const auto known = std::ranges::find(builtin::kNames, base);
    if (known == std::end(builtin::kNames))
      refuse(node, "extends names no dialect of the binary: \"" + base + "\"");
    // A base must not extend in turn: one level is what a reader of the file can follow.
    if (depth_ > 0) refuse(node, "a dialect that is extended must not extend another one");
    Reader reader(base_file(base), draft_);
    reader.depth_ = depth_ + 1;
    reader.document(parse(builtin::kTexts[known - std::begin(builtin::kNames)], base_file(base)));
  }
  static std::string base_file(std::string_view base) { return std::string(base) + ".toml"; }

  void framing(const toml::table& table) {
    keys(table, "framing", {"prefix", "maximum"});
    using Prefix = Framing::Prefix;
    if (const auto* node = table.get("prefix")) {
      draft_.framing.prefix =
          choice<Prefix>(*node, "prefix",
                         {{"none", Prefix::none}, {"binary2", Prefix::binary2}, {"ascii4", Prefix::ascii4}});
    }
    if (const auto* node = table.get("maximum")) {
      draft_.framing.maximum = static_cast<std::uint16_t>(integer(*node, "maximum", 64, 65535));
    }
    if (draft_.framing.prefix == Prefix::ascii4 && draft_.framing.maximum > 9999) {
      refuse(table, "maximum must be at most 9999 with a prefix of four characters");
    }
  }

  void header(const toml::table& table) {
    keys(table, "header", {"tpdu", "size"});
    if (const auto* node = table.get("tpdu")) draft_.tpdu_size = flag(*node, "tpdu") ? 5 : 0;
    if (const auto* node = table.get("size"))
      draft_.header_size = static_cast<std::uint8_t>(integer(*node, "size", 0, 64));
  }

  void message(const toml::table& table) {
    keys(table, "message", {"mti", "bitmap", "secondary", "mac"});
    if (const auto* node = table.get("mti"))
      draft_.bcd_mti = choice<bool>(*node, "mti", {{"bcd", true}, {"ascii", false}});
    if (const auto* node = table.get("bitmap")) {
      draft_.hex_bitmap = choice<bool>(*node, "bitmap", {{"hex", true}, {"binary", false}});
    }
    if (const auto* node = table.get("secondary")) draft_.secondary = flag(*node, "secondary");
    if (const auto* node = table.get("mac")) {
      draft_.mac_field = {static_cast<int>(integer(*node, "mac", 0, kFieldMax)), place(*node)};
      if (draft_.mac_field.value != 0 && draft_.mac_field.value != 64 && draft_.mac_field.value != 128) {
        refuse(*node, "mac must be 64, 128, or 0 for none");
      }
    }
  }

  void encoding(const toml::table& table) {
    keys(table, "encoding", {"digits", "binary", "lengths", "separator", "hex_lengths"});
    auto& to = draft_.encoding;
    if (const auto* node = table.get("digits")) {
      to.digits = choice<Packing>(*node, "digits", {{"bcd", Packing::bcd_right}, {"ascii", Packing::ascii}});
    }
    if (const auto* node = table.get("binary")) {
      to.binary = choice<Packing>(*node, "binary", {{"raw", Packing::raw}, {"hex", Packing::hex}});
    }
    if (const auto* node = table.get("lengths")) {
      to.lengths = choice<LengthPacking>(*node, "lengths",
                                         {{"bcd", LengthPacking::bcd}, {"ascii", LengthPacking::ascii}});
    }
    if (const auto* node = table.get("separator")) {
      to.equals_separator = choice<bool>(*node, "separator", {{"D", false}, {"=", true}});
    }
    if (const auto* node = table.get("hex_lengths")) {
      to.hex_counts_characters = choice<bool>(*node, "hex_lengths", {{"characters", true}, {"bytes", false}});
    }
  }

  void fields(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const int number = field_number(key.str(), node);
      const auto* inner = node.as_table();
      if (inner == nullptr) refuse(node, "a field must be a table");
      keys(*inner, "field " + std::string(key.str()),
           {"name", "format", "align", "pack", "tlv", "sensitive"});
      FieldDraft field;
      field.where = place(node);
      const auto* name = inner->get("name");
      const auto* format = inner->get("format");
      if (name == nullptr || format == nullptr) refuse(node, "a field needs name and format");
      field.name = text(*name, "name");
      field.format = said_text(*format, "format");
      if (const auto* n = inner->get("align")) field.align = said_text(*n, "align");
      if (const auto* n = inner->get("pack")) field.pack = said_text(*n, "pack");
      if (const auto* n = inner->get("tlv")) field.tlv = flag(*n, "tlv");
      if (const auto* n = inner->get("sensitive")) field.sensitive = flag(*n, "sensitive");
      draft_.fields[number] = std::move(field);
    }
  }

  int field_number(std::string_view digits, const toml::node& node) const {
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with('0') ||
        number < 2 || number > kFieldMax) {
      refuse(node, "\"" + std::string(digits) + "\" is no field: 2 to 128");
    }
    return number;
  }

  void replies(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const auto* inner = node.as_table();
      if (inner == nullptr) refuse(node, "a reply must be a table");
      keys(*inner, "reply", {"echo", "refusal", "approval"});
      ReplyDraft reply;
      for (auto [name, to] :
           {std::pair{"echo", &reply.echo}, {"refusal", &reply.refusal}, {"approval", &reply.approval}}) {
        const auto* n = inner->get(name);
        if (n == nullptr) refuse(node, "a reply needs echo, refusal and approval");
        *to = list(*n);
      }
      draft_.replies[std::string(key.str())] = std::move(reply);
    }
  }

  RowDraft row(const toml::table& table) const {
    RowDraft result;
    if (const auto* n = table.get("class")) {
      result.cls = choice<KindClass>(*n, "class",
                                     {{"financial", KindClass::financial},
                                      {"reversal", KindClass::reversal},
                                      {"advice", KindClass::advice},
                                      {"batch", KindClass::batch},
                                      {"management", KindClass::management}});
    }
    if (const auto* n = table.get("mac")) result.mac = flag(*n, "mac");
    if (const auto* n = table.get("mac_reply")) result.mac_reply = flag(*n, "mac_reply");
    if (const auto* n = table.get("signed_on")) result.signed_on = flag(*n, "signed_on");
    if (const auto* n = table.get("required")) result.required = list(*n);
    if (const auto* n = table.get("any")) result.any = list(*n);
    if (const auto* n = table.get("reply")) result.reply = said_text(*n, "reply");
    return result;
  }

  void likes(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const auto* inner = node.as_table();
      if (inner == nullptr) refuse(node, "like must be a table");
      keys(*inner, "like", {"class", "mac", "mac_reply", "signed_on", "required", "any", "reply"});
      draft_.likes[std::string(key.str())] = row(*inner);
    }
  }

  void kinds(const toml::table& root) {
    const auto* node = root.get("kind");
    if (node == nullptr) return;
    const auto* rows = node->as_array();
    if (rows == nullptr) refuse(*node, "kind must be an array of tables");
    if (rows->size() > 1000) refuse(*node, "more than 1000 kinds");
    std::vector<KindDraft> own;
    for (const auto& item : *rows) {
      const auto* table = item.as_table();
      if (table == nullptr) refuse(item, "a kind must be a table");
      own.push_back(kind(*table));
    }
    own.insert(own.end(), std::make_move_iterator(draft_.kinds.begin()),
               std::make_move_iterator(draft_.kinds.end()));
    draft_.kinds = std::move(own);
  }

  KindDraft kind(const toml::table& table) const {
    keys(table, "kind",
         {"kind", "like", "mti", "match", "class", "mac", "mac_reply", "signed_on", "required", "any",
          "reply"});
    KindDraft result;
    result.where = place(table);
    result.own = row(table);
    const auto* name = table.get("kind");
    const auto* mti = table.get("mti");
    if (name == nullptr || mti == nullptr) refuse(table, "a kind needs kind and mti");
    const auto known = kind_of(text(*name, "kind"));
    if (!known || *known == Kind::unknown) refuse(*name, "there is no kind \"" + text(*name, "kind") + "\"");
    result.kind = *known;
    const std::string digits = text(*mti, "mti");
    if (digits.size() != 4 || digits.find_first_not_of("0123456789") != std::string::npos)
      refuse(*mti, "mti must be four digits");
    for (const char c : digits) result.mti.bcd = static_cast<std::uint16_t>(result.mti.bcd << 4 | (c - '0'));
    if (const auto* n = table.get("like")) result.like = said_text(*n, "like");
    with(table, "match", [&](const toml::table& t) {
      for (const auto& [key, node] : t) result.match.push_back({pattern(key.str(), node), place(node)});
    });
    return result;
  }

  // "60" = "22": begins with; "60@8" = "301": from the ninth character; "62/BT" = "01": tag of a text TLV;
  // true, false: there or not.
  KindRow::Pattern pattern(std::string_view key, const toml::node& node) const {
    KindRow::Pattern result;
    const auto mark = key.find_first_of("@/");
    result.field = static_cast<std::uint8_t>(field_number(key.substr(0, mark), node));
    if (mark != std::string_view::npos && key[mark] == '/') {
      result.tag = key.substr(mark + 1);
      if (result.tag.size() != 2) refuse(node, "a tag has two characters");
    } else if (mark != std::string_view::npos) {
      const std::string_view rest = key.substr(mark + 1);
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), result.offset);
      if (error != std::errc() || end != rest.data() + rest.size())
        refuse(node, "an offset is a number from 0 to 255");
    }
    if (const auto* there = node.as_boolean()) {
      if (mark != std::string_view::npos) refuse(node, "true and false stand for a whole field");
      result.absent = !there->get();
      return result;
    }
    if (const auto* several = node.as_array()) {
      if (several->empty()) refuse(node, "a pattern without values fits nothing");
      for (const auto& one : *several) result.values.push_back(text(one, "a pattern"));
    } else {
      result.values.push_back(text(node, "a pattern"));
    }
    for (const auto& value : result.values) {
      if (value.empty() || value.size() > 8 || value.size() != result.values.front().size()) {
        refuse(node, "the values of a pattern have 1 to 8 characters, all the same number");
      }
    }
    return result;
  }

 public:
  static toml::table parse(std::string_view text, std::string_view file) {
    if (text.size() > kTextMax) throw DialectRefused{std::string(file), "larger than 1 MiB"};
    try {
      return toml::parse(text, file);
    } catch (const toml::parse_error& error) {
      throw DialectRefused{std::string(file) + ":" + std::to_string(error.source().begin.line),
                           std::string(error.description())};
    }
  }

 private:
  std::string file_;
  DialectDraft& draft_;
  int depth_ = 0;
};

}  // namespace

void read_dialect(std::string_view text, std::string_view file, DialectDraft& draft) {
  const toml::table root = Reader::parse(text, file);
  Reader(file, draft).document(root);
}

}  // namespace tollgate::iso
