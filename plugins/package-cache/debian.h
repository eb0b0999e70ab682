#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace package_cache {

// Compares versions as dpkg does (deb-version(7)): below zero, zero, or above.
int compare_versions(std::string_view a, std::string_view b);

// What the name of a downloaded archive says: NAME_VERSION_ARCHITECTURE.deb, with `%3a` for the colon of an epoch.
struct Archive {
  std::string package;
  std::string version;
  std::string architecture;
};
std::optional<Archive> parse_archive_name(std::string_view name);

// What is installed, wholly or in part: whatever of a package is on the system counts.
class Installed {
 public:
  void add(const std::string& package, const std::string& architecture, const std::string& version) {
    versions_[package].emplace(architecture, version);
  }
  // The versions that an archive of this architecture may have been installed as: a package may have changed from or to
  // the architecture `all`.
  [[nodiscard]] std::set<std::string> versions(const std::string& package, std::string_view architecture) const;

 private:
  std::map<std::string, std::set<std::pair<std::string, std::string>>> versions_;  // by package: architecture, version
};

// Reads dpkg's status file as it comes, a piece at a time. Not thread-safe.
class StatusReader {
 public:
  static constexpr std::size_t kLongestLine = 1024 * 1024;

  // False for what cannot be a status file: an overlong line, a field out of place, a paragraph without its fields.
  bool take(std::string_view piece);
  // After the last piece. False when the text breaks off within a line or a paragraph, or has no package at all.
  bool finish();
  [[nodiscard]] const Installed& installed() const { return installed_; }

 private:
  bool take_line(std::string_view line);
  bool end_paragraph();

  std::string rest_;
  std::string package_, version_, architecture_, status_;
  bool in_paragraph_ = false;
  std::size_t packages_ = 0;
  Installed installed_;
};

}  // namespace package_cache
