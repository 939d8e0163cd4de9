// DialectDraft -> Dialect: what only shows when the whole file is known. Formats become field specs, names
// become lists of fields, rows become the index that classify() walks.
#include <algorithm>
#include <charconv>
#include <set>

#include "switch/iso/dialect_draft.h"
#include "switch/iso/packing.h"

namespace tollgate::iso {
namespace {

[[noreturn]] void refuse(std::string where, std::string what) {
  throw DialectRefused{std::move(where), std::move(what)};
}

// "n..19 LL" taken apart.
struct Format {
  std::string_view charset;
  bool variable = false;
  std::uint16_t maximum = 0;
  LengthKind length = LengthKind::fixed;
};

Format parse_format(const Said<std::string>& said) {
  const auto bad = [&](std::string_view why) {
    refuse(said.where,
           "format \"" + said.value + "\": " + std::string(why) + "; formats are like n6, an..25 LL, b8");
  };
  std::string_view rest = said.value;
  Format format;
  const auto letters = std::min(rest.find_first_not_of("abnszx+"), rest.size());
  format.charset = rest.substr(0, letters);
  rest.remove_prefix(letters);
  if (rest.starts_with("..")) {
    format.variable = true;
    rest.remove_prefix(2);
  }
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), format.maximum);
  if (error != std::errc() || format.maximum == 0) bad("no length");
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (rest.empty() != !format.variable)
    bad(format.variable ? "a variable field ends with LL, LLL or LLLL"
                        : "a fixed field ends with its length");
  if (!format.variable) {
    if (format.maximum > 999) bad("a fixed field has at most 999");
    return format;
  }
  if (rest == " LL")
    format.length = LengthKind::ll;
  else if (rest == " LLL")
    format.length = LengthKind::lll;
  else if (rest == " LLLL")
    format.length = LengthKind::llll;
  else
    bad("a variable field ends with LL, LLL or LLLL");
  const int most = format.length == LengthKind::ll ? 99 : format.length == LengthKind::lll ? 999 : 9999;
  if (format.maximum > most) bad("the length does not fit its prefix");
  return format;
}

Charset charset_of(std::string_view letters, const Said<std::string>& said) {
  if (letters == "n") return Charset::digits;
  if (letters == "z") return Charset::track;
  if (letters == "b") return Charset::binary;
  // The letters a, n, s and x+n are narrower than "text"; what terminals send is not (GBK names in ans and an
  // fields).
  for (const auto text : {"a", "an", "ans", "as", "ns", "s", "x+n"}) {
    if (letters == text) return Charset::text;
  }
  refuse(said.where, "format \"" + said.value +
                         "\": no such character set; there are n, z, b, a, an, ans, as, ns, s, x+n");
}

Packing packing_of(const FieldDraft& field, Charset charset, bool variable, const EncodingDraft& encoding) {
  const bool numeric = charset == Charset::digits || charset == Charset::track;
  Packing packing = charset == Charset::text ? Packing::ascii : numeric ? encoding.digits : encoding.binary;
  if (field.pack) {
    const auto& [word, where] = *field.pack;
    if (numeric && word == "bcd")
      packing = Packing::bcd_right;
    else if (numeric && word == "ascii")
      packing = Packing::ascii;
    else if (charset == Charset::binary && word == "raw")
      packing = Packing::raw;
    else if (charset == Charset::binary && word == "hex")
      packing = Packing::hex;
    else
      refuse(where, "pack \"" + word + "\" does not fit: bcd or ascii for n and z, raw or hex for b");
  }
  if (packing != Packing::bcd_right) {
    if (field.align) refuse(field.align->where, "only a BCD field has an alignment");
    return packing;
  }
  bool left = variable || charset == Charset::track;
  if (field.align) {
    if (field.align->value != "left" && field.align->value != "right")
      refuse(field.align->where, "align is left or right");
    if (charset == Charset::track && field.align->value == "right")
      refuse(field.align->where, "a track is left-aligned");
    left = field.align->value == "left";
  }
  return left ? Packing::bcd_left : Packing::bcd_right;
}

FieldSpec spec_of(int number, const FieldDraft& field, const EncodingDraft& encoding) {
  const Format format = parse_format(field.format);
  FieldSpec spec;
  spec.defined = true;
  spec.name = field.name;
  spec.charset = charset_of(format.charset, field.format);
  spec.packing = packing_of(field, spec.charset, format.variable, encoding);
  spec.length = format.length;
  spec.length_packing = encoding.lengths;
  spec.maximum = format.maximum;
  spec.tlv = field.tlv;
  spec.sensitive = field.sensitive;
  if (field.name.empty()) refuse(field.where, "field " + std::to_string(number) + " has an empty name");
  if (spec.tlv && spec.charset != Charset::binary) refuse(field.where, "only a field of b can hold TLV");
  if (spec.tlv && spec.maximum > FieldOp::kTlvMaximum)
    refuse(field.where, "a field with TLV has at most 999 bytes");
  return spec;
}

FieldOp op_of(const FieldSpec& spec, const EncodingDraft& encoding, const std::string& where) {
  using Code = FieldOp::Code;
  FieldOp op;
  switch (spec.packing) {
    case Packing::bcd_right:
      op.code = Code::bcd_right;
      break;
    case Packing::bcd_left:
      op.code = spec.charset == Charset::track ? Code::track_bcd : Code::bcd_left;
      break;
    case Packing::raw:
      op.code = Code::raw;
      break;
    case Packing::hex:
      op.code = Code::hex;
      break;
    case Packing::ascii:
      op.code = spec.charset == Charset::digits  ? Code::ascii_digits
                : spec.charset == Charset::track ? Code::track_ascii
                                                 : Code::text;
      break;
  }
  const std::uint8_t characters = spec.length == LengthKind::ll ? 2 : spec.length == LengthKind::lll ? 3 : 4;
  const bool bcd = spec.length_packing == LengthPacking::bcd;
  if (spec.length != LengthKind::fixed)
    op.prefix = bcd ? static_cast<std::uint8_t>((characters + 1) / 2) : characters;
  if (bcd) op.flags |= FieldOp::kBcdLength;
  if (spec.tlv) op.flags |= FieldOp::kTlv;
  if (encoding.equals_separator && op.code == Code::track_ascii) op.flags |= FieldOp::kEquals;
  if (encoding.hex_counts_characters && op.code == Code::hex && op.prefix != 0) {
    op.flags |= FieldOp::kCountsHex;
    const int most = characters == 2 ? 99 : characters == 3 ? 999 : 9999;
    if (2 * spec.maximum > most)
      refuse(where, "twice the length in hex characters does not fit the length prefix");
  }
  op.maximum = spec.maximum;
  op.fixed_size = op.prefix == 0 ? static_cast<std::uint16_t>(packing::raw_size(op.code, spec.maximum))
                                 : std::uint16_t{0};
  return op;
}

KindIndex::Value value_of(std::string_view text) {
  KindIndex::Value value{};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '?') continue;
    value.mask |= std::uint64_t{0xFF} << (8 * i);
    value.value |= std::uint64_t{static_cast<std::uint8_t>(text[i])} << (8 * i);
  }
  return value;
}

}  // namespace

class DialectLoader {
 public:
  explicit DialectLoader(const DialectDraft& draft) : draft_(draft), dialect_(new Dialect) {}

  std::shared_ptr<const Dialect> run() {
    dialect_->name_ = draft_.name;
    dialect_->framing_ = draft_.framing;
    dialect_->tpdu_size_ = draft_.tpdu_size;
    dialect_->header_size_ = draft_.header_size;
    dialect_->bcd_mti_ = draft_.bcd_mti;
    dialect_->hex_bitmap_ = draft_.hex_bitmap;
    dialect_->secondary_ = draft_.secondary;
    fields();
    mac();
    for (const auto& [name, list] : draft_.sets) (void)resolve(list);
    for (const auto& draft : draft_.kinds) kind(draft);
    index();
    return dialect_;
  }

 private:
  void fields() {
    for (const auto& [number, field] : draft_.fields) {
      if (number > 64 && !draft_.secondary)
        refuse(field.where, "a field above 64 needs message.secondary = true");
      const auto n = static_cast<std::size_t>(number);
      dialect_->fields_[n] = spec_of(number, field, draft_.encoding);
      dialect_->ops_[n] = op_of(dialect_->fields_[n], draft_.encoding, field.format.where);
      dialect_->longest_ = std::max(dialect_->longest_, dialect_->fields_[n].maximum);
    }
    if (draft_.fields.empty()) refuse({}, "the dialect has no fields");
  }

  void mac() {
    dialect_->mac_field_ = draft_.mac_field.value;
    const auto check = [&](int number) {
      const auto& spec = dialect_->field(number);
      if (spec.defined && spec.charset == Charset::binary && spec.length == LengthKind::fixed) return;
      refuse(draft_.mac_field.where,
             "the MAC field " + std::to_string(number) + " must be defined as b with a fixed length");
    };
    if (draft_.mac_field.value == 0) return;
    check(draft_.mac_field.value);
    if (draft_.secondary) check(128);
  }

  // The numbers of a list, its sets opened, each once, in the order they were named.
  std::vector<std::uint8_t> resolve(const FieldList& list) {
    std::vector<std::uint8_t> numbers;
    std::set<std::string, std::less<>> open;
    add(list, numbers, open);
    return numbers;
  }

  void add(const FieldList& list, std::vector<std::uint8_t>& numbers,
           std::set<std::string, std::less<>>& open) {
    for (const auto& [item, where] : list.value) {
      if (const auto* name = std::get_if<std::string>(&item)) {
        const auto set = draft_.sets.find(*name);
        if (set == draft_.sets.end()) refuse(where, "there is no set \"" + *name + "\"");
        if (!open.insert(*name).second) refuse(where, "the set \"" + *name + "\" contains itself");
        add(set->second, numbers, open);
        open.erase(*name);
        continue;
      }
      const auto number = static_cast<std::uint8_t>(std::get<int>(item));
      if (!dialect_->field(number).defined)
        refuse(where, "field " + std::to_string(number) + " is not defined");
      if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
    }
  }

  void kind(const KindDraft& draft) {
    RowDraft common;
    if (draft.like) {
      const auto found = draft_.likes.find(draft.like->value);
      if (found == draft_.likes.end())
        refuse(draft.like->where, "there is no like \"" + draft.like->value + "\"");
      common = found->second;
    }
    const auto& own = draft.own;
    KindRow row;
    row.kind = draft.kind;
    row.mti = draft.mti;
    const auto cls = own.cls ? own.cls : common.cls;
    if (!cls) refuse(draft.where, "the kind has no class");
    row.cls = *cls;
    row.mac = own.mac.value_or(common.mac.value_or(false));
    row.mac_reply = own.mac_reply.value_or(common.mac_reply.value_or(false));
    row.signed_on = own.signed_on.value_or(common.signed_on.value_or(false));
    if ((row.mac || row.mac_reply) && draft_.mac_field.value == 0)
      refuse(draft.where, "the dialect has no MAC field");
    const auto& required = own.required ? own.required : common.required;
    const auto& any = own.any ? own.any : common.any;
    if (required) row.required = resolve(*required);
    if (any) row.required_any = resolve(*any);
    reply(own.reply ? own.reply : common.reply, row);
    for (const auto& [pattern, where] : draft.match) {
      if (!dialect_->field(pattern.field).defined)
        refuse(where, "field " + std::to_string(pattern.field) + " is not defined");
      row.match.push_back(pattern);
    }
    twice(row, draft.where);
    dialect_->kinds_.push_back(std::move(row));
    where_.push_back(draft.where);
  }

  void reply(const std::optional<Said<std::string>>& name, KindRow& row) {
    if (!name) return;
    const auto found = draft_.replies.find(name->value);
    if (found == draft_.replies.end()) refuse(name->where, "there is no reply \"" + name->value + "\"");
    row.reply_echo = resolve(found->second.echo);
    row.reply_refusal = resolve(found->second.refusal);
    row.reply_approval = resolve(found->second.approval);
  }

  // Two rows of one file with the same patterns: the second could never be reached. (A file that extends
  // another one may well repeat a pattern of it, to say something else.)
  void twice(const KindRow& row, const std::string& where) const {
    const auto file = [](std::string_view place) { return place.substr(0, place.find(':')); };
    for (std::size_t i = 0; i < dialect_->kinds_.size(); ++i) {
      const auto& other = dialect_->kinds_[i];
      if (other.mti == row.mti && other.match == row.match && file(where_[i]) == file(where)) {
        refuse(where, "the same pattern as the kind at " + where_[i] + ", this one is never reached");
      }
    }
  }

  void index() {
    auto& index = dialect_->index_;
    std::vector<Mti> order;
    for (const auto& row : dialect_->kinds_) {
      if (std::ranges::find(order, row.mti) == order.end()) order.push_back(row.mti);
    }
    for (const Mti mti : order) {
      const auto first = static_cast<std::uint16_t>(index.rows.size());
      for (std::size_t i = 0; i < dialect_->kinds_.size(); ++i) {
        if (dialect_->kinds_[i].mti == mti) index_row(i);
      }
      index.groups.push_back({mti, first, static_cast<std::uint16_t>(index.rows.size())});
    }
  }

  void index_row(std::size_t number) {
    auto& index = dialect_->index_;
    KindIndex::Row row{};
    row.row = static_cast<std::uint16_t>(number);
    row.first = static_cast<std::uint16_t>(index.tests.size());
    for (const auto& pattern : dialect_->kinds_[number].match) {
      (pattern.absent ? row.absent : row.present).set(pattern.field);
      if (pattern.values.empty()) continue;
      KindIndex::Part part{
          pattern.field, pattern.offset, static_cast<std::uint8_t>(pattern.values.front().size()), {}};
      if (!pattern.tag.empty()) part.tag = {pattern.tag[0], pattern.tag[1]};
      KindIndex::Test test{part_number(part, where_[number]), static_cast<std::uint16_t>(index.values.size()),
                           0};
      for (const auto& value : pattern.values) index.values.push_back(value_of(value));
      test.last = static_cast<std::uint16_t>(index.values.size());
      index.tests.push_back(test);
    }
    if (index.tests.size() > 10000 || index.values.size() > 60000)
      refuse(where_[number], "too many patterns");
    row.last = static_cast<std::uint16_t>(index.tests.size());
    index.rows.push_back(row);
  }

  std::uint16_t part_number(const KindIndex::Part& part, const std::string& where) {
    auto& parts = dialect_->index_.parts;
    const auto found = std::ranges::find(parts, part);
    if (found != parts.end()) return static_cast<std::uint16_t>(found - parts.begin());
    if (parts.size() == KindIndex::kPartsMax)
      refuse(where, "the kinds look at more than 64 different parts of a message");
    parts.push_back(part);
    return static_cast<std::uint16_t>(parts.size() - 1);
  }

  const DialectDraft& draft_;
  std::shared_ptr<Dialect> dialect_;
  std::vector<std::string> where_;  // of each row, for refusals
};

Result<std::shared_ptr<const Dialect>> Dialect::load(std::string_view text, std::string_view file) {
  try {
    DialectDraft draft;
    read_dialect(text, file, draft);
    return DialectLoader(draft).run();
  } catch (DialectRefused& refused) {
    return fail(ErrorCode::invalid, std::move(refused.what),
                refused.where.empty() ? std::string(file) : std::move(refused.where));
  }
}

}  // namespace tollgate::iso
