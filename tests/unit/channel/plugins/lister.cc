// A good plugin: lists every root to the bottom and proposes each file, or does what "what" asks for.
#include "test_plugin.h"

#include <cstdlib>
#include <vector>

namespace test_plugin {
namespace {

freshet_status walk(const freshet_host* host, freshet_dir* directory) {
  freshet_entry entry{};
  entry.size = sizeof entry;
  freshet_status worst = FRESHET_OK;
  for (;;) {
    const freshet_status status = host->dir_next(host, directory, &entry);
    if (status == FRESHET_END) return worst;
    if (status != FRESHET_OK) return status;
    if (entry.type == FRESHET_DIRECTORY && (entry.flags & FRESHET_ENTRY_MOUNT_POINT) == 0) {
      freshet_dir* inner = nullptr;
      if (host->dir_open(host, 0, directory, entry.name, &inner) != FRESHET_OK) {
        worst = FRESHET_UNREADABLE;
        continue;
      }
      if (walk(host, inner) != FRESHET_OK) worst = FRESHET_UNREADABLE;
      host->dir_close(host, inner);
      continue;
    }
    freshet_finding finding{};
    finding.size = sizeof finding;
    finding.kind = FRESHET_AGED;
    finding.directory = directory;
    finding.entry = &entry;
    finding.reason = {"listed", 6};
    if (host->emit_finding(host, &finding) == FRESHET_CANCELLED) return FRESHET_CANCELLED;
  }
}

}  // namespace

freshet_status act(const freshet_host* host, const std::string&) {
  freshet_status worst = FRESHET_OK;
  freshet_root root{};
  root.size = sizeof root;
  for (std::uint32_t i = 0; host->root(host, i, &root) == FRESHET_OK; ++i) {
    freshet_dir* top = nullptr;
    if (host->dir_open(host, i, nullptr, {nullptr, 0}, &top) != FRESHET_OK) {
      worst = FRESHET_UNREADABLE;
      continue;
    }
    if (const freshet_status status = walk(host, top); status != FRESHET_OK) worst = status;
    host->dir_close(host, top);
  }
  return worst;
}

}  // namespace test_plugin
