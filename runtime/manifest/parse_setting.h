#pragma once

#include <cstdint>
#include <string>

#include "runtime/manifest/manifest.h"
#include "runtime/manifest/toml_table.h"

// The schema of one setting. Private to the manifest's reader.
namespace freshet::manifest {

// A duration (nanoseconds) or a size (bytes), written as a string.
std::int64_t read_unit(const Place& place, SettingType type);

SettingSchema read_setting(std::string name, const Place& place);

}  // namespace freshet::manifest
