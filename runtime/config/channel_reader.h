#pragma once

#include <string>
#include <string_view>

#include "runtime/config/config.h"
#include "runtime/config/table_reader.h"

namespace freshet::config {

// The keys of a channel; a task with roots of its own may have them too.
inline constexpr std::string_view kChannelKeys[] = {"roots",  "limits",    "budget",      "quarantine",
                                                    "floors", "isolation", "irreversible"};

// Reads kChannelKeys into `channel` (whose name and position the caller fills); says what is wrong with them.
void read_channel_keys(TableReader& reader, ChannelConfig& channel);

void read_isolation(TableReader& reader, std::optional<Isolation>& out);
void read_quarantine_mode(TableReader& quarantine, std::optional<QuarantineMode>& out);

}  // namespace freshet::config
