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
  // What is in a file or a link, where the recording has it. Without it a file is UNREADABLE, and so is a link.
  freshet_status open_file(freshet_dir* directory, std::string_view name, freshet_file** out);
  freshet_status read_file(freshet_file* file, std::uint64_t offset, void* to, std::size_t room, std::size_t& got) const;
  void close_file(freshet_file* file) { files_.erase(file); }
  freshet_status read_link(freshet_dir* directory, std::string_view name, char* to, std::size_t room, std::size_t& got);

  [[nodiscard]] bool is_open(const freshet_dir* directory) const { return open_.contains(directory); }
  [[nodiscard]] const freshet::testing::Tree& tree() const { return tree_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }

 private:
  struct Place {
    freshet_dir directory;
    const freshet::testing::Node* node = nullptr;
    std::size_t next = 0;
  };

  struct OpenFile {
    freshet_file file;
    std::string_view text;
  };

  Place* find(const freshet_dir* directory);
  // The entry of that type in an open directory, as shown; null for none.
  const freshet::testing::Node* find_entry(const freshet_dir* directory, std::string_view name, freshet_entry_type type);
  void report_unread(std::uint32_t directory, std::uint32_t root, std::string_view name, int error_number);

  const freshet::testing::Tree tree_;
  EventWriter& events_;
  bool report_ = true;
  std::uint32_t next_id_ = 0;
  std::uint64_t entries_ = 0;
  std::unordered_map<const freshet_dir*, std::unique_ptr<Place>> open_;
  std::unordered_map<const freshet_file*, std::unique_ptr<OpenFile>> files_;
};

}  // namespace freshet::worker
