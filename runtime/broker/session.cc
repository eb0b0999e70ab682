#include "runtime/broker/session.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/bytes.h"

namespace freshet::broker {
namespace {

// True for `inner` == `outer` and for what lies below `outer`.
bool is_within(std::string_view inner, std::string_view outer) {
  if (outer.empty()) return true;
  return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

}  // namespace

std::unexpected<wire::Failed> give_up(const char* code, std::string what, int error_number) {
  if (error_number != 0) what += ": " + errno_text(error_number);
  if (what.size() > wire::kMaxText) what.resize(wire::kMaxText);
  return std::unexpected(wire::Failed{code, std::move(what), error_number});
}

bool is_closed_off(const Root& root, std::string_view place) {
  if (!root.area.empty() && is_within(place, root.area)) return true;
  for (const std::string& exclude : root.excludes)
    if (is_within(place, exclude)) return true;
  return false;
}

bool contains_closed_off(const Root& root, std::string_view place) {
  if (!root.area.empty() && is_within(root.area, place)) return true;
  for (const std::string& exclude : root.excludes)
    if (is_within(exclude, place)) return true;
  return false;
}

bool is_relative_path(std::string_view path) {
  if (path.empty()) return true;
  while (true) {
    const std::size_t slash = path.find('/');
    if (!is_entry_name(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string join_path(std::string_view parent, std::string_view name) {
  std::string path(parent);
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

std::string table_path(const Root& root, std::string_view path) {
  return path.empty() ? root.below_area : join_path(root.below_area, path);
}

std::optional<std::string> path_in_root(const Root& root, std::string_view table_path) {
  if (!is_within(table_path, root.below_area)) return std::nullopt;
  if (root.below_area.empty()) return std::string(table_path);
  table_path.remove_prefix(std::min(table_path.size(), root.below_area.size() + 1));
  return std::string(table_path);
}

}  // namespace freshet::broker
