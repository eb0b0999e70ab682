#include "runtime/manager/back_trace_text.h"

#include <cstdio>

#include "runtime/base/bytes.h"
#include "runtime/manager/plugin_catalog.h"

namespace freshet {

std::vector<std::string> back_trace_text(const Core& core, int memfd, const std::vector<channel::Frame>& frames) {
  std::vector<std::uint64_t> addresses;
  for (const channel::Frame& frame : frames)
    if (frame.file.empty()) addresses.push_back(frame.address);
  std::vector<std::string> names;
  if (!addresses.empty())
    if (auto inspected = inspect_plugin(core, memfd, addresses)) names = std::move(inspected->names);
  std::vector<std::string> out;
  std::size_t next = 0;
  for (const channel::Frame& frame : frames) {
    char place[32];
    std::snprintf(place, sizeof place, "+0x%llx", static_cast<unsigned long long>(frame.address));
    if (!frame.file.empty()) {
      out.push_back(frame.file + place);
      continue;
    }
    const std::string name = next < names.size() ? escape_bytes(names[next]) : "";
    ++next;
    out.push_back(name.empty() ? "plugin" + std::string(place) : name + " (plugin" + place + ")");
  }
  return out;
}

}  // namespace freshet
