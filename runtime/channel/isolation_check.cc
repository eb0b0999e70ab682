#include "runtime/channel/isolation_check.h"

#include <sys/syscall.h>

#include <cerrno>
#include <map>

#include "runtime/base/bytes.h"
#include "runtime/sandbox/filter_compiler.h"

namespace freshet::channel {
namespace {

using wire::Attempt;

constexpr int kX32 = 0x40000000;

// Either `error_number` is the answer that only the right layer gives, or `number` is the call that must arrive here.
struct Row {
  Attempt attempt;
  const char* name;
  int error_number;
  int number;
};

constexpr Row answered(Attempt attempt, const char* name, int error_number) { return {attempt, name, error_number, -1}; }
constexpr Row refused(Attempt attempt, const char* name, int number) { return {attempt, name, 0, number}; }

constexpr Row kRows[] = {
    answered(Attempt::open_outside, "open a file outside", ENOENT),                     // private root
    answered(Attempt::look_outside, "see that a file outside exists", ENOENT),          // private root
    answered(Attempt::list_top, "list the top of its own root", EACCES),                // Landlock
    answered(Attempt::read_beside_grant, "read a file that nothing grants", EACCES),    // Landlock
    answered(Attempt::read_contents, "read contents that are not granted", EACCES),     // Landlock
    answered(Attempt::list_excluded, "see what is excluded", ENOENT),                   // its cover
    answered(Attempt::list_quarantine, "see the quarantine", ENOENT),                   // its cover
    refused(Attempt::write_grant, "create a file in the grant", SYS_openat),
    refused(Attempt::write_outside, "create a file outside the grant", SYS_openat),
    refused(Attempt::write_existing, "open a file for writing", SYS_openat),
    refused(Attempt::make_directory, "make a directory", SYS_mkdirat),
    refused(Attempt::remove, "remove a file", SYS_unlinkat),
    refused(Attempt::rename, "rename a file", SYS_renameat2),
    refused(Attempt::link, "link a file", SYS_linkat),
    refused(Attempt::change_mode, "change a mode", SYS_fchmodat),
    refused(Attempt::change_owner, "change an owner", SYS_fchownat),
    refused(Attempt::truncate, "truncate a file", SYS_truncate),
    refused(Attempt::set_times, "set times", SYS_utimensat),
    refused(Attempt::set_attribute, "set an extended attribute", SYS_lsetxattr),
    refused(Attempt::connect, "connect", SYS_connect),
    refused(Attempt::socket_internet, "make an internet socket", SYS_socket),
    refused(Attempt::socket_unix, "make a unix socket", SYS_socket),
    refused(Attempt::socket_raw, "make a raw socket", SYS_socket),
    refused(Attempt::socket_netlink, "make a netlink socket", SYS_socket),
    refused(Attempt::execute, "execute a program", SYS_execve),
    refused(Attempt::fork, "make a process", SYS_clone),
    refused(Attempt::signal, "send a signal", SYS_kill),
    refused(Attempt::signal_by_pidfd, "take a handle of a process", SYS_pidfd_open),
    refused(Attempt::trace, "trace a process", SYS_ptrace),
    refused(Attempt::read_memory, "read another's memory", SYS_process_vm_readv),
    refused(Attempt::mount, "mount", SYS_mount),
    refused(Attempt::mount_by_descriptor, "clone a mount", SYS_open_tree),
    refused(Attempt::change_root, "change its root", SYS_chroot),
    refused(Attempt::enter_namespace, "enter a namespace", SYS_setns),
    refused(Attempt::make_namespace, "make a namespace", SYS_unshare),
    refused(Attempt::open_by_handle, "open a file by its handle", SYS_open_by_handle_at),
    refused(Attempt::executable_memory, "map memory that is writable and executable", SYS_mmap),
    refused(Attempt::memory_file, "make a file in memory", SYS_memfd_create),
    refused(Attempt::shared_memory, "make shared memory", SYS_shmget),
    refused(Attempt::keyring, "use a keyring", SYS_keyctl),
    refused(Attempt::load_bpf, "load a BPF program", SYS_bpf),
    refused(Attempt::watch_performance, "use performance counters", SYS_perf_event_open),
    refused(Attempt::asynchronous_io, "use io_uring", SYS_io_uring_setup),
    refused(Attempt::page_faults, "handle page faults", SYS_userfaultfd),
    refused(Attempt::watch_files, "watch files", SYS_inotify_init1),
    refused(Attempt::change_ids, "change its ids", SYS_setresuid),
    refused(Attempt::change_capabilities, "change its capabilities", SYS_capset),
    refused(Attempt::change_own_lock, "add a filter of its own", SYS_seccomp),
    refused(Attempt::set_clock, "set the clock", SYS_clock_settime),
    refused(Attempt::load_module, "load a kernel module", SYS_finit_module),
    refused(Attempt::foreign_call, "call by the x32 numbers", kX32 + SYS_getppid),
};

const Row* find_row(Attempt attempt) {
  for (const Row& row : kRows)
    if (row.attempt == attempt) return &row;
  return nullptr;
}

std::string answer(int error_number) { return error_number == 0 ? "it worked" : errno_text(error_number); }

// Whether the call is among those that arrived from `cursor` on; moves the cursor behind it.
bool arrived(const std::vector<sandbox::Notification>& calls, int number, std::size_t& cursor) {
  for (std::size_t i = cursor; i < calls.size(); ++i) {
    if (calls[i].number != number || calls[i].architecture != sandbox::kNativeArchitecture) continue;
    cursor = i + 1;
    return true;
  }
  return false;
}

}  // namespace

std::vector<CheckedPoint> judge_proof(const Proof& proof, const std::vector<std::string>& roots) {
  std::vector<CheckedPoint> out;
  std::map<Attempt, bool> seen;
  std::size_t cursor = 0;
  for (const wire::Tried& tried : proof.said.tried) {
    const Row* row = find_row(tried.attempt);
    if (row == nullptr) continue;
    seen[tried.attempt] = true;
    CheckedPoint point;
    point.name = row->name;
    if (tried.root < roots.size()) point.name += " (" + escape_bytes(roots[tried.root]) + ")";
    if (row->number < 0) {
      point.expected = answer(row->error_number);
      point.seen = answer(tried.error_number);
      point.passed = tried.error_number == row->error_number;
    } else {
      const std::string call = sandbox::call_name(sandbox::kNativeArchitecture, row->number);
      const bool here = arrived(proof.calls, row->number, cursor);
      point.expected = "refused, and " + call + " reported";
      point.seen = answer(tried.error_number) + (here ? ", and " + call + " reported" : ", not reported");
      point.passed = here && tried.error_number == EPERM;
    }
    out.push_back(std::move(point));
  }
  // What a probe leaves out it has not proved. Contents, excludes and areas are not everywhere.
  for (const Row& row : kRows) {
    if (seen[row.attempt] || row.attempt == Attempt::read_contents || row.attempt == Attempt::list_excluded ||
        row.attempt == Attempt::list_quarantine || (row.attempt == Attempt::write_grant && roots.empty()))
      continue;
    out.push_back({row.name, row.number < 0 ? answer(row.error_number) : "refused", "not tried", false});
  }
  out.push_back({"descriptors it can use", "4", std::to_string(proof.said.descriptors), proof.said.descriptors == 4});
  return out;
}

}  // namespace freshet::channel
