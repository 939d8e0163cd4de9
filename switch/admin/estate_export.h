// GET /v1/estate: current data as a document that can be applied again, without secrets. Pulled kind by kind,
// merchants and terminals in runs, so that memory stays flat.
//
// Thread: one at a time (the server's).
#pragma once

#include <optional>
#include <set>
#include <string>

#include "switch/admin/backend.h"
#include "switch/admin/estate_document.h"
#include "switch/admin/http.h"
#include "switch/admin/newest_first.h"

namespace tollgate::admin {

class EstateExport final : public http::BodySource {
 public:
  EstateExport(const Backend& backend, std::set<Kind> kinds);
  [[nodiscard]] Result<void> next(std::string& out) override;

 private:
  [[nodiscard]] Result<void> write_kind(std::string& out);
  void write_reference(std::string& out) const;
  [[nodiscard]] Result<void> write_prices(std::string& out) const;
  void write_merchants(std::string& out);
  void write_terminals(std::string& out);

  const Backend& backend_;
  std::set<Kind> kinds_;
  std::size_t at_ = 0;  // kind
  bool begun_ = false, in_kind_ = false, ended_ = false, first_row_ = true;
  NewestFirst<core::MerchantView> merchants_;
  NewestFirst<core::TerminalView> terminals_;
};

}  // namespace tollgate::admin
