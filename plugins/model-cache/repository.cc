#include "plugins/model-cache/repository.h"

#include <algorithm>
#include <freshet/contents.hpp>
#include <freshet/links.hpp>

#include "plugins/parts/text.h"
#include "plugins/parts/whole_tree.h"

namespace model_cache {
namespace {

constexpr std::size_t kLongestRef = 128;

// "../../blobs/<hash>", from any depth or as a whole path: the hash. A link that leads anywhere else refers to none of ours.
std::optional<std::string_view> blob_of(std::string_view target) {
  const std::size_t slash = target.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == target.size()) return std::nullopt;
  if (!parts::ends_with(target.substr(0, slash), "/blobs")) return std::nullopt;
  return target.substr(slash + 1);
}

// Goes through one revision and notes which blobs its links name.
class SnapshotReader {
 public:
  SnapshotReader(const freshet::Links& links, Repository& repository, Revision& revision, const parts::Stamps& stamps)
      : links_(links), repository_(repository), revision_(revision), stamps_(stamps) {}

  void enter(std::string_view) {}
  void leave() {}
  void see(const freshet::Directory& directory, const freshet::Entry& entry) {
    revision_.last_use = std::max(revision_.last_use, stamps_.newest(entry));
    if (entry.type != FRESHET_SYMLINK) return;
    const std::optional<std::string> target = links_.target(directory, entry);
    unreadable_ = unreadable_ || !target;
    const auto hash = target ? blob_of(*target) : std::nullopt;
    const auto blob = hash ? repository_.blobs.find(std::string(*hash)) : repository_.blobs.end();
    if (blob == repository_.blobs.end()) return;
    blob->second.revisions.insert(revision_.directory.name);
    revision_.last_use = std::max(revision_.last_use, stamps_.newest(blob->second.file.entry()));
  }
  [[nodiscard]] bool stop() const { return unreadable_; }

 private:
  const freshet::Links& links_;
  Repository& repository_;
  Revision& revision_;
  const parts::Stamps& stamps_;
  bool unreadable_ = false;
};

// The revision that a ref names; empty when it cannot be read.
std::string revision_of(const freshet::Contents& contents, freshet::Directory& directory, const freshet::Entry& entry) {
  freshet::File file = contents.open(directory, entry);
  char text[kLongestRef];
  const std::size_t length = file ? file.read(0, text, sizeof text) : 0;
  std::string_view out(text, length);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.remove_suffix(1);
  return std::string(out);
}

// Reads refs that stand in folders of their own (`refs/pr/1`): whatever they name stays.
class RefReader {
 public:
  RefReader(const freshet::Contents& contents, Repository& repository) : contents_(contents), repository_(repository) {}
  void enter(std::string_view) {}
  void leave() {}
  void see(freshet::Directory& directory, const freshet::Entry& entry) {
    if (entry.type != FRESHET_FILE) return;
    const std::string revision = revision_of(contents_, directory, entry);
    unreadable_ = unreadable_ || revision.empty();
    if (const auto found = repository_.revisions.find(revision); found != repository_.revisions.end())
      found->second.referred = true;
  }
  [[nodiscard]] bool stop() const { return unreadable_; }

 private:
  const freshet::Contents& contents_;
  Repository& repository_;
  bool unreadable_ = false;
};

}  // namespace

std::optional<std::string> Repository::title(std::string_view name) {
  for (const std::string_view kind : {"models--", "datasets--", "spaces--"}) {
    if (name.substr(0, kind.size()) != kind || name.size() == kind.size()) continue;
    name.remove_prefix(kind.size());
    const std::size_t at = name.find("--");
    if (at == std::string_view::npos) return std::string(name);
    return std::string(name.substr(0, at)) + "/" + std::string(name.substr(at + 2));
  }
  return std::nullopt;
}

std::optional<std::string> Repository::partial_of(std::string_view name) {
  if (!parts::take_off(name, ".incomplete")) return std::nullopt;
  return std::string(name.substr(0, name.find('.')));
}

Repository::Repository(const freshet::Host& host, freshet::Directory& hub, parts::Named named, const parts::Stamps& stamps)
    : named_(std::move(named)), stamps_(stamps), title_(title(named_.name).value_or(named_.name)) {
  directory = hub.open(named_.entry());
  list(host);
  if (sound_) read_blobs();
  if (sound_) read_snapshots(host);
  if (sound_) read_refs(host);
}

void Repository::list(const freshet::Host& host) {
  std::optional<parts::Named> blobs_entry, snapshots_entry, refs_entry;
  freshet::Entry entry{};
  while (directory.next(entry)) {
    host.stop_if_cancelled();
    const std::string_view name = entry.file_name();
    const bool usable = entry.is_directory() && !entry.is_mount_point();
    if (name == "blobs" && usable) blobs_entry.emplace(entry);
    else if (name == "snapshots" && usable) snapshots_entry.emplace(entry);
    else if (name == "refs" && usable) refs_entry.emplace(entry);
    else if (name != ".no_exist" || !usable) sound_ = false;
  }
  sound_ = sound_ && directory.complete() && blobs_entry && snapshots_entry;
  if (!sound_) return;
  blobs_directory = directory.open(blobs_entry->entry());
  snapshots_directory = directory.open(snapshots_entry->entry());
  if (refs_entry) refs_directory = directory.open(refs_entry->entry());
  sound_ = static_cast<bool>(blobs_directory) && static_cast<bool>(snapshots_directory) &&
           (!refs_entry || static_cast<bool>(refs_directory));
}

void Repository::read_blobs() {
  freshet::Entry entry{};
  while (blobs_directory.next(entry)) {
    if (entry.type != FRESHET_FILE || entry.is_mount_point()) sound_ = false;
    use(stamps_.newest(entry));
    if (partial_of(entry.file_name())) partials.emplace_back(entry);
    else blobs.emplace(std::string(entry.file_name()), Blob(entry));
  }
  sound_ = sound_ && blobs_directory.complete();
}

void Repository::read_snapshots(const freshet::Host& host) {
  const freshet::Links links(host);
  freshet::Entry entry{};
  while (snapshots_directory.next(entry)) {
    if (!entry.is_directory() || entry.is_mount_point()) sound_ = false;
    else revisions.emplace(std::string(entry.file_name()), Revision(entry));
  }
  sound_ = sound_ && snapshots_directory.complete();
  for (auto& [name, revision] : revisions) {
    if (!sound_) return;
    SnapshotReader reader(links, *this, revision, stamps_);
    sound_ = parts::walk_tree(host, snapshots_directory, revision.directory.entry(), reader);
    use(revision.last_use);
  }
}

void Repository::read_refs(const freshet::Host& host) {
  if (!refs_directory) return;
  const auto contents = freshet::Contents::of(host);
  std::vector<parts::Named> files, folders;
  freshet::Entry entry{};
  while (refs_directory.next(entry)) {
    if (entry.type == FRESHET_FILE) files.emplace_back(entry);
    else if (entry.is_directory()) folders.emplace_back(entry);
    else knows_refs_ = false;
  }
  sound_ = sound_ && refs_directory.complete();
  if (!contents) knows_refs_ = false;
  for (parts::Named& file : files) {
    if (!knows_refs_) return;
    std::string revision = revision_of(*contents, refs_directory, file.entry());
    knows_refs_ = !revision.empty();
    refs[std::move(revision)].push_back(file);
  }
  for (parts::Named& folder : folders) {
    if (!knows_refs_) return;
    RefReader reader(*contents, *this);
    knows_refs_ = parts::walk_tree(host, refs_directory, folder.entry(), reader);
  }
}

}  // namespace model_cache
