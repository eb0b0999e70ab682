#pragma once

#include <string>

#include "runtime/config/table_reader.h"
#include "runtime/manifest/manifest.h"

namespace freshet::manifest {

// The schema of one setting of a task kind, checked in itself: a default has the type, and is one of what is allowed.
// Private to the manifest's reader.
SettingSchema read_setting(std::string name, config::TableReader& table);

}  // namespace freshet::manifest
