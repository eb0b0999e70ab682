#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::sandbox {

struct GroupLimits {
  std::uint64_t memory_bytes = 0;  // 0: none; of what is resident, with what the kernel keeps for it
  std::uint64_t processes = 0;     // 0: none; threads count
};

// A control group (cgroups(7), version 2) for the processes of one role; its end kills what is still in it. One that was
// not made is not true and does nothing.
class ControlGroup {
 public:
  ControlGroup() = default;
  ControlGroup(Fd place, std::string name, Fd directory)
      : place_(std::move(place)), name_(std::move(name)), directory_(std::move(directory)) {}
  ControlGroup(ControlGroup&&) = default;
  ControlGroup& operator=(ControlGroup&& other) noexcept {
    std::swap(place_, other.place_);
    std::swap(name_, other.name_);
    std::swap(directory_, other.directory_);
    return *this;
  }
  ~ControlGroup();

  explicit operator bool() const { return static_cast<bool>(directory_); }
  [[nodiscard]] int directory() const { return directory_.get(); }
  // Ends all that is in it at once, whatever it forked and however fast (cgroup.kill, Linux 5.14).
  void kill() const;
  // Whether its memory limit was reached and the kernel ended a process for it.
  [[nodiscard]] bool ran_out_of_memory() const;

 private:
  Fd place_;
  std::string name_;
  Fd directory_;
};

// The place where this process may make them. Thread-safe once it is made.
class ControlGroups {
 public:
  // This process's own group, if it was delegated to it with a controller that limits memory or processes: systemd marks
  // such a group (Delegate=, systemd.resource-control(5)), and one that is the root of a cgroup namespace is this
  // container's own. The process moves into a group below it, since one with controllers holds no processes itself.
  // Error `refused`, saying why, where there is none.
  static Result<ControlGroups> find();
  // The same for a group that is known to be ours, with whatever controllers it has.
  static Result<ControlGroups> in(Fd place);

  ControlGroups(ControlGroups&& other) noexcept
      : place_(std::move(other.place_)), limits_memory_(other.limits_memory_), limits_processes_(other.limits_processes_) {}

  [[nodiscard]] bool limits_memory() const { return limits_memory_; }
  [[nodiscard]] bool limits_processes() const { return limits_processes_; }

  // An empty group; of the limits those that its controllers can hold.
  Result<ControlGroup> make(const GroupLimits& limits);

 private:
  explicit ControlGroups(Fd place) : place_(std::move(place)) {}

  Fd place_;
  bool limits_memory_ = false;
  bool limits_processes_ = false;
  std::atomic<std::uint64_t> made_ = 0;
};

}  // namespace freshet::sandbox
