#include <algorithm>
#include <freshet/contents.hpp>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "plugins/package-cache/debian.h"
#include "plugins/parts/named.h"
#include "plugins/parts/reason.h"
#include "plugins/parts/stamps.h"

FRESHET_MANIFEST(R"toml(
id = "org.freshet.package-cache"
version = "1.0.0"
license = "MIT"
doc = "Removes archives of packages that apt has downloaded and nobody needs any more"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove", "read", "lock"] }
limits = { memory = "128MiB", threads = 1 }

[task.package-cache]
doc = "Removes downloaded archives but for those of installed versions and a few older ones, while apt's lock is held"

[task.package-cache.settings]
keep-versions = { type = "integer", range = [0, 1000], default = 1, doc = "How many versions older than the installed one stay, of each package" }
min-age = { type = "duration", range = ["0s", "100y"], default = "1d", doc = "What was downloaded within this time stays" }
)toml");

namespace package_cache {
namespace {

constexpr std::uint64_t kMostStatus = 256ULL * 1024 * 1024;
constexpr std::size_t kPiece = 64UL * 1024;

// What a root turned out to be, by what lies directly in it.
struct Place {
  Place(const freshet::Host& host, const freshet::Root& root) : directory(host.open(root)) {
    freshet::Entry entry{};
    while (directory.next(entry)) {
      host.stop_if_cancelled();
      const std::string_view name = entry.file_name();
      const bool file = entry.type == FRESHET_FILE;
      if (file && name == "status") status.emplace(entry);
      if (file && name == "lock") has_lock = true;
      if (entry.is_directory() && name == "partial") has_partial = true;
      if (entry.is_directory() && name == "updates") updates.emplace(entry);
      if (!file) continue;
      if (auto archive = parse_archive_name(name)) archives.emplace_back(parts::Named(entry), std::move(*archive));
    }
  }
  [[nodiscard]] bool is_dpkg() const { return status && updates; }
  [[nodiscard]] bool is_archives() const { return has_lock && has_partial && directory.complete(); }

  freshet::Directory directory;
  std::optional<parts::Named> status, updates;
  bool has_lock = false, has_partial = false;
  std::vector<std::pair<parts::Named, Archive>> archives;
};

// The journal's files, each newer than the status file, are numbered.
bool is_number(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A whole status file, and nothing in the journal beside it that is newer; or an exception that says what is wrong.
Installed read_status(const freshet::Host& host, Place& dpkg) {
  freshet::Directory journal = dpkg.directory.open(dpkg.updates->entry());
  freshet::Entry entry{};
  while (journal.next(entry))
    if (is_number(entry.file_name()))
      throw std::runtime_error("dpkg was interrupted (`dpkg --configure -a` ends its work): what is installed is not known");
  if (!journal.complete()) throw std::runtime_error("the folder `updates` of dpkg cannot be read");
  const auto contents = freshet::Contents::of(host);
  if (!contents) throw std::runtime_error("dpkg's status file may not be read: grant `read` on its folder");
  freshet::File file = contents->open(dpkg.directory, dpkg.status->entry());
  StatusReader reader;
  const freshet::Buffer buffer = host.buffer(kPiece);
  bool good = static_cast<bool>(file);
  for (std::uint64_t at = 0; good && at <= kMostStatus;) {
    host.stop_if_cancelled();
    const std::size_t got = file.read(at, buffer.data(), buffer.size());
    if (got == 0) {
      good = !file.failed() && reader.finish();
      if (good) return reader.installed();
      break;
    }
    good = reader.take({reinterpret_cast<const char*>(buffer.data()), got});
    at += got;
  }
  throw std::runtime_error("dpkg's status file cannot be read, or is not whole");
}

class PackageCache final : public freshet::Task {
 public:
  explicit PackageCache(const freshet::Settings& settings)
      : keep_(static_cast<std::size_t>(settings.integer("keep-versions"))), min_age_(settings.duration("min-age")) {}

  void scan(freshet::Host& host) override {
    std::optional<Installed> installed;
    std::vector<Place> caches;
    for (const freshet::Root& root : host.roots()) {
      Place place(host, root);
      if (place.is_archives()) {
        caches.push_back(std::move(place));
      } else if (place.is_dpkg()) {
        if (installed) throw std::runtime_error("two roots have a dpkg status file: which one says what is installed?");
        installed = read_status(host, place);
      }
    }
    if (!installed) {
      host.log(FRESHET_LOG_ERROR, "no root is dpkg's folder: grant `read` on /var/lib/dpkg. Nothing is proposed");
      return;
    }
    for (Place& cache : caches) look_at(host, cache, *installed);
  }

 private:
  using Archives = std::vector<std::pair<parts::Named, Archive>*>;

  void look_at(freshet::Host& host, Place& cache, const Installed& installed) const {
    std::map<std::pair<std::string, std::string>, Archives> packages;
    for (auto& one : cache.archives) packages[{one.second.package, one.second.architecture}].push_back(&one);
    for (auto& [key, archives] : packages) propose(host, cache.directory, archives, installed.versions(key.first, key.second));
  }

  // Stays: what is as it is installed, or newer and still to come; then the newest of those behind.
  void propose(freshet::Host& host, freshet::Directory& directory, Archives& archives, const std::set<std::string>& installed) const {
    std::sort(archives.begin(), archives.end(),
              [](const auto* a, const auto* b) { return compare_versions(a->second.version, b->second.version) > 0; });
    std::size_t older = 0;
    for (auto* const one : archives) {
      const std::string& version = one->second.version;
      const bool behind = std::all_of(installed.begin(), installed.end(),
                                      [&](const std::string& other) { return compare_versions(version, other) < 0; });
      if (!behind || (!installed.empty() && older++ < keep_)) continue;
      const freshet::Entry& entry = one->first.entry();
      const std::int64_t age = parts::age(std::max(entry.mtime, entry.ctime), host.now());
      if (age < 0 || age < min_age_) continue;
      parts::Reason reason;
      reason.add_name(one->second.package);
      reason.add(" ");
      reason.add_name(version);
      if (installed.empty()) {
        reason.add(" is not installed");
      } else {
        reason.add(" is older than what is installed, of such stay: ");
        reason.add_count(keep_);
      }
      directory.propose(entry, {reason.text(), installed.empty() ? FRESHET_LEFTOVER : FRESHET_OVER_QUOTA, FRESHET_REDOWNLOADABLE, entry.bytes});
    }
  }

  std::size_t keep_;
  std::int64_t min_age_;
};

}  // namespace
}  // namespace package_cache

FRESHET_PLUGIN(freshet::kind<package_cache::PackageCache>("package-cache"))
