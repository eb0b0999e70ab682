#include "runtime/config/overlap.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "runtime/config/names.h"

namespace freshet::config {
namespace {

// An order in which all that lies below a directory follows it directly: '/' comes before any other byte.
bool path_less(std::string_view a, std::string_view b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

}  // namespace

bool excludes(const RootConfig& root, std::string_view path) {
  return std::any_of(root.exclude.begin(), root.exclude.end(),
                     [&](const std::string& exclude) { return exclude == path || is_below(path, exclude); });
}

void for_each_overlap(const std::vector<OwnedRoot>& roots,
                      const std::function<void(const OwnedRoot& outer, const OwnedRoot& inner)>& each) {
  std::vector<std::size_t> order(roots.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::string& x = roots[a].root->path;
    const std::string& y = roots[b].root->path;
    return x == y ? a < b : path_less(x, y);
  });
  std::vector<OwnedRoot> around;  // what the present root lies in, outermost first
  for (const std::size_t i : order) {
    const OwnedRoot& inner = roots[i];
    const std::string& path = inner.root->path;
    while (!around.empty() && around.back().root->path != path && !is_below(path, around.back().root->path)) {
      around.pop_back();
    }
    for (const OwnedRoot& outer : around) {
      if (!excludes(*outer.root, path)) each(outer, inner);
    }
    around.push_back(inner);
  }
}

}  // namespace freshet::config
