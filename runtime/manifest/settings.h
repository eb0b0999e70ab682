#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manifest/manifest.h"

namespace freshet::manifest {

// A task's settings after the schema gave them types and defaults; in the order of the schema.
using TypedSettings = std::vector<std::pair<std::string, TypedValue>>;

// Every mismatch at once (F2012 in the caller's error): unknown setting (with a suggestion), wrong type, out of range,
// not one of the allowed values, required one missing. Durations and sizes are parsed by base/units.
// An age of zero must be spelled: duration "0s"; an integer 0 or an empty string is an error.
std::expected<TypedSettings, std::vector<config::Diagnostic>> type_settings(
    const TaskKind& kind, const config::TaskConfig& task);

}  // namespace freshet::manifest
