#include "runtime/store/lock_file.h"

#include "runtime/base/bytes.h"

namespace freshet::store {
namespace {

constexpr std::string_view kHead = "freshet-lock 1\n";
constexpr std::string_view kTail = "end\n";

std::unexpected<Error> bad(const char* why) {
  return fail(ErrorKind::invalid, std::string("lock file: ") + why);
}

bool is_at_or_below(std::string_view path, std::string_view top) {
  if (top == "/" || path == top) return true;
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

}  // namespace

std::string format_lock_file(const std::vector<std::string>& roots) {
  std::string text(kHead);
  for (const std::string& root : roots) {
    text += escape_bytes(root);
    text += '\n';
  }
  text += kTail;
  return text;
}

Result<std::vector<std::string>> parse_lock_file(std::string_view text) {
  if (text.size() > kMaxLockFileBytes) return bad("too long");
  if (!text.starts_with(kHead)) return bad("unknown first line");
  text.remove_prefix(kHead.size());
  std::vector<std::string> roots;
  while (text != kTail) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return bad("truncated");
    std::string root;
    if (!unescape_bytes(text.substr(0, end), root) || !root.starts_with('/'))
      return bad("a line is no absolute path");
    roots.push_back(std::move(root));
    text.remove_prefix(end + 1);
  }
  return roots;
}

bool roots_conflict(std::string_view one, std::string_view other) {
  return is_at_or_below(one, other) || is_at_or_below(other, one);
}

}  // namespace freshet::store
