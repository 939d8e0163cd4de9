// The words of the operations interface: problem codes with their status and titles, reasons of holds, names
// of checks, field 39. One data file (catalog.json), embedded; the console and `explain` read the same. A
// code that it lacks does not exist.
//
// Immutable after its first use; any thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::admin {

enum class Language : std::uint8_t { en, zh };
// From Accept-Language or LANG: zh when the first language of the list that is known is Chinese; else en.
[[nodiscard]] Language language_of(std::string_view accept_language) noexcept;

struct Wording {
  std::string en, zh;
  [[nodiscard]] const std::string& in(Language language) const noexcept {
    return language == Language::zh ? zh : en;
  }
};

struct ProblemKind {
  unsigned status = 500;
  Wording title;
};

struct ReasonKind {
  std::string verbs;                 // S suspend, R replace, D deregister: what an operator may give it for
  std::string required;              // field that must stand beside it, or empty
  std::vector<std::string> release;  // roles that releasing takes, all of them; empty: nobody releases it
  Wording label;
};

struct ResponseCodeKind {
  Wording label;
  std::string seen, next;
};

class Catalog {
 public:
  [[nodiscard]] static const Catalog& get();

  template <class T>
  using Table = std::map<std::string, T, std::less<>>;
  Table<ProblemKind> problems;
  Table<ReasonKind> reasons;
  Table<Wording> checks;
  Table<ResponseCodeKind> response_codes;

 private:
  Catalog();
};

// The data file itself, as embedded.
[[nodiscard]] std::string_view catalog_text() noexcept;

}  // namespace tollgate::admin
