// A plugin for the tests of worker and channel: one task kind, "act", whose setting "what" names what to do. Each
// plugin of this folder says what that is in `act`.
#pragma once

#include <freshet/plugin.h>

#include <cstring>
#include <string>
#include <string_view>

namespace test_plugin {

struct Task {
  std::string what;
};

// Defined by the plugin.
freshet_status act(const freshet_host* host, const std::string& what);

inline void say(const freshet_host* host, std::string_view text) {
  host->log(host, FRESHET_LOG_WARNING, text.data(), text.size());
}

inline freshet_status describe(std::uint32_t index, const char** kind) {
  if (index > 0) return FRESHET_END;
  *kind = "act";
  return FRESHET_OK;
}

inline freshet_status configure(const freshet_host* host, const char*, const freshet_setting* settings,
                                std::uint64_t count, freshet_task** out) {
  auto* task = new Task;
  for (std::uint64_t i = 0; i < count; ++i)
    if (std::strcmp(settings[i].name, "what") == 0) task->what.assign(settings[i].string.data, settings[i].string.length);
  if (task->what == "refuse") {
    say(host, "not with me");
    delete task;
    return FRESHET_INVALID;
  }
  *out = reinterpret_cast<freshet_task*>(task);
  return FRESHET_OK;
}

inline freshet_status scan(freshet_task* task, const freshet_host* host) {
  return act(host, reinterpret_cast<Task*>(task)->what);
}

inline void destroy(freshet_task* task) { delete reinterpret_cast<Task*>(task); }

}  // namespace test_plugin

FRESHET_MANIFEST("id = \"org.freshet.test\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n"
                 "abi = { min = \"1.0\", below = \"2.0\" }\npermissions = { required = [\"remove\"] }\n"
                 "[task.act]\ndoc = \"For tests\"\n"
                 "[task.act.settings]\nwhat = { type = \"string\", doc = \"What to do\" }\n");

#ifndef TEST_PLUGIN_OWN_ENTRY
extern "C" FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host*, freshet_plugin* out) {
  *out = {};
  out->size = sizeof *out;
  out->abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  out->describe = test_plugin::describe;
  out->configure = test_plugin::configure;
  out->scan = test_plugin::scan;
  out->verify = test_plugin::scan;
  out->destroy = test_plugin::destroy;
  return FRESHET_OK;
}
#endif
