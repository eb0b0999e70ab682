#pragma once

#include <freshet/tree.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "runtime/worker/directory.h"

namespace freshet::worker {

// Walks a recorded tree as a Walker walks the granted roots: the same answers, the same events, no file system behind
// them. What a recording cannot know is simple: a directory that could not be opened says EACCES, one that is gone
// ENOENT. Not thread-safe.
class Replay {
 public:
  Replay(freshet::testing::Tree tree, EventWriter& events) : tree_(std::move(tree)), events_(events) {}

  void begin(bool report);
  void end();

  freshet_status open(std::uint32_t root, freshet_dir* parent, std::string_view name, freshet_dir** out);
  freshet_status next(freshet_dir* directory, freshet_entry& out);
  void close(freshet_dir* directory);

  [[nodiscard]] bool is_open(const freshet_dir* directory) const { return open_.contains(directory); }
  [[nodiscard]] const freshet::testing::Tree& tree() const { return tree_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }

 private:
  struct Place {
    freshet_dir directory;
    const freshet::testing::Node* node = nullptr;
    std::size_t next = 0;
  };

  Place* find(const freshet_dir* directory);
  void report_unread(std::uint32_t directory, std::uint32_t root, std::string_view name, int error_number);

  const freshet::testing::Tree tree_;
  EventWriter& events_;
  bool report_ = true;
  std::uint32_t next_id_ = 0;
  std::uint64_t entries_ = 0;
  std::unordered_map<const freshet_dir*, std::unique_ptr<Place>> open_;
};

}  // namespace freshet::worker
