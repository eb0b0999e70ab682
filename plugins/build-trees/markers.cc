#include "plugins/build-trees/markers.h"

#include <algorithm>
#include <iterator>

#include "plugins/parts/text.h"

namespace build_trees {
namespace {

enum Mark : std::uint32_t {
  kCacheTag = 1U << 0,
  kCargoManifest = 1U << 1,
  kRustcInfo = 1U << 2,
  kCMakeCache = 1U << 3,
  kCMakeFiles = 1U << 4,
  kCMakeLists = 1U << 5,
  kPackage = 1U << 6,        // package.json
  kNodeLock = 1U << 7,       // says which versions to install again
  kNodeInstalled = 1U << 8,  // a package manager's own record of what it installed
  kGradleScript = 1U << 9,
  kGradleTmp = 1U << 10,
  kGradleOutput = 1U << 11,
  kPom = 1U << 12,
  kMavenRecord = 1U << 13,
  kVersionControl = 1U << 14,
};

struct NamedMark {
  std::string_view name;
  freshet_entry_type type;
  std::uint32_t mark;
};
constexpr NamedMark kMarks[] = {
    {"CACHEDIR.TAG", FRESHET_FILE, kCacheTag},
    {"Cargo.toml", FRESHET_FILE, kCargoManifest},
    {".rustc_info.json", FRESHET_FILE, kRustcInfo},
    {"CMakeCache.txt", FRESHET_FILE, kCMakeCache},
    {"CMakeFiles", FRESHET_DIRECTORY, kCMakeFiles},
    {"CMakeLists.txt", FRESHET_FILE, kCMakeLists},
    {"package.json", FRESHET_FILE, kPackage},
    {"package-lock.json", FRESHET_FILE, kNodeLock},
    {"npm-shrinkwrap.json", FRESHET_FILE, kNodeLock},
    {"yarn.lock", FRESHET_FILE, kNodeLock},
    {"pnpm-lock.yaml", FRESHET_FILE, kNodeLock},
    {".package-lock.json", FRESHET_FILE, kNodeInstalled},
    {".yarn-integrity", FRESHET_FILE, kNodeInstalled},
    {".yarn-state.yml", FRESHET_FILE, kNodeInstalled},
    {".modules.yaml", FRESHET_FILE, kNodeInstalled},
    {"build.gradle", FRESHET_FILE, kGradleScript},
    {"build.gradle.kts", FRESHET_FILE, kGradleScript},
    {"tmp", FRESHET_DIRECTORY, kGradleTmp},
    {"classes", FRESHET_DIRECTORY, kGradleOutput},
    {"libs", FRESHET_DIRECTORY, kGradleOutput},
    {"pom.xml", FRESHET_FILE, kPom},
    {"maven-status", FRESHET_DIRECTORY, kMavenRecord},
    {"maven-archiver", FRESHET_DIRECTORY, kMavenRecord},
};

}  // namespace

const char* setting_name(Tool tool) {
  switch (tool) {
    case Tool::none: return "";
    case Tool::cargo: return "cargo";
    case Tool::cmake: return "cmake";
    case Tool::gradle: return "gradle";
    case Tool::maven: return "maven";
    case Tool::node: return "node";
    case Tool::python: return "python";
  }
  return "";
}

const char* words(Tool tool) {
  switch (tool) {
    case Tool::none: return "";
    case Tool::cargo: return "cargo target";
    case Tool::cmake: return "CMake build directory";
    case Tool::gradle: return "Gradle build directory";
    case Tool::maven: return "Maven target";
    case Tool::node: return "node_modules";
    case Tool::python: return "Python bytecode";
  }
  return "";
}

bool is_version_control(std::string_view name) {
  constexpr std::string_view kNames[] = {".git", ".hg", ".svn", ".jj", ".bzr", "CVS"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool is_bytecode(std::string_view name) {
  if (!parts::take_off(name, ".pyc")) return false;
  for (const std::string_view tag : {std::string_view(".cpython-"), std::string_view(".pypy")}) {
    const std::size_t at = name.rfind(tag);
    if (at != std::string_view::npos && at > 0) return true;
  }
  return false;
}

void Markers::see(const freshet::Entry& entry) {
  const std::string_view name = entry.file_name();
  if (is_version_control(name)) marks_ |= kVersionControl;
  for (const NamedMark& mark : kMarks) {
    if (mark.name == name && mark.type == entry.type) marks_ |= mark.mark;
  }
  if (entry.type == FRESHET_FILE && is_bytecode(name)) ++bytecode_;
  else ++others_;
}

Tool Markers::proves(std::string_view name, const Markers& beside) const {
  if (has_any(kVersionControl)) return Tool::none;
  if (has(kCacheTag | kRustcInfo) && !has_any(kCargoManifest) && beside.has(kCargoManifest)) return Tool::cargo;
  if (has(kCMakeCache | kCMakeFiles) && !has_any(kCMakeLists)) return Tool::cmake;
  if (name == "node_modules" && has(kNodeInstalled) && beside.has(kPackage | kNodeLock)) return Tool::node;
  if (name == "build" && has(kGradleTmp | kGradleOutput) && !has_any(kGradleScript) && beside.has(kGradleScript))
    return Tool::gradle;
  if (name == "target" && has(kMavenRecord) && !has_any(kPom) && beside.has(kPom)) return Tool::maven;
  if (name == "__pycache__" && bytecode_ > 0 && others_ == 0) return Tool::python;
  return Tool::none;
}

// What CMake fetches and builds for a project lies below _deps and NAME-prefix, with sources and their .git; what it tries
// out while it configures lies below CMakeFiles. All of it comes back.
void SourceGuard::enter(std::string_view name) {
  const bool above = !way_.empty() && way_.back();
  const bool fetched = tool_ == Tool::cmake &&
                       (name == "CMakeFiles" || (way_.empty() && (name == "_deps" || parts::ends_with(name, "-prefix"))));
  if (!above && !fetched && is_version_control(name)) has_sources_ = true;
  way_.push_back(above || fetched);
}

void SourceGuard::see(const freshet::Entry& entry) {
  if (!way_.empty() && way_.back()) return;
  if (is_version_control(entry.file_name())) has_sources_ = true;
  // The sources of every CMake project have one at their top: those of `cmake -S src -B .` lie in the build directory.
  if (tool_ == Tool::cmake && entry.file_name() == "CMakeLists.txt") has_sources_ = true;
}

}  // namespace build_trees
