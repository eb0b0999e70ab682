#pragma once

#include <freshet/plugin.h>

#include <boost/dll/shared_library.hpp>
#include <cstdint>
#include <string>

#include "runtime/base/error.h"
#include "runtime/wire/messages.h"
#include "runtime/worker/host.h"

namespace freshet::worker {

// A plugin in this process, and the one task it was loaded for. Stays loaded until the process ends.
struct LoadedPlugin {
  boost::dll::shared_library library;
  freshet_plugin table{};
  freshet_task* task = nullptr;
  // Bytes, before its entry was called. What its C++ runtime took until then it keeps, as long as there is a process.
  std::uint64_t heap_when_loaded = 0;
};

// Bytes of malloc(3) in use in this process.
std::uint64_t heap_in_use();

// Loads the file with Boost.DLL and makes the task. From its first line on foreign code runs here (constructors), so
// the process is locked before. Refusals, each with its code: F2013 the loader says no, F2008 no entry symbol, F2010
// the entry or configure failed, F2007 another ABI, F2011 a kind nobody announced, F2012 settings it does not take.
Result<LoadedPlugin> load_plugin(const std::string& path, const wire::Load& load, Host& host);

}  // namespace freshet::worker
