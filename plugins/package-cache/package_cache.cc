#include <algorithm>
#include <freshet/contents.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugins/package-cache/debian.h"
#include "plugins/parts/reason.h"
#include "plugins/parts/stamps.h"
#include "plugins/parts/whole_tree.h"

FRESHET_MANIFEST(R"toml(
id = "org.freshet.package-cache"
version = "1.0.0"
license = "MIT"
doc = "Removes archives of packages that apt has downloaded and nobody needs any more"
abi = { min = "0.1", below = "0.2" }
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

class PackageCache final : public freshet::Task {
 public:
  explicit PackageCache(const freshet::Settings& settings)
      : keep_(static_cast<std::size_t>(settings.integer("keep-versions"))), min_age_(settings.duration("min-age")) {}

  void scan(freshet::Host& host) override {
    const std::optional<Installed> installed = read_status(host);
    if (!installed) throw std::runtime_error("no whole dpkg status file is in any root that may be read: grant `read` on /var/lib/dpkg");
    for (const freshet::Root& root : host.roots()) look_at(host, root, *installed);
  }

 private:
  struct Candidate {
    parts::Named file;
    Archive archive;
  };

  // dpkg's folder is a root of its own, with `status` and the folder `info` in it.
  static std::optional<Installed> read_status(const freshet::Host& host) {
    const auto contents = freshet::Contents::of(host);
    if (!contents) return std::nullopt;
    std::optional<Installed> out;
    for (const freshet::Root& root : host.roots()) {
      freshet::Directory directory = host.open(root);
      std::optional<parts::Named> status;
      bool has_info = false;
      freshet::Entry entry{};
      while (directory.next(entry)) {
        if (entry.file_name() == "status" && entry.type == FRESHET_FILE) status.emplace(entry);
        if (entry.file_name() == "info" && entry.is_directory()) has_info = true;
      }
      if (!status || !has_info || status->entry().bytes > kMostStatus) continue;
      if (out) return std::nullopt;  // two of them: which one says what is installed?
      freshet::File file = contents->open(directory, status->entry());
      if (!file) return std::nullopt;
      StatusReader reader;
      const freshet::Buffer buffer = host.buffer(64 * 1024);
      for (std::uint64_t at = 0;;) {
        host.stop_if_cancelled();
        const std::size_t got = file.read(at, buffer.data(), buffer.size());
        if (got == 0) break;
        if (!reader.take({reinterpret_cast<const char*>(buffer.data()), got})) return std::nullopt;
        at += got;
      }
      if (file.failed() || !reader.finish()) return std::nullopt;
      out = reader.installed();
    }
    return out;
  }

  void look_at(freshet::Host& host, const freshet::Root& root, const Installed& installed) const {
    freshet::Directory directory = host.open(root);
    std::map<std::pair<std::string, std::string>, std::vector<Candidate>> packages;
    freshet::Entry entry{};
    while (directory.next(entry)) {
      host.stop_if_cancelled();
      if (entry.type != FRESHET_FILE) continue;
      if (auto archive = parse_archive_name(entry.file_name())) {
        std::pair<std::string, std::string> key{archive->package, archive->architecture};
        packages[std::move(key)].push_back({parts::Named(entry), std::move(*archive)});
      }
    }
    if (!directory.complete()) return;
    for (auto& [key, candidates] : packages) {
      const auto found = installed.find(key);
      propose(host, directory, candidates, found == installed.end() ? nullptr : &found->second);
    }
  }

  void propose(freshet::Host& host, freshet::Directory& directory, std::vector<Candidate>& candidates,
               const std::set<std::string>* installed) const {
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return compare_versions(a.archive.version, b.archive.version) > 0;
    });
    std::size_t older = 0;
    for (Candidate& candidate : candidates) {
      const std::string& version = candidate.archive.version;
      if (installed != nullptr) {
        // As it is installed, or newer and still to come; then the newest of those behind.
        const bool behind = std::all_of(installed->begin(), installed->end(),
                                        [&](const std::string& one) { return compare_versions(version, one) < 0; });
        if (!behind || older++ < keep_) continue;
      }
      const freshet::Entry& entry = candidate.file.entry();
      const std::int64_t age = parts::age(std::max(entry.mtime, entry.ctime), host.now());
      if (age < 0 || age < min_age_) continue;
      parts::Reason reason;
      reason.add_name(candidate.archive.package);
      reason.add(" ");
      reason.add_name(version);
      if (installed == nullptr) {
        reason.add(" is not installed");
      } else {
        reason.add(" is older than the installed ");
        reason.add_name(*installed->rbegin());
        reason.add(", older ones that stay: ");
        reason.add_count(keep_);
      }
      directory.propose(entry, {reason.text(), FRESHET_OVER_QUOTA, FRESHET_REDOWNLOADABLE, entry.bytes});
    }
  }

  std::size_t keep_;
  std::int64_t min_age_;
};

}  // namespace
}  // namespace package_cache

FRESHET_PLUGIN(freshet::kind<package_cache::PackageCache>("package-cache"))
