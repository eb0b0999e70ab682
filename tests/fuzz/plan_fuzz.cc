// LINK: freshet_manager
#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/manager/directory_table.h"
#include "runtime/manager/fold.h"
#include "runtime/manager/plan_container.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/plan_rules.h"
#include "runtime/manager/settle.h"

namespace {

using namespace freshet;

// The folder of a plan, made new for every input and removed with it.
class PlanFolder {
 public:
  PlanFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "freshet-plan-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~PlanFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PlanFolder(const PlanFolder&) = delete;
  PlanFolder& operator=(const PlanFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Gives the bytes a good checksum, so that what lies behind it is reached.
std::string with_checksum(std::string_view text) {
  std::string out(text);
  unsigned char hash[crypto_generichash_BYTES];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(out.data()), out.size(), nullptr, 0);
  return out.append(reinterpret_cast<const char*>(hash), sizeof hash);
}

// Whatever a plan says that is read: its names stay below its roots, and counting it ends.
void read(std::string_view bytes) {
  const PlanFolder folder;
  const int fd = ::memfd_create("plan", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  Result<Plan> plan = read_plan_container("/proc/self/fd/" + std::to_string(fd), folder.path(), "20261125-010203-abcdef");
  ::close(fd);
  if (!plan) return;
  for (TaskPlan& task : plan->tasks) {
    if (!is_going(task) || task.native) continue;
    for (const PlanRoot& root : task.roots)
      if (!is_entry_name(root.area)) std::abort();
    const Result<DirectoryTable> directories =
        DirectoryTable::load(directories_file(folder.path(), task.number), static_cast<std::uint32_t>(task.roots.size()));
    if (!directories) continue;
    for (std::uint32_t id = 0; id < directories->size(); ++id)
      if (directories->node(id).parent != kNoNode && !is_entry_name(directories->name(id))) std::abort();
    const Result<Fold> fold = Fold::compute(*directories, entries_file(folder.path(), task.number), {}, task.key, true);
    if (!fold) continue;
    static_cast<void>(fold->for_each([&](std::uint64_t, const PlanEntry& entry) {
      if (!is_entry_name(entry.name) || entry.directory >= directories->size()) std::abort();
      return true;
    }));
    static_cast<void>(recount_plan(task, folder.path(), 0));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read(text);
  if (size >= crypto_generichash_BYTES) read(with_checksum(text.substr(0, size - crypto_generichash_BYTES)));
  return 0;
}
