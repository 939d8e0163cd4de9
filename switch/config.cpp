#include "switch/config.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "switch/config_table.h"

namespace tollgate::config {
namespace {

constexpr std::string_view kVariablePrefix = "TOLLGATE__";
constexpr std::size_t kListenersMax = 64;
constexpr std::uintmax_t kFileMax = 1U << 20;  // a configuration of more than 1 MiB is another file

// Edits (insert, delete, replace) from a to b: Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

template <class Owner>
std::string unknown(std::string_view kind, std::string_view key, std::span<const Row<Owner>> known) {
  std::string text = fmt::format("unknown {} \"{}\"", kind, key);
  const auto best =
      std::ranges::min_element(known, {}, [&](const auto& row) { return distance(key, row.key); });
  if (distance(key, best->key) <= std::max<std::size_t>(2, key.size() / 3))
    text += fmt::format("; did you mean \"{}\"?", best->key);
  return text;
}

std::optional<Raw> raw_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  return std::nullopt;
}

// One load: values, where they came from, what was wrong.
class Loader {
 public:
  explicit Loader(std::string_view file) : file_(file) {
    for (const auto& row : rows())
      put(row, loaded_.config, std::string(row.key), raw_of(row.member(loaded_.config), row.fallback),
          "default");
  }

  void file(std::string_view text) {
    try {
      table(toml::parse(text, file_), "");
    } catch (const toml::parse_error& error) {
      errors_.push_back({ErrorCode::invalid, place(error.source()), std::string(error.description())});
    }
  }

  void sources(const Sources& sources) {
    if (!listeners_given_) add_listener("default");
    for (const auto& [name, value] : sources.environment) variable(name, value);
    for (const auto& flag : sources.sets) {
      const auto equals = flag.find('=');
      if (equals == std::string::npos) {
        errors_.push_back({ErrorCode::invalid, "--set " + flag, "must be KEY=VALUE"});
      } else {
        override_key(flag.substr(0, equals), flag.substr(equals + 1), "flag --set");
      }
    }
  }

  std::expected<Loaded, Errors> finish() {
    check_listeners();
    check_environment();
    if (!errors_.empty()) return std::unexpected(std::move(errors_));
    auto& config = loaded_.config;
    for (const auto& row : rows())
      loaded_.settings.push_back({std::string(row.key), written(row.member(config)), origin(row.key)});
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
      for (const auto& row : listener_rows()) {
        auto key = listener_key(i, row.key);
        auto value = written(row.member(config.listeners[i]));
        auto from = origin(key);
        loaded_.settings.push_back({fmt::format("listener.{}.{}", config.listeners[i].name, row.key),
                                    std::move(value), std::move(from)});
      }
    }
    return std::move(loaded_);
  }

 private:
  // Listeners are kept by place while loading: their name is a value too.
  static std::string listener_key(std::size_t index, std::string_view key) {
    return fmt::format("listener.{}.{}", index, key);
  }

  std::string place(const toml::source_region& source) const {
    return fmt::format("{}:{}:{}", file_, source.begin.line, source.begin.column);
  }
  std::string line(const toml::source_region& source) const {
    return fmt::format("{}:{}", file_, source.begin.line);
  }
  std::string origin(std::string_view key) const {
    const auto it = origins_.find(key);
    return it == origins_.end() ? "default" : it->second;
  }

  template <class Owner>
  void put(const Row<Owner>& row, Owner& owner, std::string key, const Raw& value, std::string from,
           std::string_view where = {}) {
    if (auto wrong = set(row, owner, value); !wrong.empty()) {
      errors_.push_back({ErrorCode::invalid, std::string(where.empty() ? from : where),
                         fmt::format("{} {}", row.key, wrong)});
    }
    origins_[std::move(key)] = std::move(from);
  }

  void table(const toml::table& tab, const std::string& prefix) {
    for (const auto& [name, node] : tab) {
      const auto key = prefix + std::string(name.str());
      if (key == "listener") {
        listeners(node);
      } else if (const auto* inner = node.as_table()) {
        section(*inner, key, name.source());
      } else {
        leaf(rows(), loaded_.config, key, key, name, node);
      }
    }
  }

  void section(const toml::table& tab, const std::string& key, const toml::source_region& source) {
    const bool known =
        std::ranges::any_of(rows(), [&](const auto& row) { return row.key.starts_with(key + "."); });
    if (!known && tab.empty()) {
      errors_.push_back({ErrorCode::invalid, place(source), unknown("section", key, rows())});
      return;
    }
    table(tab, key + ".");
  }

  template <class Owner>
  void leaf(std::span<const Row<Owner>> known, Owner& owner, std::string_view key, std::string full,
            const toml::key& name, const toml::node& node) {
    const auto row = std::ranges::find(known, key, &Row<Owner>::key);
    if (row == known.end()) {
      errors_.push_back({ErrorCode::invalid, place(name.source()), unknown("key", key, known)});
      return;
    }
    const auto value = raw_of(node);
    if (!value) {
      errors_.push_back({ErrorCode::invalid, place(node.source()),
                         fmt::format("{}: {} expected", key, type_name(row->member(owner)))});
      return;
    }
    put(*row, owner, std::move(full), *value, line(name.source()), place(node.source()));
  }

  void listeners(const toml::node& node) {
    const auto* array = node.as_array();
    const bool tables =
        array != nullptr && std::ranges::all_of(*array, [](const toml::node& n) { return n.is_table(); });
    if (!tables || array->size() > kListenersMax) {
      errors_.push_back({ErrorCode::invalid, place(node.source()),
                         fmt::format("listener must be [[listener]] sections, at most {}", kListenersMax)});
      return;
    }
    listeners_given_ = true;
    for (const auto& element : *array) {
      const auto index = add_listener("default");
      for (const auto& [name, value] : *element.as_table())
        leaf(listener_rows(), loaded_.config.listeners[index], name.str(), listener_key(index, name.str()),
             name, value);
      if (origin(listener_key(index, "name")) == "default")
        errors_.push_back({ErrorCode::invalid, place(element.source()), "a listener needs a name"});
    }
  }

  std::size_t add_listener(const std::string& from) {
    const auto index = loaded_.config.listeners.size();
    auto& listener = loaded_.config.listeners.emplace_back();
    for (const auto& row : listener_rows())
      put(row, listener, listener_key(index, row.key), raw_of(row.member(listener), row.fallback), from);
    return index;
  }

  // TOLLGATE__SESSION__FRAME_TIMEOUT_MS -> session.frame_timeout_ms
  void variable(std::string_view name, const std::string& value) {
    if (!name.starts_with(kVariablePrefix)) return;
    std::string key;
    for (auto rest = name.substr(kVariablePrefix.size()); !rest.empty();) {
      const auto end = rest.find("__");
      if (!key.empty()) key += '.';
      for (const char c : rest.substr(0, end))
        key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 2);
    }
    override_key(key, value, "env " + std::string(name));
  }

  void override_key(const std::string& key, const std::string& value, const std::string& from) {
    const auto where = from.starts_with("flag") ? "--set " + key : from.substr(4);
    if (key.starts_with("listener.")) {
      override_listener(key, value, from, where);
      return;
    }
    const auto row = std::ranges::find(rows(), std::string_view(key), &Row<Config>::key);
    if (row == rows().end()) {
      errors_.push_back({ErrorCode::invalid, where, unknown("key", key, rows())});
      return;
    }
    put(*row, loaded_.config, key, raw_of(row->member(loaded_.config), value), from, where);
  }

  // listener.NAME.KEY or listener.INDEX.KEY, counted from 0
  void override_listener(const std::string& key, const std::string& value, const std::string& from,
                         const std::string& where) {
    const auto last = key.rfind('.');
    const auto which = last > 9 ? key.substr(9, last - 9) : std::string();
    auto& all = loaded_.config.listeners;
    auto it = std::ranges::find(all, which, &Listener::name);
    for (std::size_t i = 0; i < all.size() && it == all.end(); ++i)
      if (which == std::to_string(i)) it = all.begin() + static_cast<std::ptrdiff_t>(i);
    const auto field = key.substr(last + 1);
    const auto row = std::ranges::find(listener_rows(), std::string_view(field), &Row<Listener>::key);
    if (it == all.end()) {
      errors_.push_back({ErrorCode::invalid, where, fmt::format("no listener is called \"{}\"", which)});
    } else if (row == listener_rows().end()) {
      errors_.push_back({ErrorCode::invalid, where, unknown("key", field, listener_rows())});
    } else {
      const auto index = static_cast<std::size_t>(it - all.begin());
      put(*row, *it, listener_key(index, row->key), raw_of(row->member(*it), value), from, where);
    }
  }

  void check_listeners() {
    const auto& config = loaded_.config;
    std::set<std::string> names;
    std::map<std::string, std::string, std::less<>> addresses;
    const auto address = [&](const std::string& text, const std::string& key, const std::string& owner) {
      if (text.ends_with(":0")) return;
      const auto [it, fresh] = addresses.emplace(text, owner);
      if (!fresh)
        errors_.push_back({ErrorCode::invalid, origin(key),
                           fmt::format("{} and {} have one address, {}", it->second, owner, text)});
    };
    address(config.http.address, "http.address", "http");
    address(config.metrics.address, "metrics.address", "metrics");
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
      const auto& listener = config.listeners[i];
      if (!names.insert(listener.name).second)
        errors_.push_back({ErrorCode::invalid, origin(listener_key(i, "name")),
                           fmt::format("two listeners are called \"{}\"", listener.name)});
      address(listener.address, listener_key(i, "address"), "listener " + listener.name);
      if (listener.mac == MacRule::off && config.environment != Environment::lab)
        errors_.push_back(
            {ErrorCode::invalid, origin(listener_key(i, "mac")),
             fmt::format("listener {} has mac = \"off\", which only environment \"lab\" may have",
                         listener.name)});
    }
  }

  void check_environment() {
    const auto& config = loaded_.config;
    if (config.environment != Environment::production) return;
    if (config.vault.kek_file.empty())
      errors_.push_back({ErrorCode::invalid, origin("vault.kek_file"),
                         "vault.kek_file must be set in production: the lab key is public"});
    if (!config.approvals.required)
      errors_.push_back({ErrorCode::invalid, origin("approvals.required"),
                         "approvals.required may be off only outside production"});
  }

  std::string file_;
  Loaded loaded_;
  Errors errors_;
  std::map<std::string, std::string, std::less<>> origins_;
  bool listeners_given_ = false;
};

Result<std::string> read(const std::string& path) {
  struct ::stat about {};
  std::ifstream in(path, std::ios::binary);
  if (!in || ::stat(path.c_str(), &about) != 0) return fail(ErrorCode::io, std::strerror(errno), path);
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::invalid, "is not a file", path);
  if (static_cast<std::uintmax_t>(about.st_size) > kFileMax)
    return fail(ErrorCode::invalid, "is larger than 1 MiB", path);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (in.bad()) return fail(ErrorCode::io, "cannot be read", path);
  return text;
}

}  // namespace

std::expected<Loaded, Errors> load_text(std::string_view text, std::string_view file, const Sources& rest) {
  Loader loader(file);
  loader.file(text);
  loader.sources(rest);
  return loader.finish();
}

std::expected<Loaded, Errors> load(const Sources& sources) {
  if (sources.file.empty()) return load_text("", "", sources);
  const auto text = read(sources.file);
  if (!text) return std::unexpected(Errors{text.error()});
  return load_text(*text, sources.file, sources);
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view entry(*each);
    const auto equals = entry.find('=');
    if (entry.starts_with(kVariablePrefix) && equals != std::string_view::npos)
      found.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return found;
}

std::uint16_t worker_count(const Config& config, unsigned cores) noexcept {
  if (config.workers.count != 0) return config.workers.count;
  return static_cast<std::uint16_t>(std::clamp(cores, 2U, 257U) - 1);
}

}  // namespace tollgate::config
