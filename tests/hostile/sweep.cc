#include "tests/hostile/sweep.h"

#include <linux/audit.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <string>

#include "runtime/channel/end_reason.h"
#include "runtime/channel/role_process.h"
#include "runtime/sandbox/filter_book.h"
#include "runtime/sandbox/filter_compiler.h"
#include "tests/hostile/world.h"

namespace freshet::hostile {
namespace {

// What a worker may call, written down a second time: this list and the filter's must agree.
const std::set<long>& allowed() {
  static const std::set<long> calls = {
      SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_lseek, SYS_sendmsg, SYS_recvmsg, SYS_sendto, SYS_recvfrom,
      SYS_close, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_getdents64, SYS_fcntl, SYS_munmap, SYS_mremap, SYS_brk, SYS_madvise,
      SYS_mmap, SYS_mprotect, SYS_futex, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_gettimeofday, SYS_time,
      SYS_nanosleep, SYS_sched_yield, SYS_gettid, SYS_getpid, SYS_getrandom, SYS_poll, SYS_ppoll, SYS_rt_sigreturn,
      SYS_rt_sigprocmask, SYS_sigaltstack, SYS_restart_syscall, SYS_exit, SYS_openat, SYS_getcwd, SYS_clone, SYS_set_robust_list,
      SYS_rseq, SYS_tgkill, SYS_readlinkat};
  return calls;
}
// Answered with an error, and no breach.
const std::set<long>& answered() {
  static const std::set<long> calls = {SYS_sched_getaffinity, SYS_rt_sigaction, SYS_clone3, SYS_readlink};
  return calls;
}
// uretprobe and uprobe: the kernel keeps them from every filter, for only its own trampolines can use them; called by
// anybody else they are a SIGILL and an error.
const std::set<long>& never_filtered() {
  static const std::set<long> calls = {335, 336};
  return calls;
}
// Calls that change nothing, whoever makes them.
constexpr long kHarmless[] = {SYS_getuid, SYS_getppid, SYS_uname, SYS_times, SYS_getpgrp, SYS_sysinfo, SYS_getrusage, SYS_capget,
                              SYS_sched_getparam, SYS_getgroups, SYS_mincore, SYS_access, SYS_getsid};

struct Call {
  const char* entry;
  long number;
  long pattern;
};

std::vector<Call> all_calls() {
  std::vector<Call> out;
  const long strange[] = {-1, 1000, 4096, 0x3FFFFFFF, 0x7FFFFFFF};
  for (const long pattern : {0L, 1L, 2L}) {
    for (long number = 0; number < 480; ++number) out.push_back({"x86-64", number, pattern});
    for (const long number : strange) out.push_back({"x86-64", number, pattern});
  }
  for (long number = 0; number < 480; ++number) {
    out.push_back({"x32", number, 0});
    out.push_back({"x86", number, 0});
  }
  for (long number = 512; number < 560; ++number) out.push_back({"x32", number, 0});
  for (const long number : strange) out.push_back({"x86", number, 0});
  return out;
}

}  // namespace

int sweep(Mode& mode, const channel::PluginBytes& plugin) {
  static const Case kNoCase{"sweep", Evidence::changed, nullptr};
  World world(kNoCase, mode.uid);
  sandbox::FilterBook filters;
  std::vector<Call> calls;
  if (mode.on == kAllLayers) calls = all_calls();
  else for (const long number : kHarmless) calls.push_back({"x86-64", number, 0});
  int wrong = 0, breaches = 0, permitted = 0;
  for (const Call& call : calls) {
    channel::RoleRequest request;
    request.role = wire::Role::worker;
    request.roots = {&world.root()};
    request.areas = {".freshet"};
    request.limits = mode.limits;
    request.plugin_memfd = plugin.memfd.get();
    request.libraries = manifest::kAllLibraries;
    request.strict = mode.strict;
    request.uid = mode.uid;
    request.filters = &filters;
    const bool native = std::string_view(call.entry) == "x86-64";
    const bool may = native && (allowed().contains(call.number) || answered().contains(call.number));
    // A permitted one may well wait for ever, or end its thread.
    if (may) {
      ++permitted;
      continue;
    }
    auto worker = channel::RoleProcess::start(*mode.spawner, mode.support, request);
    if (!worker) {
      std::printf("NOT JUDGED  %s %ld: %s\n", call.entry, call.number, worker.error().what.c_str());
      ++wrong;
      continue;
    }
    wire::Load load;
    load.kind = "case";
    load.announced = {"case"};
    load.settings.push_back({.name = "scene",
                             .tag = wire::SettingTag::string,
                             .string = "\nentry=" + std::string(call.entry) + "\nnumber=" + std::to_string(call.number) +
                                       "\npattern=" + std::to_string(call.pattern) + "\ngrant=" + world.folder() + "/grant\n",
                             .strings = {}});
    (*worker)->send_message(load);
    bool came_back = false;
    while (const auto packet = (*worker)->receive({})) {
      wire::Loaded loaded;
      wire::ScanEnd end;
      if (wire::decode_message(*packet, loaded)) (*worker)->send_message(wire::Scan{1});
      else if (wire::decode_message(*packet, end)) {
        came_back = true;
        break;
      }
    }
    const channel::End end = (*worker)->finish();
    if (mode.on != kAllLayers) {
      if (came_back) ++breaches;
      else ++wrong, std::printf("STOPPED WITH EVERYTHING OFF  %s %ld: %s\n", call.entry, call.number, end.what.c_str());
      continue;
    }
    const std::uint32_t machine = std::string_view(call.entry) == "x86" ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    const int number = static_cast<int>(std::string_view(call.entry) == "x32" ? call.number | 0x40000000 : call.number);
    const std::string named = "called " + sandbox::call_name(machine, number);
    if (native && never_filtered().contains(call.number)) {
      ++permitted;
      continue;
    }
    // The end of a process of its own choice is not punished; it is known all the same.
    const bool ends_itself = native && call.number == SYS_exit_group && end.reason == channel::EndReason::plugin;
    if (ends_itself || (end.reason == channel::EndReason::breach && end.what.starts_with(named))) {
      ++breaches;
      continue;
    }
    ++wrong;
    std::printf("GOT THROUGH  %s %ld (pattern %ld, %s): %s %s\n", call.entry, call.number, call.pattern, named.c_str(),
                std::string(to_string(end.reason)).c_str(), end.what.c_str());
  }
  if (const std::string changed = world.changed(); !changed.empty()) ++wrong, std::printf("CHANGED  %s\n", changed.c_str());
  std::printf("sweep: %zu calls, %d %s, %d permitted, %d wrong\n", calls.size(), breaches, mode.on == kAllLayers ? "breaches" : "succeed",
              permitted, wrong);
  return wrong == 0 && breaches > 0 ? 0 : 1;
}

}  // namespace freshet::hostile
