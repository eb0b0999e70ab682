#include "runtime/manifest/keys.h"

#include <algorithm>
#include <string>

namespace freshet::manifest {
namespace {

constexpr Key kKeys[] = {
    {"", "id", "string", true, "Reverse domain name of `a-z`, `0-9` and `-`, at most 128 bytes. One file for an id"},
    {"", "version", "string", true, "Three numbers, as in semantic versioning: \"1.2.0\""},
    {"", "license", "string", true, "For people: \"MIT\""},
    {"", "doc", "string", false, "What the plugin is for"},
    {"", "abi", "table", true, "Versions of the ABI that the plugin works with"},
    {"", "permissions", "table", false, "What it asks for; without it, it may list its roots and nothing else"},
    {"", "limits", "table", false, "What it needs; the smaller of this and what is granted holds"},
    {"", "locks", "list of tables", false, "Lock files of other programs, with the permission `lock`; none: all that are granted"},
    {"", "irreversible", "boolean", false, "Must be true with the permission `ipc`: what that removes cannot be taken back"},
    {"", "task", "table", true, "Its task kinds, each a table `[task.KIND]`; at least one"},
    {"abi", "min", "string", true, "The first version that will do: \"1.0\""},
    {"abi", "below", "string", true, "The first version that will not"},
    {"permissions", "required", "list of strings", false, "Of `remove`, `read`, `lock`, `hook`, `ipc`: without one of these it does not run"},
    {"permissions", "optional", "list of strings", false, "The same; without them it runs, and finds the features missing"},
    {"limits", "memory", "size", false, "Address space of the worker beyond its own code: \"64MiB\""},
    {"limits", "cpu", "duration", false, "Processor time of a scan: \"20s\""},
    {"limits", "wall", "duration", false, "Time by the clock of a scan"},
    {"limits", "threads", "integer", false, "Threads beside the first"},
    {"limits", "fds", "integer", false, "Open descriptors"},
    {"locks", "path", "string", true, "Absolute"},
    {"locks", "kind", "string", false, "\"flock\" (default) or \"posix\""},
    {"task.KIND", "doc", "string", true, "What such a task does"},
    {"task.KIND", "after", "list of strings", false, "Kinds of this plugin that come before it in the same channel"},
    {"task.KIND", "requires", "list of strings", false, "The same, and it does not run when one of them failed"},
    {"task.KIND", "guard", "boolean", false, "It proposes nothing and may keep what other tasks would remove: `freshet/draft/guard.h`"},
    {"task.KIND", "settings", "table", false, "Its settings, each a table by its name"},
    {"task.KIND.settings.NAME", "type", "string", true, "boolean, integer, number, string, duration, size or strings"},
    {"task.KIND.settings.NAME", "doc", "string", true, "What it does, for `plugins inspect`"},
    {"task.KIND.settings.NAME", "default", "as `type`", false, "Without it the operator has to give the setting"},
    {"task.KIND.settings.NAME", "range", "list of two", false, "Least and greatest, of integers, numbers, durations and sizes"},
    {"task.KIND.settings.NAME", "values", "list of strings", false, "Allowed texts, of string and strings"},
};

}  // namespace

std::span<const Key> keys() { return kKeys; }

void finish(config::TableReader& reader, std::string_view table) {
  for (const std::string& name : reader.known())
    if (std::ranges::none_of(kKeys, [&](const Key& key) { return key.table == table && key.name == name; }))
      reader.reporter().add(reader.position(), "a bug: the key `" + name + "` of `" + std::string(table) + "` is in no table of keys");
  reader.finish();
}

}  // namespace freshet::manifest
