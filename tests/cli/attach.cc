// attach PID ADDRESS: attaches to a process as a debugger does, looks whether a shared object is mapped at the address, and
// lets it go on until it has ended. Exit 0 when all of this could be done.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const pid_t pid = std::atoi(argv[1]);
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0 || ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) return 1;
  int status = 0;
  if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) return 2;
  errno = 0;
  const long word = ptrace(PTRACE_PEEKDATA, pid, reinterpret_cast<void*>(std::strtoull(argv[2], nullptr, 16)), nullptr);
  if (errno != 0 || std::memcmp(&word, "\177ELF", 4) != 0) return 3;
  if (ptrace(PTRACE_CONT, pid, nullptr, nullptr) != 0) return 4;
  while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) ptrace(PTRACE_CONT, pid, nullptr, nullptr);
  return 0;
}
