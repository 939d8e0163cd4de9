#include "switch/cli/table.h"

#include <algorithm>
#include <charconv>
#include <ostream>

#include "switch/base/money.h"
#include "switch/base/utf8.h"

namespace tollgate::cli {
namespace {

namespace json = boost::json;

// One code point, and how many bytes it took; what is not UTF-8 counts as one byte.
char32_t next_code_point(std::string_view& text) noexcept {
  const auto point = utf8::front(text);
  text.remove_prefix(std::max<std::size_t>(point.size, 1));
  return point.size == 0 ? U'?' : static_cast<char32_t>(point.value);
}

// East Asian wide and full width, as far as names of shops go.
bool is_wide(char32_t c) noexcept {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
}

void pad(std::ostream& out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out << ' ';
}

std::string with_cursor(const std::string& target, const std::string& cursor, std::size_t limit) {
  auto text = target + (target.find('?') == std::string::npos ? "?" : "&") + "limit=" + std::to_string(limit);
  if (!cursor.empty()) text += "&cursor=" + cursor;
  return text;
}

}  // namespace

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) width += is_wide(next_code_point(text)) ? 2 : 1;
  return width;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto whole = text;
    const auto c = next_code_point(text);
    if (c == U'?' || c < 0x20 || (c >= 0x7F && c < 0xA0))
      out += '?';
    else
      out.append(whole, 0, whole.size() - text.size());
  }
  return out;
}

std::string csv_cell(std::string_view text) {
  std::string cell;
  if (!text.empty() && (text[0] == '=' || text[0] == '+' || text[0] == '-' || text[0] == '@' ||
                        text[0] == '\t' || text[0] == '\r'))
    cell = "'";
  cell += text;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string money(std::string_view minor, std::string_view currency) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(minor.data(), minor.data() + minor.size(), value);
  const auto known = currency_of(currency);
  if (minor.empty() || failed != std::errc() || end != minor.data() + minor.size() || !known)
    return std::string(minor);
  auto text = format_minor(value < 0 ? -value : value, *known);
  const auto point = std::min(text.find('.'), text.size());
  for (auto at = static_cast<std::ptrdiff_t>(point) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  const std::string sign = currency == "CNY" ? "¥" : std::string(currency) + " ";
  return (value < 0 ? "-" : "") + sign + text;
}

std::string short_time(std::string_view time) {
  if (time.size() < 19) return std::string(time);
  std::string text(time.substr(0, 19));
  text[10] = ' ';
  return text;
}

Column column(std::string title, std::string path) {
  return {std::move(title), [path = std::move(path)](const json::value& row) { return text_at(row, path); }};
}

Column number(std::string title, std::string path) {
  auto c = column(std::move(title), std::move(path));
  c.right = true;
  return c;
}

Column wide(Column c) {
  c.wide_only = true;
  return c;
}

void print_table(const Rows& rows, const std::vector<Column>& columns, bool with_wide, std::ostream& out) {
  std::vector<const Column*> shown;
  for (const auto& c : columns)
    if (with_wide || !c.wide_only) shown.push_back(&c);
  std::vector<std::vector<std::string>> cells(rows.size() + 1);
  std::vector<std::size_t> widths;
  for (const auto* c : shown) {
    cells[0].push_back(c->title);
    auto width = display_width(c->title);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      cells[r + 1].push_back(printable(c->cell(rows[r])));
      width = std::max(width, display_width(cells[r + 1].back()));
    }
    widths.push_back(width);
  }
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const auto fill = widths[i] - display_width(line[i]);
      if (shown[i]->right) pad(out, fill);
      out << line[i];
      if (i + 1 == line.size()) break;
      if (!shown[i]->right) pad(out, fill);
      out << "  ";
    }
    out << "\n";
  }
}

void print_csv(const Rows& rows, const std::vector<Column>& columns, std::ostream& out) {
  for (std::size_t i = 0; i < columns.size(); ++i) out << (i == 0 ? "" : ",") << csv_cell(columns[i].title);
  out << "\r\n";
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      out << (i == 0 ? "" : ",") << csv_cell(columns[i].cell(row));
    out << "\r\n";
  }
}

int print_list(Remote& remote, const TargetOptions& options, const ListCommand& list, std::ostream& out,
               std::ostream& err) {
  Rows rows;
  std::string cursor;
  while (true) {
    const auto left =
        list.limit == 0 ? std::size_t{1000} : std::min<std::size_t>(list.limit - rows.size(), 1000);
    const auto reply = remote.get(with_cursor(list.target, cursor, left));
    if (!reply) return report(reply.error(), err);
    if (!reply->ok()) return report(*reply, options, "", err);
    if (options.output == "json") {  // the body unchanged: one page
      out << reply->body << "\n";
      return exit_code::kDone;
    }
    if (const auto* data = at(reply->json, "data"); data != nullptr && data->is_array())
      for (const auto& row : data->get_array()) rows.push_back(row);
    cursor = text_at(reply->json, "next_cursor");
    if (cursor.empty() || (list.limit != 0 && rows.size() >= list.limit)) break;
  }
  if (options.output == "ndjson") {
    for (const auto& row : rows) out << json::serialize(row) << "\n";
  } else if (options.output == "csv") {
    print_csv(rows, list.columns, out);
  } else {
    print_table(rows, list.columns, options.output == "wide", out);
    if (!cursor.empty()) err << "(more: --limit N, or --limit 0 for all)\n";
  }
  return exit_code::kDone;
}

}  // namespace tollgate::cli
