#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::manifest {

inline constexpr std::string_view kSectionName = ".freshet.manifest";
inline constexpr std::string_view kEntrySymbol = "freshet_plugin_entry";
inline constexpr std::size_t kMaxManifestBytes = 64 * 1024;
// Of the whole file. Whoever copies it checks this first; read_elf checks it again (F2020).
inline constexpr std::size_t kMaxPluginBytes = 64 * 1024 * 1024;

// What a plugin may be linked with (F2014) beside libc and libgcc_s, which every worker has. A worker loads the ones that
// its plugin needs before it is locked: nothing can be opened afterwards. libpthread and libdl are of a libc before 2.34.
inline constexpr std::array<std::string_view, 4> kPluginLibraries{"libm.so.6", "libstdc++.so.6", "libpthread.so.0",
                                                                  "libdl.so.2"};
using LibrarySet = std::uint8_t;  // bit N: kPluginLibraries[N]
inline constexpr LibrarySet kAllLibraries = (1U << kPluginLibraries.size()) - 1;

// Of one setting's value, in a manifest and in a configuration: the wire carries no more.
inline constexpr std::size_t kMaxSettingText = 4096;     // bytes of a string
inline constexpr std::size_t kMaxSettingMembers = 256;   // of a list

struct AbiVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  auto operator<=>(const AbiVersion&) const = default;
};

// The ABI revision this runtime speaks; equal to FRESHET_ABI_MAJOR.MINOR of plugin.h (a test compares).
inline constexpr AbiVersion kRuntimeAbi{1, 1};

enum class SettingType : std::uint8_t { boolean = 1, integer, number, string, duration, size, list_of_strings };
std::string_view to_string(SettingType type);

// A typed setting: duration in ns and size in bytes are integers here.
using TypedValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

struct SettingSchema {
  std::string name;
  SettingType type = SettingType::string;
  std::string doc;
  std::optional<TypedValue> default_value;     // none: the operator must give it
  std::optional<std::pair<double, double>> range;  // inclusive, in the typed unit (ns, bytes)
  std::vector<std::string> values;             // allowed values of a string or of a list's members; empty: any
};

struct TaskKind {
  std::string name;
  std::string doc;
  std::vector<std::string> after;     // kinds of this plugin
  std::vector<std::string> requires_; // kinds of this plugin
  bool guard = false;                 // proposes nothing; says of what others proposed that it stays (freshet/draft/guard.h)
  std::vector<SettingSchema> settings;
};

// Limits a manifest asks for; 0 means "did not ask".
struct RequestedLimits {
  std::uint64_t memory_bytes = 0;
  std::int64_t cpu_ns = 0;
  std::int64_t wall_ns = 0;
  std::uint32_t threads = 0;
  std::uint32_t fds = 0;
};

// A lock file of other programs that it wants held.
struct RequestedLock {
  std::string path;  // absolute
  bool posix = false;  // else flock
};
inline constexpr std::size_t kMaxRequestedLocks = 16;

struct Manifest {
  std::string id;       // reverse domain name, [a-z0-9.-], at most 128 bytes
  std::string version;  // semver text
  std::string license;
  std::string doc;
  AbiVersion abi_min;
  AbiVersion abi_below;
  std::vector<std::string> required_permissions;  // of kPermissionNames
  std::vector<std::string> optional_permissions;
  RequestedLimits limits;
  bool irreversible = false;         // says that what it proposes with `ipc` cannot be taken back
  std::vector<RequestedLock> locks;  // with the permission `lock`; none: all that are granted
  std::vector<TaskKind> kinds;
};

// Permissions a manifest may name in this version.
inline constexpr std::string_view kPermissionNames[] = {"remove", "read", "lock", "hook", "ipc"};

// Why a file is not a plugin we load; each has its own code and its own page in `freshet explain`.
//   F2001 not_elf            F2002 wrong_machine       F2003 truncated         F2004 no_manifest
//   F2005 manifest_syntax    F2006 manifest_key        F2007 abi_range         F2008 no_entry
//   F2009 extra_exports      F2010 entry_failed        F2011 unannounced_task  F2012 settings_mismatch
//   F2013 load_failed (constructor crashed, hung, or the loader said no)
//   F2014 needed_library     F2015 rpath               F2016 audit_or_filter   F2017 text_relocations
//   F2018 executable_stack   F2019 writable_code       F2020 too_large
// The codes are Error::code; kind is `invalid`.

// F2007 unless min <= kRuntimeAbi < below.
Status check_abi(const Manifest& manifest);

const TaskKind* find_kind(const Manifest& manifest, std::string_view name);

// Whether it has the permission among its required or its optional ones.
bool asks_for(const Manifest& manifest, std::string_view permission);

}  // namespace freshet::manifest
