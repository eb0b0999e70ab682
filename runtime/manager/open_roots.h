#pragma once

#include <string>
#include <vector>

#include "runtime/channel/role_process.h"
#include "runtime/manager/plan_model.h"

namespace freshet {

// Opens a root O_PATH without following a link anywhere on its way, and reads what names it. Error kind `missing` when
// it is not there, `invalid` for a link or no directory.
Result<channel::OpenRoot> open_root(const config::RootConfig& config);

// Opens the roots of a plan again and refuses (kind `refused`) when one is not the same directory on the same file
// system any more.
Result<std::vector<channel::OpenRoot>> open_planned_roots(const std::vector<PlanRoot>& roots);

// Describes an open root for a plan, with the name of its quarantine area: `.freshet`, for an ordinary user
// `.freshet-<uid>`; when that is somebody else's, or no directory, the next free of `<name>-2` .. `<name>-9`.
// With `mount_top` the area is not in the root, but at the top of its mount (F1019 when it cannot be there).
Result<PlanRoot> describe_root(const channel::OpenRoot& root, std::uint32_t uid, config::QuarantineAt at);

// Where the area of a task's roots stands: nothing needs one with quarantine mode `none`.
config::QuarantineAt quarantine_at(const config::ChannelConfig& channel, const policy::EffectivePermission& permission);

// Pointers for RoleRequest.
std::vector<const channel::OpenRoot*> pointers(const std::vector<channel::OpenRoot>& roots);
std::vector<std::string> areas(const std::vector<PlanRoot>& roots);

}  // namespace freshet
