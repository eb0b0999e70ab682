// What the observer plants for one case, and what it sees of it afterwards.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/channel/role_process.h"
#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {

// Made once, before anything else: names of its own for host and mounts, a terminal, and the adoption of whatever the
// workers leave behind. Starts this program anew, with secrets in its environment and command line.
void prepare_observer(int count, char** arguments);
const std::string& program_secret();
const std::string& observer_folder();  // goes with the program
void remove_observer_folder();
void set_library(const std::string& file);  // what grant/library is a copy of

// Of a child that is about to become a role (careless start).
void careless_surroundings();

// A live worker as /proc shows it.
struct ProcessState {
  std::map<std::string, std::string> values;  // by Case::about, those in use
  std::vector<std::string> fds;               // links
  std::set<std::string> executable;           // mappings
  std::uint32_t threads = 0;
  std::uint32_t processes = 0;                // its children and theirs
};

class World {
 public:
  // `uid`: of the worker, and so of the other process.
  World(const Case& tried, std::uint32_t uid);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] std::string scene(const std::string& group) const;  // for the plugin
  [[nodiscard]] const channel::OpenRoot& root() const { return root_; }
  [[nodiscard]] std::string folder() const { return path_; }
  [[nodiscard]] pid_t victim_pid() const { return victim_; }
  [[nodiscard]] pid_t racer_pid() const { return racer_; }

  // Of the worker, alive. The first one is what the second is compared with.
  ProcessState look(pid_t pid) const;

  // What the plugin told; each a line of its log.
  [[nodiscard]] bool has_secret(const std::string& line) const;
  [[nodiscard]] bool has_name_of_grant(const std::string& line) const;  // for the control

  // After the worker's end. Each names what was seen, or is empty.
  std::string changed();
  std::string read_time();
  std::string heard();
  std::string victim();
  std::string ipc();
  std::string locked();  // while it lives

 private:
  void plant();
  void open_ears();
  void start_victim();
  void start_racer();

  const Case& case_;
  const std::uint32_t uid_;
  std::string path_;   // of all
  std::string token_, word_;
  std::string bits_;
  long number_ = 0;
  int nice_ = 0;
  int key_ = 0;
  int segment_ = -1, queue_ = -1, posix_queue_ = -1;
  Fd tcp_, tcp6_, udp_, unix_grant_, unix_outside_, datagrams_, abstract_, abstract_datagrams_, hidden_, fifo_;
  int port_ = 0, port6_ = 0, udp_port_ = 0;
  pid_t victim_ = -1, racer_ = -1;
  std::string victim_state_;
  channel::OpenRoot root_;
  std::string before_;
  std::string times_before_;
};

bool is_running(pid_t pid);  // and no zombie

// Ends what a worker left behind, and says how much that was.
std::uint32_t end_what_is_left(pid_t except1, pid_t except2);

}  // namespace freshet::hostile
