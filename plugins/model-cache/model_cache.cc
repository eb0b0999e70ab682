#include <algorithm>
#include <freshet/together.hpp>
#include <optional>
#include <string>
#include <vector>

#include "plugins/model-cache/repository.h"
#include "plugins/parts/descend.h"
#include "plugins/parts/reason.h"
#include "plugins/parts/whole_tree.h"

FRESHET_MANIFEST(R"toml(
id = "org.freshet.model-cache"
version = "1.0.0"
license = "MIT"
doc = "Removes models and data sets of a Hugging Face hub cache that nobody has used for a given time"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove", "read"] }
limits = { memory = "128MiB", threads = 1 }

[task.model-cache]
doc = "Removes revisions that were not used for a given time, blobs that no snapshot refers to, and stale partial downloads"

[task.model-cache.settings]
older-than = { type = "duration", range = ["0s", "100y"], doc = "A revision goes when nothing of it was used for this time" }
stale-after = { type = "duration", range = ["0s", "100y"], default = "1d", doc = "A partial download, and a blob that no snapshot refers to, goes when it is at least this old" }
age-by = { type = "strings", values = ["mtime", "atime", "ctime", "btime"], default = ["mtime", "atime", "btime"], doc = "Time stamps that count as use; the newest of all files decides" }
)toml");

namespace model_cache {
namespace {

freshet::Finding finding(const parts::Reason& reason, freshet_finding_kind kind, const freshet::Entry& entry) {
  return {reason.text(), kind, FRESHET_REDOWNLOADABLE, entry.type == FRESHET_FILE ? entry.bytes : 0};
}

// Proposes all that is below a directory, unless some file of it was used after `limit`, nanoseconds since the epoch.
class Proposal {
 public:
  Proposal(const parts::Stamps& stamps, std::int64_t limit, const parts::Reason& reason, bool of_repository)
      : stamps_(stamps), limit_(limit), reason_(reason), of_repository_(of_repository) {}

  void enter(std::string_view name) { way_.push_back(way_.empty() ? of_repository_ && name == "blobs" : way_.back()); }
  void leave() { way_.pop_back(); }
  void see(freshet::Directory& directory, const freshet::Entry& entry) {
    const bool blob = !way_.empty() && way_.back();
    used_ = used_ || (entry.type != FRESHET_DIRECTORY && stamps_.newest(entry) > limit_);
    if (!used_) directory.propose(entry, finding(reason_, blob ? FRESHET_ORPHAN : FRESHET_AGED, entry));
  }
  [[nodiscard]] bool stop() const { return used_; }

 private:
  const parts::Stamps& stamps_;
  std::int64_t limit_;
  const parts::Reason& reason_;
  bool of_repository_;
  std::vector<bool> way_;  // for each directory entered: whether it is, or lies in, `blobs`
  bool used_ = false;
};

class ModelCache final : public freshet::Task {
 public:
  explicit ModelCache(const freshet::Settings& settings)
      : limit_(settings.duration("older-than")),
        stale_(settings.duration("stale-after")),
        stamps_(settings.strings("age-by")) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) walk(host, root);
  }

 private:
  struct Level {
    freshet::Directory directory;
    std::vector<parts::Named> below;
    std::vector<parts::Named> locks;  // the directory `.locks`, at most one
  };

  static Level listed(const freshet::Host& host, freshet::Directory directory) {
    Level out{std::move(directory), {}, {}};
    freshet::Entry entry{};
    while (out.directory.next(entry)) {
      host.stop_if_cancelled();
      if (!entry.is_directory() || entry.is_mount_point()) continue;
      (entry.file_name() == ".locks" ? out.locks : out.below).emplace_back(entry);
    }
    return out;
  }

  void walk(freshet::Host& host, const freshet::Root& root) const {
    parts::descend(listed(host, host.open(root)), [&](Level& level, parts::Named next) -> std::optional<Level> {
      if (!Repository::title(next.name)) return listed(host, level.directory.open(next.entry()));
      look_at(host, level, std::move(next));
      return std::nullopt;
    });
  }

  [[nodiscard]] bool is_old(std::int64_t time, std::int64_t limit, std::int64_t now) const {
    const std::int64_t age = parts::age(time, now);
    return age >= 0 && age >= limit;
  }

  void look_at(freshet::Host& host, Level& hub, parts::Named named) const {
    Repository repository(host, hub.directory, std::move(named), stamps_);
    if (!repository.is_sound()) return;
    const std::int64_t now = host.now();
    const bool all_old = std::all_of(repository.revisions.begin(), repository.revisions.end(),
                                     [&](const auto& one) { return is_old(one.second.last_use, limit_, now); });
    if (!repository.revisions.empty() && all_old && is_old(repository.last_use(), limit_, now)) {
      propose_repository(host, hub, repository);
      return;
    }
    for (auto& [name, revision] : repository.revisions) {
      if (repository.knows_refs() && !revision.referred && is_old(revision.last_use, limit_, now))
        propose_revision(host, hub, repository, revision);
    }
    for (auto& [hash, blob] : repository.blobs) {
      if (!blob.revisions.empty() || !is_old(stamps_.newest(blob.file.entry()), stale_, now)) continue;
      parts::Reason reason;
      reason.add("no snapshot of ");
      reason.add_name(repository.title());
      reason.add(" refers to it");
      propose_blob(host, hub, repository, blob.file, hash, finding(reason, FRESHET_ORPHAN, blob.file.entry()));
    }
    for (parts::Named& partial : repository.partials) {
      const std::int64_t time = stamps_.newest(partial.entry());
      if (!is_old(time, stale_, now)) continue;
      parts::Reason reason;
      reason.add("partial download of ");
      reason.add_name(repository.title());
      reason.add(", untouched for ");
      reason.add_age(static_cast<std::uint64_t>(parts::age(time, now)));
      propose_blob(host, hub, repository, partial, *Repository::partial_of(partial.name),
                   finding(reason, FRESHET_LEFTOVER, partial.entry()));
    }
  }

  // A download holds `.locks/<repository>/<hash>.lock`. Empty `hash`: of any file of the repository.
  static void need_locks_free(freshet::Together& whole, Level& hub, const Repository& repository, const std::string& hash) {
    if (hub.locks.empty()) return;
    freshet::Directory locks = hub.directory.open(hub.locks.front().entry());
    freshet::Entry entry{};
    while (locks.next(entry)) {
      if (!entry.is_directory() || entry.file_name() != repository.name()) continue;
      freshet::Directory own = locks.open(entry);
      freshet::Entry lock{};
      while (own.next(lock)) {
        if (hash.empty() || lock.file_name() == hash + ".lock") whole.needs_free(own, lock);
      }
    }
  }

  void add_use(parts::Reason& reason, std::int64_t last_use, std::int64_t now) const {
    reason.add(", last used ");
    reason.add_age(static_cast<std::uint64_t>(parts::age(last_use, now)));
    reason.add(" ago, limit ");
    reason.add_limit(static_cast<std::uint64_t>(limit_));
  }

  void propose_repository(freshet::Host& host, Level& hub, Repository& repository) const {
    parts::Reason reason;
    reason.add_name(repository.title());
    add_use(reason, repository.last_use(), host.now());
    freshet::Together whole(host);
    need_locks_free(whole, hub, repository, {});
    Proposal proposal(stamps_, host.now() - limit_, reason, true);
    if (parts::walk_tree(host, hub.directory, repository.entry(), proposal)) whole.commit();
  }

  // The snapshot, the refs that name it, and the blobs that no other snapshot has: in this order, so that what is left when
  // something goes wrong is at most a blob too many.
  void propose_revision(freshet::Host& host, Level& hub, Repository& repository, Revision& revision) const {
    parts::Reason reason;
    reason.add("revision ");
    reason.add_name(std::string_view(revision.directory.name).substr(0, 8));
    reason.add(" of ");
    reason.add_name(repository.title());
    add_use(reason, revision.last_use, host.now());
    freshet::Together whole(host);
    need_locks_free(whole, hub, repository, {});
    Proposal proposal(stamps_, host.now() - limit_, reason, false);
    if (!parts::walk_tree(host, repository.snapshots_directory, revision.directory.entry(), proposal)) return;
    if (const auto named = repository.refs.find(revision.directory.name); named != repository.refs.end()) {
      for (parts::Named& ref : named->second)
        repository.refs_directory.propose(ref.entry(), finding(reason, FRESHET_AGED, ref.entry()));
    }
    for (auto& [hash, blob] : repository.blobs) {
      if (blob.revisions.size() == 1 && *blob.revisions.begin() == revision.directory.name)
        repository.blobs_directory.propose(blob.file.entry(), finding(reason, FRESHET_ORPHAN, blob.file.entry()));
    }
    whole.commit();
  }

  static void propose_blob(freshet::Host& host, Level& hub, Repository& repository, parts::Named& file, const std::string& hash,
                           const freshet::Finding& finding) {
    freshet::Together whole(host);
    need_locks_free(whole, hub, repository, hash);
    repository.blobs_directory.propose(file.entry(), finding);
    whole.commit();
  }

  std::int64_t limit_;
  std::int64_t stale_;
  parts::Stamps stamps_;
};

}  // namespace
}  // namespace model_cache

FRESHET_PLUGIN(freshet::kind<model_cache::ModelCache>("model-cache"))
