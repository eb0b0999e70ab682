#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"

namespace freshet::config {

// True when `path` is one of the root's excludes or lies below one.
bool excludes(const RootConfig& root, std::string_view path);

// A root and a number that the caller knows its owner by.
struct OwnedRoot {
  const RootConfig* root = nullptr;
  std::size_t owner = 0;
};

// Calls `each(outer, inner)` once for every pair of roots that are equal (in the order given) or nested,
// unless the outer one excludes the inner one. O(n log n) and the number of pairs.
void for_each_overlap(const std::vector<OwnedRoot>& roots,
                      const std::function<void(const OwnedRoot& outer, const OwnedRoot& inner)>& each);

}  // namespace freshet::config
