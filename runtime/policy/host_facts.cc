#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "runtime/config/names.h"
#include "runtime/policy/boundaries.h"
#include "runtime/policy/places.h"

namespace freshet::policy {
namespace {

constexpr std::size_t kMaxPasswd = 16 << 20;
constexpr std::uint32_t kFirstPerson = 1000;  // UID_MIN of login.defs
constexpr std::uint32_t kNobody = 65534;

std::string read_passwd() {
  std::ifstream stream("/etc/passwd", std::ios::binary);
  std::string text(kMaxPasswd, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

// With every link resolved; as much of it as exists. Empty when that cannot be told.
std::string real_path(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  if (error) return {};
  std::string out = real.string();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

void add(std::vector<std::string>& paths, std::string path) {
  if (path.size() > 1 && path.front() == '/' && std::find(paths.begin(), paths.end(), path) == paths.end()) {
    paths.push_back(std::move(path));
  }
}

}  // namespace

std::vector<std::string> homes_in_passwd(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::string_view fields[7];  // name, password, uid, gid, comment, home, shell
    std::size_t count = 0;
    for (; count < 7; ++count) {
      fields[count] = line.substr(0, line.find(':'));
      if (fields[count].size() == line.size()) {
        ++count;
        break;
      }
      line.remove_prefix(fields[count].size() + 1);
    }
    if (count < 6) continue;
    std::uint32_t uid = 0;
    const std::string_view digits = fields[2];
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) continue;
    // Accounts of services have homes like /var/cache/man: those are what Freshet is for.
    if (uid != 0 && (uid < kFirstPerson || uid >= kNobody)) continue;
    std::string home(fields[5]);
    while (home.size() > 1 && home.ends_with('/')) home.pop_back();
    add(out, std::move(home));
  }
  return out;
}

HostFacts find_host_facts(std::string state_dir, std::vector<std::string> config_files) {
  HostFacts out;
  out.uid = ::geteuid();
  out.root = out.uid == 0;
  out.homes = homes_in_passwd(read_passwd());
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    std::string path = home;
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (config::check_absolute_path(path).why.empty()) add(out.homes, std::move(path));
  }
  for (std::size_t i = 0, count = out.homes.size(); i < count; ++i) add(out.homes, real_path(out.homes[i]));
  for (const std::string_view place : kSystemPlaces) {
    std::string real = real_path(std::string(place));
    if (real != place) add(out.real_places, std::move(real));
  }
  if (!state_dir.empty()) {
    std::string real = real_path(state_dir);
    out.state_dir = real.empty() ? std::move(state_dir) : std::move(real);
  }
  out.config_files = std::move(config_files);
  return out;
}

}  // namespace freshet::policy
