#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/config/diagnostic.h"
#include "runtime/config/table_reader.h"

namespace freshet::config {

// The keys of a channel; a task with roots of its own may have them too.
inline constexpr std::string_view kChannelKeys[] = {"roots",  "limits",    "budget",      "quarantine",
                                                    "floors", "isolation", "irreversible", "locks",
                                                    "ipc",    "hooks"};

// Reads kChannelKeys into `channel` (whose name and position the caller fills); says what is wrong with them.
void read_channel_keys(TableReader& reader, ChannelConfig& channel);

// Roots of one channel must be apart: the same entry would be found, counted and offered twice.
void check_roots_apart(const std::vector<RootConfig>& roots, const std::string& what, Reporter& reporter);

void read_isolation(TableReader& reader, std::optional<Isolation>& out);
void read_quarantine_mode(TableReader& quarantine, std::optional<QuarantineMode>& out);

}  // namespace freshet::config
