#pragma once

#include <optional>
#include <string>

#include "runtime/config/config.h"
#include "runtime/config/table_reader.h"

namespace freshet::config {

// A task as one file has it; its generated channel, if it needs one, is only known once all tasks are.
struct TaskDraft {
  TaskConfig task;                   // `channel` is empty when the task has roots of its own
  std::optional<ChannelConfig> own;  // the channel's keys on the task; only with roots of its own
  bool whole = true;                 // no error in its plugin, kind and settings
};

// Reads one [task.NAME]; `value` must be a table.
TaskDraft read_task(const Document& document, const std::string& name, const TomlValue& value,
                    Reporter& reporter);

}  // namespace freshet::config
