#include "runtime/cli/plugin_template.h"

#include <algorithm>

#include "runtime/base/bytes.h"

namespace freshet::cli {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxLicense = 64;

constexpr std::string_view kCMake = R"(cmake_minimum_required(VERSION 3.25)
project(@NAME@ VERSION 1.0.0 LANGUAGES C CXX)

set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
add_compile_options(-Wall -Wextra)

# Installed elsewhere than in /usr? cmake -DCMAKE_PREFIX_PATH=/where/it/is
find_package(FreshetSdk REQUIRED)
freshet_add_plugin(@ID@ SOURCES @SOURCE@)
install(TARGETS @ID@ LIBRARY DESTINATION ${FRESHET_PLUGIN_DIR})

include(CTest)
if(BUILD_TESTING)
  # The plugin's source goes into the test itself: a debugger and sanitizers see all of it.
  find_package(Threads REQUIRED)
  add_executable(@NAME@_test @NAME@_test.cc @SOURCE@)
  target_link_libraries(@NAME@_test PRIVATE Freshet::sdk Threads::Threads)
  add_test(NAME unit COMMAND @NAME@_test)

  find_program(FRESHET_PLUGIN_CHECK freshet-plugin-check HINTS ${FRESHET_PLUGIN_DIR}/../../../bin)
  if(FRESHET_PLUGIN_CHECK)
    add_test(NAME check COMMAND ${FRESHET_PLUGIN_CHECK} $<TARGET_FILE:@ID@>)
  endif()
endif()
)";

constexpr std::string_view kCppSource = R"(// Proposes files older than a limit, at any depth.
#include <freshet/plugin.hpp>

#include <string>

FRESHET_MANIFEST(R"manifest(
id = "@ID@"
version = "1.0.0"
license = "@LICENSE@"
doc = "Removes files older than a limit"
abi = { min = "@ABI@", below = "@BELOW@" }
permissions = { required = ["remove"] }
[task.@NAME@]
doc = "Removes files older than a limit, at any depth"
[task.@NAME@.settings]
older-than = { type = "duration", range = ["1h", "100y"], doc = "Files go whose last change (mtime) is at least this old" }
)manifest");

class @CLASS@ final : public freshet::Task {
 public:
  explicit @CLASS@(const freshet::Settings& settings) : limit_(settings.duration("older-than")) {}

  void scan(freshet::Host& host) override {
    constexpr std::int64_t kDay = 86'400'000'000'000;
    for (const freshet::Root& root : host.roots()) {
      host.walk(root, [&](freshet::Directory& directory, const freshet::Entry& entry) {
        host.stop_if_cancelled();
        if (entry.type != FRESHET_FILE || entry.mtime > host.now() - limit_) return;
        directory.propose(entry, {"mtime " + std::to_string((host.now() - entry.mtime) / kDay) + " d ago"});
      });
    }
  }

 private:
  std::int64_t limit_;  // nanoseconds
};

FRESHET_PLUGIN(freshet::kind<@CLASS@>("@NAME@"))
)";

constexpr std::string_view kCSource = R"(/* Proposes files older than a limit, in the top directory of each root. */
#include <freshet/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

FRESHET_MANIFEST(
    "id = \"@ID@\"\n"
    "version = \"1.0.0\"\n"
    "license = \"@LICENSE@\"\n"
    "doc = \"Removes files older than a limit\"\n"
    "abi = { min = \"@ABI@\", below = \"@BELOW@\" }\n"
    "permissions = { required = [\"remove\"] }\n"
    "[task.@NAME@]\n"
    "doc = \"Removes files older than a limit, in the top directory\"\n"
    "[task.@NAME@.settings]\n"
    "older-than = { type = \"duration\", range = [\"1h\", \"100y\"],"
    " doc = \"Files go whose last change (mtime) is at least this old\" }\n");

struct freshet_task {
  int64_t limit; /* nanoseconds */
};

static freshet_status describe(uint32_t index, const char **kind) {
  *kind = "@NAME@";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

static freshet_status configure(const freshet_host *host, const char *kind, const freshet_setting *settings,
                                uint64_t count, freshet_task **out) {
  (void)host;
  if (strcmp(kind, "@NAME@") != 0 || count != 1) return FRESHET_UNKNOWN;
  *out = malloc(sizeof **out);
  if (*out == NULL) return FRESHET_NO_MEMORY;
  (*out)->limit = settings[0].integer; /* the one setting of the manifest; the host has checked it */
  return FRESHET_OK;
}

static freshet_status scan_root(const freshet_task *task, const freshet_host *host, uint32_t root) {
  freshet_dir *dir = NULL;
  freshet_entry entry = {.size = sizeof entry};
  freshet_status status = host->dir_open(host, root, NULL, (freshet_bytes){NULL, 0}, &dir);
  if (status != FRESHET_OK) return status;
  while ((status = host->dir_next(host, dir, &entry)) == FRESHET_OK) {
    char reason[64];
    if (host->cancelled(host)) {
      status = FRESHET_CANCELLED;
      break;
    }
    if (entry.type != FRESHET_FILE || entry.mtime > host->now(host) - task->limit) continue;
    const int length = snprintf(reason, sizeof reason, "mtime %lld d ago",
                                (long long)((host->now(host) - entry.mtime) / 86400000000000));
    const freshet_finding finding = {.size = sizeof finding, .kind = FRESHET_AGED, .directory = dir, .entry = &entry,
                                     .reason = {reason, (size_t)length}};
    if ((status = host->emit_finding(host, &finding)) != FRESHET_OK) break;
  }
  host->dir_close(host, dir);
  return status == FRESHET_END ? FRESHET_OK : status;
}

static freshet_status scan(freshet_task *task, const freshet_host *host) {
  freshet_root root = {.size = sizeof root};
  freshet_status worst = FRESHET_OK;
  for (uint32_t i = 0; host->root(host, i, &root) == FRESHET_OK; i++) {
    const freshet_status status = scan_root(task, host, i);
    if (status == FRESHET_UNREADABLE) worst = status; /* and on to the next root */
    else if (status != FRESHET_OK) return status;
  }
  return worst;
}

static void destroy(freshet_task *task) { free(task); }

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host *host, freshet_plugin *out) {
  const freshet_version abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  if (!freshet_abi_compatible(host->abi, abi) || out->size < sizeof *out) return FRESHET_FAILED;
  *out = (freshet_plugin){.size = sizeof *out, .abi = abi, .describe = describe, .configure = configure, .scan = scan,
                          .destroy = destroy};
  return FRESHET_OK;
}
)";

constexpr std::string_view kTest = R"(// What @NAME@ proposes on trees in memory: no sandbox, no root, no files.
#include <freshet/testing.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace freshet::testing;

static int failures = 0;

static void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  ++failures;
}

// The host has seen no rule broken.
static freshet_status scan(FakeHost& host) {
  freshet_status out = FRESHET_FAILED;
  {
    RunningTask task(host, freshet_plugin_entry, "@NAME@", FakeSettings().duration("older-than", 30 * kDay));
    expect(task.configured == FRESHET_OK, "the settings are taken");
    out = task.scan();
  }
  for (const std::string& rule : host.broken_rules) expect(false, rule.c_str());
  return out;
}

int main() {
  {
    FakeHost host;
    Node& root = host.add_root("/r");
    root.file("old", 41);
    root.file("young", 29);
    root.directory("folder", 41);
    root.symlink("link", 41);
    expect(scan(host) == FRESHET_OK, "a whole scan is OK");
    expect(host.proposed() == std::vector<std::string>{"/r/old"}, "old files go, and nothing else");
    expect(host.reason_of("/r/old") == "mtime 41 d ago", "the reason has the figure that decided");
  }
  {
    FakeHost host;
    host.add_root("/r").unreadable = true;
    expect(scan(host) == FRESHET_UNREADABLE, "what cannot be read is said");
  }
  {
    FakeHost host;
    host.add_root("/r").file("old", 41);
    host.cancelled = true;
    expect(scan(host) == FRESHET_CANCELLED, "it ends when it is asked to");
    expect(host.findings.empty(), "and proposes nothing then");
  }
  if (failures == 0) std::puts("all is well");
  return failures == 0 ? 0 : 1;
}
)";

constexpr std::string_view kReadme = R"(# @NAME@

A [Freshet](https://freshet.example/) plugin: proposes files older than a limit. It removes nothing itself; Freshet shows
the plan, moves what was agreed to into a quarantine, and takes it back on request.

    cmake -S . -B build && cmake --build build      # needs the Freshet SDK; -DCMAKE_PREFIX_PATH=... where it is elsewhere
    ctest --test-dir build --output-on-failure
    freshet plugins inspect build/@ID@.so
    cmake --install build

| file | what it is |
| --- | --- |
| `@SOURCE@` | the plugin, with its manifest |
| `@NAME@_test.cc` | its test, on trees in memory |

What it asks for: `remove` (it proposes files). What it never takes: directories, links, files younger than `older-than`.

To try it, in a `freshet.toml`:

```toml
[task.@NAME@]
plugin = "@ID@"
roots = [{ path = "/tmp/some/folder" }]
settings = { older-than = "30d" }
```

    freshet --config freshet.toml --plugin-dir build plan

Licence: @LICENSE@
)";

constexpr std::string_view kIgnore = "build/\n";

constexpr std::string_view kCi = R"(# Builds and tests the plugin. The image has to have the Freshet SDK in it, or in a package source of its own.
name: build
on: [push, pull_request]
jobs:
  build:
    runs-on: ubuntu-latest
    container: debian:12
    steps:
      - run: apt-get update && apt-get install -y --no-install-recommends git ca-certificates cmake g++ make freshet-sdk
      - uses: actions/checkout@v4
      - run: cmake -S . -B build
      - run: cmake --build build
      - run: ctest --test-dir build --output-on-failure --no-tests=error
)";

bool is_plain(std::string_view part) {
  return !part.empty() && part.front() >= 'a' && part.front() <= 'z' && part.back() != '-' &&
         std::ranges::all_of(part, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// old-dumps: OldDumps
std::string class_name(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

struct Filling {
  std::string_view mark;
  std::string text;
};

std::string fill(std::string_view text, const std::vector<Filling>& fillings) {
  std::string out;
  while (!text.empty()) {
    const auto found = std::ranges::find_if(fillings, [&](const Filling& one) { return text.starts_with(one.mark); });
    if (found != fillings.end()) {
      out += found->text;
      text.remove_prefix(found->mark.size());
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

Status check_plugin_name(std::string_view name) {
  if (is_plain(name) && name.size() <= kMaxName) return {};
  return fail(ErrorKind::invalid, "`" + escape_bytes(name) + "` is no name for a plugin", "write a-z, 0-9 and `-`, a letter first, 64 at most: old-dumps");
}

Status check_plugin_id(std::string_view id) {
  bool good = id.size() <= kMaxId && id.find('.') != std::string_view::npos;
  for (std::size_t start = 0; good && start <= id.size();) {
    const std::size_t end = std::min(id.find('.', start), id.size());
    good = is_plain(id.substr(start, end - start));
    start = end + 1;
  }
  if (good) return {};
  return fail(ErrorKind::invalid, "`" + escape_bytes(id) + "` is no id for a plugin", "write a reverse domain name of a-z, 0-9 and `-`: org.example.old-dumps");
}

Status check_plugin_license(std::string_view license) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view(".+-() ").contains(c);
  };
  if (!license.empty() && license.size() <= kMaxLicense && license.front() != ' ' && std::ranges::all_of(license, allowed)) return {};
  return fail(ErrorKind::invalid, "`" + escape_bytes(license) + "` is no licence", "write an SPDX expression: MIT, GPL-3.0-or-later");
}

std::vector<TemplateFile> make_plugin_template(const PluginWish& wish) {
  const bool c = wish.language == PluginLanguage::c;
  const std::string source = wish.name + (c ? ".c" : ".cc");
  const std::vector<Filling> fillings{{"@NAME@", wish.name},       {"@ID@", wish.id},   {"@LICENSE@", wish.license},
                                      {"@CLASS@", class_name(wish.name)}, {"@SOURCE@", source}, {"@ABI@", FRESHET_TEMPLATE_ABI},
                                      {"@BELOW@", FRESHET_TEMPLATE_ABI_BELOW}};
  std::vector<TemplateFile> out{{"CMakeLists.txt", fill(kCMake, fillings)},
                                {source, fill(c ? kCSource : kCppSource, fillings)},
                                {wish.name + "_test.cc", fill(kTest, fillings)},
                                {"README.md", fill(kReadme, fillings)},
                                {".gitignore", std::string(kIgnore)}};
  if (wish.ci) out.push_back({".github/workflows/build.yml", std::string(kCi)});
  return out;
}

}  // namespace freshet::cli
