#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/conformance/check_plugin.h"

namespace freshet::conformance {

// The verdicts of one plugin while it is tried. Not thread-safe.
class VerdictBook {
 public:
  // Fills `verdicts`, which is not owned, with every rule, not tried.
  explicit VerdictBook(std::vector<Verdict>& verdicts);

  // Passed, unless something fails it.
  void tried(std::string_view rule);
  // What fails it first is what is told.
  void fail(std::string_view rule, std::string where, std::string seen);
  [[nodiscard]] bool has_failed(std::string_view rule) const;

 private:
  [[nodiscard]] Verdict& of(std::string_view rule) const;

  std::vector<Verdict>& verdicts_;
};

}  // namespace freshet::conformance
