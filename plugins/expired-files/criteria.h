#pragma once

#include <array>
#include <cstdint>
#include <freshet/plugin.hpp>
#include <string_view>
#include <vector>

#include "plugins/expired-files/glob.h"
#include "plugins/parts/reason.h"

namespace expired_files {

using parts::Reason;

// Which entries go, by the operator's settings. Constant after construction.
class Criteria {
 public:
  // Throws freshet::Invalid.
  explicit Criteria(const freshet::Settings& settings);

  // True when paths have to be made at all.
  [[nodiscard]] bool needs_paths() const { return needs_paths_; }
  // A kept entry stays, with its parents and all that is below it.
  [[nodiscard]] bool keeps(const freshet::Entry& entry, std::string_view path) const;
  // Directories at this depth (from 1) are looked into.
  [[nodiscard]] bool enters(std::int64_t depth) const { return depth < max_depth_; }
  [[nodiscard]] bool directories_go() const { return directories_go_; }

  // Of an entry that is no directory; fills `reason` when it goes.
  [[nodiscard]] bool goes(const freshet::Entry& entry, std::string_view path, std::int64_t now, Reason& reason) const;
  // Of a directory whose `entries` entries all go; fills `reason` when it goes too.
  [[nodiscard]] bool directory_goes(const freshet::Entry& entry, std::string_view path, std::uint64_t entries,
                                    std::int64_t now, Reason& reason) const;
  // True when only ctime or btime hold the entry back.
  [[nodiscard]] bool spared_by_change(const freshet::Entry& entry, std::int64_t now) const;

 private:
  [[nodiscard]] bool is_old(const freshet::Entry& entry, unsigned stamps, std::int64_t now) const;
  void add_ages(const freshet::Entry& entry, unsigned stamps, std::int64_t now, Reason& reason) const;
  [[nodiscard]] bool chosen(const freshet::Entry& entry, std::string_view path) const;

  std::uint64_t limit_;
  Reason limit_text_;
  unsigned stamps_ = 0;
  std::vector<Glob> keep_;
  std::vector<Glob> only_;
  std::array<bool, 9> types_{};  // by freshet_entry_type
  bool directories_go_ = false;
  std::uint64_t min_size_;
  std::vector<std::uint32_t> owners_;
  std::int64_t max_depth_;
  bool needs_paths_ = false;
};

}  // namespace expired_files
