// C++17 on top of freshet/links.h. Header only.
//
//   const freshet::Links links(host);
//   if (const auto target = links.target(directory, entry)) ...
#ifndef FRESHET_LINKS_HPP
#define FRESHET_LINKS_HPP

#include <optional>
#include <stdexcept>
#include <string>

#include "freshet/links.h"
#include "freshet/plugin.hpp"

namespace freshet {

class Links {
 public:
  // Throws std::runtime_error without the permission `read`.
  explicit Links(const Host& host)
      : host_(host.raw()), table_(host.feature<freshet_links>(FRESHET_LINKS_ID, FRESHET_LINKS_REVISION)) {
    if (table_ == nullptr) throw std::runtime_error("links may not be read here (org.freshet.links)");
  }

  // The bytes of the target; none when it cannot be read, or is no link.
  [[nodiscard]] std::optional<std::string> target(const Directory& directory, const Entry& entry) const {
    std::string out(FRESHET_LINKS_LONGEST, '\0');
    std::size_t got = 0;
    if (table_->target(host_, directory.raw(), entry.name, out.data(), out.size(), &got) != FRESHET_OK) return std::nullopt;
    out.resize(got);
    return out;
  }

 private:
  const freshet_host* host_;
  const freshet_links* table_;
};

}  // namespace freshet

#endif  // FRESHET_LINKS_HPP
