#include "runtime/manifest/manifest.h"

#include <algorithm>

namespace freshet::manifest {
namespace {

std::string text_of(AbiVersion version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

}  // namespace

std::string_view to_string(SettingType type) {
  switch (type) {
    case SettingType::boolean: return "boolean";
    case SettingType::integer: return "integer";
    case SettingType::number: return "number";
    case SettingType::string: return "string";
    case SettingType::duration: return "duration";
    case SettingType::size: return "size";
    case SettingType::list_of_strings: return "strings";
  }
  return "unknown";
}

Status check_abi(const Manifest& manifest) {
  if (manifest.abi_min <= kRuntimeAbi && kRuntimeAbi < manifest.abi_below) return {};
  const bool plugin_is_older = manifest.abi_below <= kRuntimeAbi;
  return fail("F2007", ErrorKind::invalid,
              manifest.id + " " + manifest.version + " needs plugin ABI " + text_of(manifest.abi_min) +
                  " up to, not including, " + text_of(manifest.abi_below) + "; this Freshet speaks " +
                  text_of(kRuntimeAbi),
              plugin_is_older ? "install a newer version of the plugin" : "install a newer version of Freshet");
}

const TaskKind* find_kind(const Manifest& manifest, std::string_view name) {
  const auto found = std::ranges::find(manifest.kinds, name, &TaskKind::name);
  return found == manifest.kinds.end() ? nullptr : &*found;
}

bool asks_for(const Manifest& manifest, std::string_view permission) {
  const auto in = [&](const std::vector<std::string>& names) { return std::ranges::find(names, permission) != names.end(); };
  return in(manifest.required_permissions) || in(manifest.optional_permissions);
}

}  // namespace freshet::manifest
