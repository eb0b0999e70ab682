#pragma once

#include <stop_token>
#include <string>

#include "runtime/manager/core.h"

namespace freshet {

// Has the planned IPC objects of an admitted task removed, those of one owner after another, each by a fresh broker that
// runs as that owner, has no root and stays in the host's IPC namespace. What became of each is in the result's `extra`;
// what could not be removed is counted as refused, what others changed as changed by others. False when a broker ended
// otherwise than as asked: the result says how. Nothing of it can be taken back; after a stop request nothing
// is begun.
bool act_ipc(const Core& core, const TaskPlan& task, const std::string& run_id, const std::stop_token& stop, CleanupResult& result);

}  // namespace freshet
