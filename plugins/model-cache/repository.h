#pragma once

#include <cstdint>
#include <freshet/plugin.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/parts/named.h"
#include "plugins/parts/stamps.h"

namespace model_cache {

// A file of `blobs`, named by its hash.
struct Blob {
  explicit Blob(const freshet::Entry& entry) : file(entry) {}
  parts::Named file;
  std::set<std::string> revisions;  // that refer to it
};

struct Revision {
  explicit Revision(const freshet::Entry& entry) : directory(entry) {}
  parts::Named directory;
  std::int64_t last_use = INT64_MIN;
  bool referred = false;  // by a ref that does not go with it
};

// One repository of a hub cache, as it was found: `models--org--name` with `blobs`, `snapshots` and perhaps `refs`. Its
// directories stay open as long as this object lives, so that what was listed can be proposed.
class Repository {
 public:
  // `hub` has the directory `named` in it. Reads all of it.
  Repository(const freshet::Host& host, freshet::Directory& hub, parts::Named named, const parts::Stamps& stamps);
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;

  // `models--org--name` is "org/name"; none for a directory that is no repository's.
  static std::optional<std::string> title(std::string_view name);
  // "<hash>.incomplete" or "<hash>.<random>.incomplete": the hash, under which its lock is.
  static std::optional<std::string> partial_of(std::string_view name);

  [[nodiscard]] const std::string& title() const { return title_; }
  [[nodiscard]] const std::string& name() const { return named_.name; }
  [[nodiscard]] const freshet::Entry& entry() { return named_.entry(); }
  // Everything was read, and nothing is there that a hub cache does not have. Otherwise nobody may judge it.
  [[nodiscard]] bool is_sound() const { return sound_; }
  // `refs` could be read, or there are none.
  [[nodiscard]] bool knows_refs() const { return knows_refs_; }
  // The newest stamp of anything in it.
  [[nodiscard]] std::int64_t last_use() const { return last_use_; }

  std::map<std::string, Blob> blobs;  // without partial ones
  std::vector<parts::Named> partials;
  std::map<std::string, Revision> revisions;
  std::map<std::string, std::vector<parts::Named>> refs;  // by revision; those that stand directly in `refs`

  freshet::Directory directory;
  freshet::Directory blobs_directory;
  freshet::Directory snapshots_directory;
  freshet::Directory refs_directory;

 private:
  void list(const freshet::Host& host);
  void read_blobs();
  void read_snapshots(const freshet::Host& host);
  void read_refs(const freshet::Host& host);
  void use(std::int64_t time) { last_use_ = std::max(last_use_, time); }

  parts::Named named_;
  const parts::Stamps& stamps_;
  std::string title_;
  bool sound_ = true;
  bool knows_refs_ = true;
  std::int64_t last_use_ = INT64_MIN;
};

}  // namespace model_cache
