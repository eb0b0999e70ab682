#pragma once

#include <span>
#include <string_view>

#include "runtime/config/table_reader.h"

namespace freshet::manifest {

// A key that a manifest may have.
struct Key {
  std::string_view table;  // "" is the top; "task.KIND"
  std::string_view name;
  std::string_view type;
  bool required = false;   // in its table
  std::string_view doc;
};

// All of them, each table's together. sdk/MANIFEST.md is made of it.
std::span<const Key> keys();

// Ends the reading of a table of that name: reports what is in it and was not asked for, and, for a fault of our own, what
// was asked for and is not among keys().
void finish(config::TableReader& reader, std::string_view table);

}  // namespace freshet::manifest
