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
Result<PlanRoot> describe_root(const channel::OpenRoot& root, std::uint32_t uid);

// Pointers for RoleRequest.
std::vector<const channel::OpenRoot*> pointers(const std::vector<channel::OpenRoot>& roots);
std::vector<std::string> areas(const std::vector<PlanRoot>& roots);

}  // namespace freshet
