#include "runtime/config/names.h"

#include <algorithm>
#include <vector>

#include "runtime/base/bytes.h"

namespace freshet::config {
namespace {

constexpr std::size_t kMaxPath = 4095;  // PATH_MAX without its NUL

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// The path without empty, "." and ".." parts.
std::string normal_form(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    const std::string_view part = path.substr(from, end - from);
    if (part == ".." && !parts.empty())
      parts.pop_back();
    else if (!part.empty() && part != "." && part != "..")
      parts.push_back(part);
    from = end + 1;
  }
  std::string out;
  for (const std::string_view part : parts) (out += '/') += part;
  return out.empty() ? "/" : out;
}

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
  });
}

bool is_plugin_id(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; });
}

PathProblem check_absolute_path(std::string_view path) {
  if (path.empty()) return {"is empty", "write an absolute path"};
  if (path.find('\0') != std::string_view::npos) return {"holds a NUL byte", "no path on Linux can"};
  if (path.size() > kMaxPath) return {"is longer than 4095 bytes", "the kernel takes no longer path"};
  if (path.front() == '~' || path.front() == '$') {
    return {"is not absolute, and `~` and variables are never expanded",
            "write the path in full, from `/` on"};
  }
  if (path.front() != '/') return {"is not absolute", "write the path in full, from `/` on"};
  const std::string normal = normal_form(path);
  if (normal == path) return {};
  std::string remedy = "write `" + escape_bytes(normal) + "`";
  if (path.size() > 1 && path.ends_with('/') && path.substr(0, path.size() - 1) == normal) {
    return {"ends with `/`", std::move(remedy)};
  }
  if (path.find("//") != std::string_view::npos) return {"holds `//`", std::move(remedy)};
  return {"holds a `.` or `..` part", std::move(remedy)};
}

bool is_below(std::string_view inner, std::string_view outer) {
  if (outer == "/") return inner.size() > 1 && inner.front() == '/';
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '/';
}

}  // namespace freshet::config
