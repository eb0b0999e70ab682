#include "plugins/package-cache/debian.h"

#include <algorithm>

#include "plugins/parts/text.h"

namespace package_cache {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The place of a byte in dpkg's order of the parts that are no digits: '~' before the end, the end before letters, letters
// before all else.
int rank(std::string_view text, std::size_t at) {
  if (at >= text.size() || is_digit(text[at])) return 0;
  if (text[at] == '~') return -1;
  if (is_letter(text[at])) return static_cast<unsigned char>(text[at]);
  return static_cast<unsigned char>(text[at]) + 256;
}

int compare_part(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t k = 0;
  while (i < a.size() || k < b.size()) {
    while ((i < a.size() && !is_digit(a[i])) || (k < b.size() && !is_digit(b[k]))) {
      const int left = rank(a, i);
      const int right = rank(b, k);
      if (left != right) return left < right ? -1 : 1;
      ++i;
      ++k;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (k < b.size() && b[k] == '0') ++k;
    int first = 0;  // of the digits that differ: it decides when both numbers are equally long
    while (i < a.size() && k < b.size() && is_digit(a[i]) && is_digit(b[k])) {
      if (first == 0 && a[i] != b[k]) first = a[i] < b[k] ? -1 : 1;
      ++i;
      ++k;
    }
    if (i < a.size() && is_digit(a[i])) return 1;
    if (k < b.size() && is_digit(b[k])) return -1;
    if (first != 0) return first;
  }
  return 0;
}

struct Parts {
  std::string_view epoch, upstream, revision;
};

Parts parts_of(std::string_view version) {
  Parts out;
  if (const std::size_t colon = version.find(':'); colon != std::string_view::npos) {
    out.epoch = version.substr(0, colon);
    version.remove_prefix(colon + 1);
  }
  const std::size_t dash = version.rfind('-');
  out.upstream = version.substr(0, dash);
  if (dash != std::string_view::npos) out.revision = version.substr(dash + 1);
  return out;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_letter(c) || std::string_view("+-.~:").find(c) != std::string_view::npos;
  });
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  const Parts left = parts_of(a);
  const Parts right = parts_of(b);
  if (const int epoch = compare_part(left.epoch, right.epoch); epoch != 0) return epoch;
  if (const int upstream = compare_part(left.upstream, right.upstream); upstream != 0) return upstream;
  return compare_part(left.revision, right.revision);
}

std::optional<Archive> parse_archive_name(std::string_view name) {
  if (!parts::take_off(name, ".deb")) return std::nullopt;
  const std::size_t first = name.find('_');
  const std::size_t last = name.rfind('_');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  Archive out{std::string(name.substr(0, first)), {}, std::string(name.substr(last + 1))};
  const std::string_view version = name.substr(first + 1, last - first - 1);
  for (std::size_t i = 0; i < version.size(); ++i) {
    const std::string_view escape = version.substr(i, 3);
    if (escape == "%3a" || escape == "%3A") {
      out.version += ':';
      i += 2;
    } else {
      out.version += version[i];
    }
  }
  if (!is_word(out.package) || !is_word(out.version) || !is_word(out.architecture)) return std::nullopt;
  return out;
}

std::set<std::string> Installed::versions(const std::string& package, std::string_view architecture) const {
  std::set<std::string> out;
  const auto found = versions_.find(package);
  if (found == versions_.end()) return out;
  for (const auto& [own, version] : found->second)
    if (own == architecture || own == "all" || architecture == "all") out.insert(version);
  return out;
}

bool StatusReader::take(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (rest_.size() + part.size() > kLongestLine) return false;
    rest_ += part;
    if (end == std::string_view::npos) return true;
    const std::string line = std::move(rest_);
    rest_.clear();
    if (!take_line(line)) return false;
    piece.remove_prefix(end + 1);
  }
  return true;
}

bool StatusReader::take_line(std::string_view line) {
  if (line.empty()) return !in_paragraph_ || end_paragraph();
  if (line.front() == ' ' || line.front() == '\t') return in_paragraph_;  // goes on with the field before
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  in_paragraph_ = true;
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  std::string* const target = field == "Package"        ? &package_
                              : field == "Version"      ? &version_
                              : field == "Architecture" ? &architecture_
                              : field == "Status"       ? &status_
                                                        : nullptr;
  if (target == nullptr) return true;
  if (!target->empty()) return false;
  *target = value;
  return true;
}

bool StatusReader::end_paragraph() {
  in_paragraph_ = false;
  const std::string package = std::move(package_), version = std::move(version_), architecture = std::move(architecture_),
                    status = std::move(status_);
  package_.clear(), version_.clear(), architecture_.clear(), status_.clear();
  if (package.empty() || status.empty()) return false;
  ++packages_;
  // "want flag state": whatever is not gone may still need its archive.
  const std::string_view state = std::string_view(status).substr(status.rfind(' ') + 1);
  if (state == "not-installed" || state == "config-files") return true;
  if (version.empty()) return false;
  installed_.add(package, architecture, version);
  return true;
}

bool StatusReader::finish() {
  // dpkg ends every paragraph with an empty line, the last one too.
  return rest_.empty() && !in_paragraph_ && packages_ > 0;
}

}  // namespace package_cache
