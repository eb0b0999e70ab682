// Lets an exception out of its scan, and is good but for that.
#include <freshet/plugin.h>

#include <stdexcept>

FRESHET_MANIFEST(
    "id = \"org.freshet.test.checked\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\ndoc = \"Proposes nothing at all\"\n"
    "abi = { min = \"1.0\", below = \"2.0\" }\n[task.old]\ndoc = \"Proposes nothing\"\n");

namespace {

int task_storage;

freshet_status describe(std::uint32_t index, const char** kind) {
  *kind = "old";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}
freshet_status configure(const freshet_host*, const char*, const freshet_setting*, std::uint64_t, freshet_task** out) {
  *out = reinterpret_cast<freshet_task*>(&task_storage);
  return FRESHET_OK;
}
freshet_status scan(freshet_task*, const freshet_host*) { throw std::runtime_error("out"); }
void destroy(freshet_task*) {}

}  // namespace

FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host*, freshet_plugin* out) {
  *out = {sizeof *out, {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR}, describe, configure, scan, nullptr, destroy, nullptr};
  return FRESHET_OK;
}
