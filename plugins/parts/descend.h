#pragma once

#include <freshet/plugin.hpp>
#include <utility>
#include <vector>

#include "plugins/parts/named.h"

namespace parts {

// Directories that are open below one another. Children close before parents, also when an exception passes.
template <class Level>
struct Levels : std::vector<Level> {
  Levels() = default;
  Levels(const Levels&) = delete;
  Levels& operator=(const Levels&) = delete;
  ~Levels() {
    while (!this->empty()) this->pop_back();
  }
};

// Goes down from `top`, each directory once it was listed to its end. A Level has `directory`, and `below`: the Named
// directories in it that are to be looked at. `enter(level, named)` returns the Level of such a directory, or nothing when
// it is not to be gone into.
template <class Level, class Enter>
void descend(Level top, Enter&& enter) {
  Levels<Level> levels;
  levels.push_back(std::move(top));
  while (!levels.empty()) {
    if (levels.back().below.empty()) {
      levels.pop_back();
      continue;
    }
    Named next = std::move(levels.back().below.back());
    levels.back().below.pop_back();
    if (auto inner = enter(levels.back(), std::move(next))) levels.push_back(std::move(*inner));
  }
}

}  // namespace parts
