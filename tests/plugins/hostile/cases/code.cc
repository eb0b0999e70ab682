// Programs and code that are not the plugin's own.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

char* const kNone[] = {nullptr};

// Each proves itself by a file that it makes.
std::string script(const Scene& s) { return "echo " + s.word + " >" + s.out("ran"); }

void run_shell(const Scene& s) {
  const std::string text = script(s);
  char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>(text.c_str()), nullptr};
  ::execve("/bin/sh", arguments, kNone);
}

void* map(int protection, int flags, int fd = -1) {
  void* at = ::mmap(nullptr, 4096, protection, flags, fd, 0);
  return at == MAP_FAILED ? nullptr : at;
}

// One page of code that returns.
void* page_with_code() {
  auto* page = static_cast<unsigned char*>(map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS));
  if (page != nullptr) page[0] = 0xC3;
  return page;
}

int unnamed_program() {
  const int from = ::open("/bin/sh", O_RDONLY);
  const int to = static_cast<int>(::syscall(SYS_memfd_create, "x", 0U));
  char part[65536];
  for (ssize_t length = 0; (length = ::read(from, part, sizeof part)) > 0;)
    if (::write(to, part, static_cast<std::size_t>(length)) != length) break;
  return to;
}

const Case kCases[] = {
    {"execve", Evidence::changed, [](Scene& s) { run_shell(s); }},
    {"fork-and-execve", Evidence::changed,
     [](Scene& s) {
       const pid_t child = ::fork();
       if (child == 0) {
         run_shell(s);
         ::_exit(1);
       }
       if (child > 0) ::waitpid(child, nullptr, 0);
     }},
    {"vfork-and-execve", Evidence::changed,
     [](Scene& s) {
       pid_t child = -1;
       const std::string text = script(s);
       char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>(text.c_str()), nullptr};
       if (::posix_spawn(&child, "/bin/sh", nullptr, nullptr, arguments, kNone) == 0) ::waitpid(child, nullptr, 0);
     }},
    {"system", Evidence::changed, [](Scene& s) { (void)!::system(script(s).c_str()); }},
    {"execveat-path", Evidence::changed,
     [](Scene& s) {
       const std::string text = script(s);
       char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>(text.c_str()), nullptr};
       ::syscall(SYS_execveat, AT_FDCWD, "/bin/sh", arguments, kNone, 0);
     }},
    {"execveat-descriptor", Evidence::changed,
     [](Scene& s) {
       const std::string text = script(s);
       char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>(text.c_str()), nullptr};
       ::syscall(SYS_execveat, ::open("/bin/sh", O_PATH), "", arguments, kNone, AT_EMPTY_PATH);
     }},
    {"execve-script-in-grant", Evidence::changed,
     [](Scene& s) {
       const std::string program = s.in("program");
       char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
       ::execve(program.c_str(), arguments, kNone);
     }, "", kRead},
    {"execveat-script-in-grant", Evidence::changed,
     [](Scene& s) {
       char* const arguments[] = {const_cast<char*>("program"), nullptr};
       ::syscall(SYS_execveat, ::open(s.grant.c_str(), O_PATH | O_DIRECTORY), "program", arguments, kNone, 0);
     }, "", kRead},
    {"execve-unnamed-program", Evidence::changed,
     [](Scene& s) {
       const std::string text = script(s);
       char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>(text.c_str()), nullptr};
       ::syscall(SYS_execveat, unnamed_program(), "", arguments, kNone, AT_EMPTY_PATH);
     }},
    {"map-write-and-execute", Evidence::maps,
     [](Scene&) { map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS); }},
    {"map-execute", Evidence::maps, [](Scene&) { map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS); }},
    {"map-execute-shared", Evidence::maps, [](Scene&) { map(PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS); }},
    {"make-executable", Evidence::maps, [](Scene&) { ::mprotect(page_with_code(), 4096, PROT_READ | PROT_EXEC); }},
    {"make-writable-executable", Evidence::maps,
     [](Scene&) { ::mprotect(page_with_code(), 4096, PROT_READ | PROT_WRITE | PROT_EXEC); }},
    {"make-executable-by-key", Evidence::maps,
     [](Scene&) { ::syscall(SYS_pkey_mprotect, page_with_code(), 4096, PROT_READ | PROT_EXEC, -1); }},
    {"make-stack-executable", Evidence::maps,
     [](Scene&) {
       char here = 0;
       auto* page = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&here) & ~0xFFFUL);
       ::mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
     }},
    {"make-own-data-executable", Evidence::maps,
     [](Scene&) {
       static char data[8192] = {1};
       auto* page = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(data) + 4095) & ~0xFFFUL);
       ::mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
     }},
    {"make-own-code-writable", Evidence::maps,
     [](Scene&) {
       auto* page = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&page_with_code) & ~0xFFFUL);
       ::mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
     }},
    {"move-code", Evidence::maps,
     [](Scene&) {
       void* to = map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
       auto* page = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(&::ecvt) & ~0xFFFUL);  // nobody needs it
       ::mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to);
     }},
    {"map-file-of-grant", Evidence::maps,
     [](Scene& s) { map(PROT_READ | PROT_EXEC, MAP_PRIVATE, ::open(s.in("library").c_str(), O_RDONLY)); }, "", kRead},
    // 4 is the number that the one permitted mapping of code had.
    {"map-file-of-grant-as-the-plugin", Evidence::maps,
     [](Scene& s) {
       ::close(4);
       for (int fd = 0; fd >= 0 && fd < 4;) fd = ::open(s.in("library").c_str(), O_RDONLY);
       map(PROT_READ | PROT_EXEC, MAP_PRIVATE, 4);
     }, "", kRead},
    {"map-names-only-file-as-the-plugin", Evidence::maps,
     [](Scene& s) {
       ::close(4);
       for (int fd = 0; fd >= 0 && fd < 4;) fd = ::open(s.in("library").c_str(), O_RDONLY);
       map(PROT_READ | PROT_EXEC, MAP_PRIVATE, 4);
     }},
    {"map-shared-writable-as-the-plugin", Evidence::maps,
     [](Scene& s) {
       ::close(4);
       for (int fd = 0; fd >= 0 && fd < 4;) fd = ::open(s.in("library").c_str(), O_RDWR);
       map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, 4);
     }, "", kRead},
    {"map-unnamed-file-as-the-plugin", Evidence::maps,
     [](Scene&) {
       const int fd = static_cast<int>(::syscall(SYS_memfd_create, "x", 0U));
       (void)!::ftruncate(fd, 4096);
       if (fd != 4) ::dup2(fd, 4);
       map(PROT_READ | PROT_EXEC, MAP_PRIVATE, 4);
     }},
    {"load-library-of-grant", Evidence::maps, [](Scene& s) { ::dlopen(s.in("library").c_str(), RTLD_NOW); }, "", kRead},
    {"load-library-of-host", Evidence::maps,
     [](Scene&) {
       for (const char* name : {"libz.so.1", "libsqlite3.so.0", "libzstd.so.1", "liblzma.so.5"}) ::dlopen(name, RTLD_NOW);
     }},
    {"map-unnamed-file", Evidence::maps,
     [](Scene&) {
       const int fd = static_cast<int>(::syscall(SYS_memfd_create, "x", 0U));
       (void)!::ftruncate(fd, 4096);
       map(PROT_READ | PROT_EXEC, MAP_SHARED, fd);
     }},
    {"attach-executable-segment", Evidence::maps,
     [](Scene&) {
       const int id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
       ::shmat(id, nullptr, SHM_EXEC);
       ::shmctl(id, IPC_RMID, nullptr);
     }},
    {"reading-implies-executing", Evidence::maps,
     [](Scene&) {
       ::personality(READ_IMPLIES_EXEC);
       map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
     }},
    {"executable-heap", Evidence::maps,
     [](Scene&) {
       ::personality(READ_IMPLIES_EXEC);
       if (char* volatile kept = static_cast<char*>(::malloc(1 << 22)); kept != nullptr) *kept = 1;
     }},
    {"write-own-code-by-proc", Evidence::told,
     [](Scene& s) {
       // The function's first bytes, seen changed, are proof enough, and the secret is told only by the changed code.
       const int memory = ::open("/proc/self/mem", O_RDWR);
       const unsigned char code = 0x90;
       if (::pwrite(memory, &code, 1, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(&page_with_code))) == 1)
         s.tell_file(::open(s.out("secret").c_str(), O_RDONLY));
     }},
};

}  // namespace

std::span<const Case> code_cases() { return kCases; }

}  // namespace freshet::hostile
