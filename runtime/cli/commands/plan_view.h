#pragma once

#include <expected>

#include "runtime/cli/session.h"

namespace freshet::cli {

// Shows a plan: findings as JSON, or entries where `full`, then the table or the summary object.
std::expected<PlanSummary, int> show_plan(Session& session, IRuns& runs, const PlanId& plan, bool full,
                                          bool as_json);

// Forgets a plan when the command ends, whatever way it ends.
class PlanGuard {
 public:
  PlanGuard(IRuns& runs, PlanId plan) : runs_(runs), plan_(std::move(plan)) {}
  ~PlanGuard() {
    if (!applied_) runs_.discard(plan_);
  }
  PlanGuard(const PlanGuard&) = delete;
  PlanGuard& operator=(const PlanGuard&) = delete;

  [[nodiscard]] const PlanId& plan() const { return plan_; }
  void keep() { applied_ = true; }

 private:
  IRuns& runs_;
  const PlanId plan_;
  bool applied_ = false;
};

}  // namespace freshet::cli
