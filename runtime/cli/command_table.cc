#include "runtime/cli/command.h"

namespace freshet::cli {

std::span<const Command* const> all_commands() {
  static constexpr const Command* kAll[] = {&kCheck,   &kPlan,   &kRun,     &kRollback, &kVerify,  &kPurge,
                                            &kHistory, &kStatus, &kPlugins, &kDoctor,   &kExplain, &kVersion};
  return kAll;
}

}  // namespace freshet::cli
