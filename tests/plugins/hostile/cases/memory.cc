// Other processes' memory and descriptors.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

std::string proc(const Scene& s, const char* name) { return "/proc/" + std::to_string(s.victim) + "/" + name; }

int open_proc(const Scene& s, const char* name, int flags = O_RDONLY) { return ::open(proc(s, name).c_str(), flags); }

const Case kCases[] = {
    {"ptrace-attach", Evidence::victim, [](Scene& s) { ::ptrace(PTRACE_ATTACH, s.victim, nullptr, nullptr); }},
    {"ptrace-seize", Evidence::victim, [](Scene& s) { ::ptrace(PTRACE_SEIZE, s.victim, nullptr, nullptr); }},
    {"process-vm-readv", Evidence::told,
     [](Scene& s) {
       char text[64] = {};
       iovec here{text, sizeof text}, there{reinterpret_cast<void*>(s.victim_buffer), sizeof text};
       if (::process_vm_readv(static_cast<pid_t>(s.victim), &here, 1, &there, 1, 0) > 0) s.tell({text, sizeof text});
     }},
    {"process-vm-writev", Evidence::victim,
     [](Scene& s) {
       char text[] = "overwritten";
       iovec here{text, sizeof text}, there{reinterpret_cast<void*>(s.victim_buffer), sizeof text};
       ::process_vm_writev(static_cast<pid_t>(s.victim), &here, 1, &there, 1, 0);
     }},
    {"proc-mem-read", Evidence::told,
     [](Scene& s) {
       char text[64] = {};
       if (::pread(open_proc(s, "mem"), text, sizeof text, static_cast<off_t>(s.victim_buffer)) > 0) s.tell({text, sizeof text});
     }},
    {"proc-mem-write", Evidence::victim,
     [](Scene& s) { (void)!::pwrite(open_proc(s, "mem", O_RDWR), "overwritten", 11, static_cast<off_t>(s.victim_buffer)); }},
    {"pidfd-getfd", Evidence::told,
     [](Scene& s) {
       const long pidfd = ::syscall(SYS_pidfd_open, s.victim, 0);
       const int fd = static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, s.victim_fd, 0));
       ::lseek(fd, 0, SEEK_SET);
       s.tell_file(fd);
     }},
    {"proc-descriptor", Evidence::told,
     [](Scene& s) { s.tell_file(::open((proc(s, "fd/") + std::to_string(s.victim_fd)).c_str(), O_RDONLY)); }},
    {"proc-root", Evidence::told,
     [](Scene& s) { s.tell_file(::open((proc(s, "root") + s.outside + "/secret").c_str(), O_RDONLY)); }},
    {"proc-working-directory", Evidence::told,
     [](Scene& s) { s.tell_file(::open((proc(s, "cwd") + "/../secret").c_str(), O_RDONLY)); }},
    {"proc-environment", Evidence::told, [](Scene& s) { s.tell_file(open_proc(s, "environ")); }},
    {"proc-command-line", Evidence::told, [](Scene& s) { s.tell_file(open_proc(s, "cmdline")); }},
    {"name-of-other-by-proc", Evidence::victim,
     [](Scene& s) { (void)!::write(open_proc(s, "comm", O_WRONLY), "renamed", 7); }, "", 0,
     "a rule that only threads of the process may write there"},
    {"memory-of-manager", Evidence::told,
     [](Scene& s) {
       // The peer of the socket, whoever it is: its command line names this program.
       const int parent = static_cast<int>(::syscall(SYS_getppid));
       s.tell_file(::open(("/proc/" + std::to_string(parent) + "/environ").c_str(), O_RDONLY));
     }},
};

}  // namespace

std::span<const Case> memory_cases() { return kCases; }

}  // namespace freshet::hostile
