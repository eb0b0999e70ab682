#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::store {

// Says which live run works on which roots. One file a run in `<state>/locks/`, held by flock(2) for as long
// as the run's process lives, so the kernel frees it after a crash. Two roots conflict when they are equal or
// one is above the other.
class RootLock {
 public:
  // Takes the roots for `run_id`. Error kind `busy` naming the other run when `wait` is false; with `wait` it
  // polls until it is free or `stop` is requested (then kind `busy` too). Paths are real paths without a
  // trailing '/'.
  static Result<std::unique_ptr<RootLock>> take(const std::string& lock_dir, const std::string& run_id,
                                                const std::vector<std::string>& roots, bool wait,
                                                std::stop_token stop);
  // True when a live process holds `run_id`.
  static bool held(const std::string& lock_dir, const std::string& run_id);
  virtual ~RootLock() = default;  // frees it
};

}  // namespace freshet::store
