#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/cli/program.h"
#include "tests/unit/cli/fake_manager.h"

namespace freshet::cli {

// Runs the program with files for streams, a configuration of its own and a scripted manager.
class Captured {
 public:
  FakeManager::Script script;
  std::vector<DoctorRow> host;
  std::optional<Error> no_manager;
  std::string config_text =
      "[task.a]\nplugin = \"org.example.a\"\nroots = [{ path = \"/nowhere\", optional = true }]\n";
  std::stop_source stop;
  int in_fd = -1;   // given: a terminal
  int out_fd = -1;  // given: used in place of a file
  int err_fd = -1;

  std::string out, err;
  std::optional<ManagerOptions> seen_options;
  std::size_t seen_tasks = 0;

  Captured() {
    std::string name = (std::filesystem::temp_directory_path() / "freshet-cli-XXXXXX").string();
    dir_ = ::mkdtemp(name.data());
  }
  ~Captured() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  [[nodiscard]] const std::string& dir() const { return dir_; }

  // With --config and --state-dir put before the words.
  int run(std::vector<std::string> words) {
    std::ofstream(dir_ + "/freshet.toml") << config_text;
    words.insert(words.begin(), {"--config", dir_ + "/freshet.toml", "--state-dir", dir_ + "/state"});
    return run_bare(words);
  }

  int run_bare(const std::vector<std::string>& words) {
    const int out_file = ::memfd_create("out", MFD_CLOEXEC);
    const int err_file = ::memfd_create("err", MFD_CLOEXEC);
    int code = 0;
    {
      Console console(
          {.in = in_fd, .out = out_fd >= 0 ? out_fd : out_file, .err = err_fd >= 0 ? err_fd : err_file});
      const Backend backend{.make_manager = [this](const config::Config& config,
                                                   ManagerOptions options) -> std::expected<Manager, Error> {
                              seen_options = std::move(options);
                              seen_tasks = config.tasks.size();
                              if (no_manager) return std::unexpected(*no_manager);
                              auto fake = std::make_unique<FakeManager>(script);
                              FakeManager& shown = *fake;
                              return Manager{std::move(fake), &shown, &shown, &shown, &shown};
                            },
                            .examine_host = [this] { return host; }};
      code = run_program(words, console, backend, stop.get_token());
    }
    out = contents(out_file);
    err = contents(err_file);
    return code;
  }

 private:
  static std::string contents(int fd) {
    std::string text(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    (void)!::pread(fd, text.data(), text.size(), 0);
    ::close(fd);
    return text;
  }

  std::string dir_;
};

}  // namespace freshet::cli
