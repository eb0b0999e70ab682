// Runs a command and writes one line about it: measure REPORT SAMPLE_MS COMMAND..
//   wall_ms=… cpu_ms=… peak_pss_kib=… peak_rss_kib=… processes=…
// With SAMPLE_MS 0 only times are taken (peaks are 0), so that the sampling does not disturb them. Otherwise the
// memory of the command and all its descendants together is sampled that often: PSS (shared pages count once) and RSS
// (an upper bound). Children whose parent died are found too: this process is their reaper.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void add_descendants(const std::string& pid, std::vector<std::string>& out) {
  std::error_code ignored;
  for (fs::directory_iterator task("/proc/" + pid + "/task", ignored), end; task != end; task.increment(ignored)) {
    std::istringstream children(read_all(task->path().string() + "/children"));
    for (std::string child; children >> child;) {
      out.push_back(child);
      add_descendants(child, out);
    }
    if (ignored) return;
  }
}

struct Memory {
  long pss_kib = 0;
  long rss_kib = 0;
  std::size_t processes = 0;
};

long resident_kib(const std::string& pid) {
  long size = 0;
  long resident = 0;
  std::istringstream(read_all("/proc/" + pid + "/statm")) >> size >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// -1 where it may not be read (a process of somebody else, or one that is not dumpable).
long proportional_kib(const std::string& pid) {
  std::istringstream lines(read_all("/proc/" + pid + "/smaps_rollup"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Pss:")) return std::atol(line.c_str() + 4);
  }
  return -1;
}

Memory memory_now(const std::string& self) {
  std::vector<std::string> pids;
  add_descendants(self, pids);
  Memory sum;
  for (const std::string& pid : pids) {
    const long rss = resident_kib(pid);
    const long pss = proportional_kib(pid);
    sum.rss_kib += rss;
    sum.pss_kib += pss < 0 ? rss : pss;
    sum.processes += rss > 0 ? 1 : 0;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: measure REPORT SAMPLE_MS COMMAND..\n", stderr);
    return 64;
  }
  const long sample_ms = std::atol(argv[2]);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const std::string self = std::to_string(getpid());

  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    execvp(argv[3], argv + 3);
    std::perror(argv[3]);
    _exit(127);
  }
  Memory peak;
  int status = 0;
  while (waitpid(child, &status, sample_ms > 0 ? WNOHANG : 0) == 0) {
    const Memory now = memory_now(self);
    peak.pss_kib = std::max(peak.pss_kib, now.pss_kib);
    peak.rss_kib = std::max(peak.rss_kib, now.rss_kib);
    peak.processes = std::max(peak.processes, now.processes);
    std::this_thread::sleep_for(std::chrono::milliseconds(sample_ms));
  }
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
  while (waitpid(-1, nullptr, WNOHANG) > 0) {}
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const double cpu_ms = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                        static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;

  std::ofstream report(argv[1]);
  report << "wall_ms=" << wall.count() << " cpu_ms=" << cpu_ms << " peak_pss_kib=" << peak.pss_kib
         << " peak_rss_kib=" << peak.rss_kib << " processes=" << peak.processes << '\n';
  if (!report.flush()) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
