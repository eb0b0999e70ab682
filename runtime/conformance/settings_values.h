#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/manifest/settings.h"

namespace freshet::conformance {

// One value of one setting, and how it is shown: `older-than = 0s`.
struct Boundary {
  std::string shown;
  manifest::TypedSettings settings;  // all of the kind, the others as in the base
};

// Error kind `invalid`: a name that no kind has a setting of.
Status check_names(const std::vector<manifest::TaskKind>& kinds, const std::map<std::string, std::string>& given);

// Settings to try a task kind with: `given` (name to text), then defaults, then something in the middle of what the
// schema allows. Names of other kinds are left out. Error kind `invalid`: a text that the schema does not have.
Result<manifest::TypedSettings> base_settings(const manifest::TaskKind& kind, const std::map<std::string, std::string>& given);

// The least, the greatest and each listed value of each setting.
std::vector<Boundary> boundaries(const manifest::TaskKind& kind, const manifest::TypedSettings& base);

}  // namespace freshet::conformance
