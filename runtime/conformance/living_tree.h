#pragma once

#include <memory>
#include <string>

#include "runtime/base/error.h"

namespace freshet::conformance {

// A small directory on disk, 300 files with contents, that goes away with the object.
class LivingTree {
 public:
  // `base`: where; empty: $TMPDIR, else /tmp. Error kind `system`.
  static Result<std::unique_ptr<LivingTree>> make(std::string base);
  ~LivingTree();
  LivingTree(const LivingTree&) = delete;
  LivingTree& operator=(const LivingTree&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  // As long as it lives a thread makes, renames and removes entries of the tree, which it must not outlive.
  class Change {
   public:
    explicit Change(const std::string& path);
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

   private:
    struct State;
    const std::unique_ptr<State> state_;
  };

 private:
  explicit LivingTree(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

}  // namespace freshet::conformance
