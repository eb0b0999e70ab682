// What an honest plugin does, which must succeed in every mode: a sandbox in which nothing works proves nothing.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <stdexcept>
#include <thread>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

// The whole grant by the host's functions; the entry `file` is proposed.
void walk(Scene& s, freshet_dir* directory, std::string& names) {
  freshet_entry entry{};
  entry.size = sizeof entry;
  while (s.host->dir_next(s.host, directory, &entry) == FRESHET_OK) {
    const std::string name(entry.name.data, entry.name.length);
    names += name + "\n";
    if (name == "file") {
      freshet_finding finding{};
      finding.size = sizeof finding;
      finding.directory = directory;
      finding.entry = &entry;
      finding.kind = FRESHET_AGED;
      finding.cost = FRESHET_REGENERABLE;
      finding.reason = {"because", 7};
      s.host->emit_finding(s.host, &finding);
    }
    freshet_dir* below = nullptr;
    if (entry.type == FRESHET_DIRECTORY &&
        s.host->dir_open(s.host, 0, directory, entry.name, &below) == FRESHET_OK) {
      walk(s, below, names);
      s.host->dir_close(s.host, below);
    }
    entry.size = sizeof entry;
  }
}

const Case kCases[] = {
    {"lists-its-grant", Evidence::control,
     [](Scene& s) {
       std::string names;
       freshet_dir* top = nullptr;
       if (s.host->dir_open(s.host, 0, nullptr, {nullptr, 0}, &top) != FRESHET_OK) return;
       walk(s, top, names);
       s.host->dir_close(s.host, top);
       s.tell(names);
     }, "finding"},
    {"lists-by-libc", Evidence::control, [](Scene& s) { s.tell_names(s.in("dir")); }},
    {"stats-in-its-grant", Evidence::control,
     [](Scene& s) {
       struct stat info {};
       if (::stat(s.in("dir/inner").c_str(), &info) == 0) s.tell(std::to_string(info.st_mtim.tv_nsec));
     }},
    {"reads-what-it-may-read", Evidence::control,
     [](Scene& s) { s.tell_file(::open(s.in("file").c_str(), O_RDONLY)); }, "", kRead},
    {"threads-exceptions-and-memory", Evidence::control,
     [](Scene& s) {
       std::thread([] {
         try {
           throw std::runtime_error("x");
         } catch (const std::exception&) {
         }
       }).join();
       std::string large(8 << 20, 'x');
       s.tell_names(s.in("dir"));
     }},
};

}  // namespace

std::span<const Case> control_cases() { return kCases; }

void make_call(std::string_view entry, long number, long pattern) {
  static char buffer[4096];
  const long all[3] = {0, -1, reinterpret_cast<long>(buffer)};
  const long a = all[pattern % 3];
  if (entry == "x86") {
    long result = number;
    // Pointers do not fit: zeros and ones only.
    const int b = static_cast<int>(pattern == 2 ? 1 : a);
    asm volatile("int $0x80" : "+a"(result) : "b"(static_cast<long>(b)), "c"(static_cast<long>(b)), "d"(static_cast<long>(b)) : "memory");
  } else {
    if (entry == "x32") number |= 0x40000000;
    register long r10 asm("r10") = a;
    register long r8 asm("r8") = a;
    register long r9 asm("r9") = a;
    long result = number;
    asm volatile("syscall" : "+a"(result) : "D"(a), "S"(a), "d"(a), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  }
}

}  // namespace freshet::hostile
