// The plugin of the cases: its setting `scene` names one and describes what was planted for it.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

#include "tests/plugins/hostile/cases/case.h"

FRESHET_MANIFEST(
    "id = \"org.freshet.test.cases\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n"
    "abi = { min = \"1.0\", below = \"2.0\" }\npermissions = { required = [\"remove\"] }\n"
    "[task.case]\ndoc = \"Hostile, for the tests\"\n"
    "[task.case.settings]\nscene = { type = \"string\", doc = \"What to try, and on what\" }\n");

namespace {

using namespace freshet::hostile;

struct Trial {
  const Case* tried = nullptr;
  Scene scene;
  std::string entry;  // of a sweep
  long number = 0, pattern = 0;
};

std::string value_of(const std::string& text, const std::string& key) {
  const std::string from = "\n" + key + "=";
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return {};
  const std::size_t start = at + from.size();
  return text.substr(start, text.find('\n', start) - start);
}

long number_of(const std::string& text, const std::string& key) {
  return std::strtol(value_of(text, key).c_str(), nullptr, 10);
}

freshet_status describe(std::uint32_t index, const char** kind) {
  *kind = "case";
  return index == 0 ? FRESHET_OK : FRESHET_END;
}

freshet_status configure(const freshet_host* host, const char*, const freshet_setting* settings, std::uint64_t count,
                         freshet_task** out) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i)
    if (std::strcmp(settings[i].name, "scene") == 0) text.assign(settings[i].string.data, settings[i].string.length);
  auto* trial = new Trial;
  Scene& scene = trial->scene;
  trial->tried = find_case(value_of(text, "group"), value_of(text, "case"));
  trial->entry = value_of(text, "entry");
  trial->number = number_of(text, "number");
  trial->pattern = number_of(text, "pattern");
  scene.grant = value_of(text, "grant");
  scene.outside = value_of(text, "outside");
  scene.word = value_of(text, "word");
  scene.key = value_of(text, "key");
  scene.victim = number_of(text, "victim");
  scene.victim_buffer = std::strtoul(value_of(text, "victim-buffer").c_str(), nullptr, 10);
  scene.victim_fd = static_cast<int>(number_of(text, "victim-fd"));
  scene.port = static_cast<int>(number_of(text, "port"));
  scene.port6 = static_cast<int>(number_of(text, "port6"));
  scene.udp = static_cast<int>(number_of(text, "udp"));
  scene.abstract = value_of(text, "abstract");
  scene.segment = number_of(text, "segment");
  scene.queue = number_of(text, "queue");
  scene.host = host;
  if (trial->tried != nullptr) scene.parameter = trial->tried->parameter;
  *out = reinterpret_cast<freshet_task*>(trial);
  return FRESHET_OK;
}

freshet_status scan(freshet_task* task, const freshet_host* host) {
  auto* trial = reinterpret_cast<Trial*>(task);
  trial->scene.host = host;
  struct stat info {};
  if (::stat("/r/0/file", &info) == 0) trial->scene.grant = "/r/0";
  if (!trial->entry.empty()) make_call(trial->entry, trial->number, trial->pattern);
  else if (trial->tried != nullptr) trial->tried->attempt(trial->scene);
  else return FRESHET_INVALID;
  return FRESHET_OK;
}

void destroy(freshet_task*) {}

}  // namespace

extern "C" FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host*, freshet_plugin* out) {
  *out = {};
  out->size = sizeof *out;
  out->abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  out->describe = describe;
  out->configure = configure;
  out->scan = scan;
  out->destroy = destroy;
  return FRESHET_OK;
}
