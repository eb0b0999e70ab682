#include "runtime/manager/outside_look.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "runtime/manager/plan_files.h"

namespace freshet {
namespace {

std::map<std::string, std::string> read_status(const std::string& proc) {
  std::map<std::string, std::string> out;
  const Result<std::string> text = read_whole_file(proc + "/status", 1U << 20);
  if (!text) return out;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    out[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
  }
  return out;
}

std::string link_of(const std::string& path) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(path, error);
  return error ? std::string() : target.string();
}

}  // namespace

std::vector<IsolationCheck> look_from_outside(pid_t pid) {
  std::vector<IsolationCheck> out;
  const std::string proc = "/proc/" + std::to_string(pid);
  std::map<std::string, std::string> status = read_status(proc);
  const auto expect = [&](const std::string& name, const std::string& wanted) {
    const std::string seen = status[name];
    out.push_back({name, "probe", wanted, seen, seen == wanted});
  };
  expect("NoNewPrivs", "1");
  expect("Seccomp", "2");
  expect("CapPrm", "0000000000000000");
  expect("CapEff", "0000000000000000");
  expect("CapBnd", "0000000000000000");
  expect("CapAmb", "0000000000000000");
  expect("Threads", "1");
  for (const char* name : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    const std::string theirs = link_of(proc + "/ns/" + name);
    const std::string ours = link_of(std::string("/proc/self/ns/") + name);
    // An ordinary user may not read the links of a process that is not dumpable: then the kernel itself keeps it apart.
    const bool passed = theirs.empty() ? ::geteuid() != 0 : theirs != ours;
    out.push_back({std::string("namespace ") + name, "probe", "its own", theirs.empty() ? "not readable" : theirs, passed});
  }
  return out;
}

}  // namespace freshet
