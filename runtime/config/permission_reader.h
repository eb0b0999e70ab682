#pragma once

#include <string>

#include "runtime/config/config.h"
#include "runtime/config/diagnostic.h"
#include "runtime/config/table_reader.h"

// What a configuration grants beyond roots: lock files, IPC objects, and hooks with their programs.
namespace freshet::config {

// `locks`, `ipc` and `hooks` of a channel (or of a task with roots of its own).
void read_locks(TableReader& reader, std::vector<LockConfig>& out);
void read_ipc(TableReader& reader, std::vector<IpcConfig>& out);
void read_hook_grants(TableReader& reader, std::vector<std::string>& out);

// `run-hooks` of a task.
void read_task_hooks(TableReader& reader, TaskHooks& out);

// One [hook.NAME].
HookConfig read_hook(const Document& document, const std::string& name, const TomlValue& value, Reporter& reporter);

// Why a program cannot be a hook's, whoever wrote it; empty when it can.
std::string why_no_program(const std::vector<std::string>& run);

}  // namespace freshet::config
