#pragma once

#include <map>
#include <string>

#include "runtime/config/config.h"
#include "runtime/config/diagnostic.h"
#include "runtime/config/task_reader.h"

namespace freshet::config {

// Gives every task with roots of its own a channel: tasks whose roots are equal or nested (and not excluded)
// share one, named after the first of them by name, bytewise. Fills `task.channel` of the drafts and adds the
// channels to `channels`. Tasks that share one must agree on everything but their roots; a root that two of
// them name must be the same root in both.
void generate_channels(std::map<std::string, TaskDraft>& drafts,
                       std::map<std::string, ChannelConfig>& channels, Reporter& reporter);

}  // namespace freshet::config
