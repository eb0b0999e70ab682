#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/manager/plan_model.h"

namespace freshet {

// What a guard is asked about: the entries that the other tasks of its channel are to remove. 16 bytes an entry.
class JudgedEntries {
 public:
  // `tasks`: scanned, with their files in `plan_dir`; not owned, and nobody else's while the guard is asked.
  JudgedEntries(std::vector<TaskPlan*> tasks, const TaskPlan& guard, std::string plan_dir)
      : tasks_(std::move(tasks)), guard_(guard), plan_dir_(std::move(plan_dir)) {}

  // Hands all to `send`, in packets, until it says no. What lies below no root of the guard it cannot judge: that stays.
  Status show(const std::function<bool(const wire::Planned&)>& send);
  // Takes the entry of that index out of its task's plan. False when it was not shown.
  bool keep(std::uint64_t index, std::string_view reason);

  [[nodiscard]] std::uint64_t shown() const { return places_.size(); }
  [[nodiscard]] std::uint64_t kept() const { return kept_; }

 private:
  struct Place {
    std::uint32_t task;
    bool kept = false;
    std::uint64_t ordinal;
  };

  Status show_task(std::uint32_t task, const std::function<bool(const wire::PlannedEntry&)>& add);
  void keep(TaskPlan& task, std::uint64_t ordinal, std::string_view why);

  const std::vector<TaskPlan*> tasks_;
  const TaskPlan& guard_;
  const std::string plan_dir_;
  std::vector<Place> places_;
  std::uint64_t kept_ = 0;
};

}  // namespace freshet
