// Interfaces of the kernel that nobody needs to read a tree, and the sandbox itself.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include <cstring>
#include <signal.h>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

void leave(Scene& s, int flag) {
  (void)s;
  ::syscall(SYS_unshare, flag);
}

// A ring of its own that opens, and so makes, a file: no system call that a filter could look at.
void make_file_by_ring(Scene& s) {
  io_uring_params parameters{};
  const int ring = static_cast<int>(::syscall(SYS_io_uring_setup, 2, &parameters));
  if (ring < 0) return;
  const std::size_t size = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
  auto* queue = static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING));
  auto* entries = static_cast<io_uring_sqe*>(::mmap(nullptr, parameters.sq_entries * sizeof(io_uring_sqe),
                                                    PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES));
  if (queue == MAP_FAILED || entries == MAP_FAILED) return;
  const std::string path = s.in("new");
  io_uring_sqe& entry = entries[0];
  std::memset(&entry, 0, sizeof entry);
  entry.opcode = IORING_OP_OPENAT;
  entry.fd = AT_FDCWD;
  entry.addr = reinterpret_cast<std::uint64_t>(path.c_str());
  entry.open_flags = O_WRONLY | O_CREAT;
  entry.len = 0666;
  reinterpret_cast<unsigned*>(queue + parameters.sq_off.array)[0] = 0;
  __atomic_fetch_add(reinterpret_cast<unsigned*>(queue + parameters.sq_off.tail), 1U, __ATOMIC_RELEASE);
  ::syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0);
}

void set_capability(int which) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  ::syscall(SYS_capget, &header, data);
  data[0].inheritable = data[0].permitted;
  data[0].effective &= ~(1U << which);
  ::syscall(SYS_capset, &header, data);
}

void set_filter(bool by_prctl) {
  sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  sock_fprog program{1, allow};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (by_prctl) ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  else ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

void handle(int) {}

const Case kCases[] = {
    // ---- whole machines behind one call ----
    {"bpf-map", Evidence::holds,
     [](Scene&) {
       bpf_attr map{};
       map.map_type = BPF_MAP_TYPE_ARRAY;
       map.key_size = 4, map.value_size = 8, map.max_entries = 1;
       ::syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
     }, "bpf-map", kRoot},
    {"bpf-program", Evidence::holds,
     [](Scene&) {
       const bpf_insn code[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
       bpf_attr program{};
       program.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
       program.insn_cnt = 2;
       program.insns = reinterpret_cast<std::uint64_t>(code);
       program.license = reinterpret_cast<std::uint64_t>("GPL");
       ::syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program);
     }, "bpf-prog", kRoot},
    {"perf-event-of-itself", Evidence::holds,
     [](Scene&) {
       perf_event_attr event{};
       event.size = sizeof event;
       event.type = PERF_TYPE_SOFTWARE;
       event.config = PERF_COUNT_SW_CPU_CLOCK;
       event.exclude_kernel = event.exclude_hv = 1;
       ::syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
     }, "perf_event"},
    {"perf-event-of-machine", Evidence::holds,
     [](Scene&) {
       perf_event_attr event{};
       event.size = sizeof event;
       event.type = PERF_TYPE_SOFTWARE;
       event.config = PERF_COUNT_SW_CPU_CLOCK;
       ::syscall(SYS_perf_event_open, &event, -1, 0, -1, 0);
     }, "perf_event", kRoot},
    {"io-uring", Evidence::holds, [](Scene&) { io_uring_params p{}; ::syscall(SYS_io_uring_setup, 1, &p); }, "io_uring"},
    {"io-uring-makes-a-file", Evidence::changed, make_file_by_ring},
    {"asynchronous-io", Evidence::state, [](Scene&) { unsigned long context = 0; ::syscall(SYS_io_setup, 1, &context); }, "maps:[aio]"},
    {"userfaultfd", Evidence::holds, [](Scene&) { ::syscall(SYS_userfaultfd, 1); }, "userfaultfd"},
    {"userfaultfd-of-kernel", Evidence::holds, [](Scene&) { ::syscall(SYS_userfaultfd, 0); }, "userfaultfd", kRoot},
    {"userfaultfd-device", Evidence::holds, [](Scene&) { (void)::open("/dev/userfaultfd", O_RDWR); }, "userfaultfd", kRoot, "/dev/userfaultfd"},
    {"kernel-log", Evidence::told,
     [](Scene& s) {
       static char text[1 << 18];
       const int length = static_cast<int>(::syscall(SYS_syslog, 3, text, sizeof text));
       const std::string_view all(text, length > 0 ? static_cast<std::size_t>(length) : 0);
       for (std::size_t at = all.size() > 40'000 ? all.size() - 40'000 : 0; at < all.size(); at += 500) s.tell(all.substr(at, 1000));
     }, "", kRoot},
    {"write-kernel-log", Evidence::holds, [](Scene&) { (void)::open("/dev/kmsg", O_WRONLY); }, "/dev/kmsg", kRoot},
    {"physical-memory", Evidence::holds, [](Scene&) { (void)::open("/dev/mem", O_RDONLY); }, "/dev/mem", kRoot, "/dev/mem"},
    {"terminal-device", Evidence::holds, [](Scene&) { (void)::open("/dev/ptmx", O_RDWR); }, "/dev/", 0, nullptr},
    {"fuse-device", Evidence::holds, [](Scene&) { (void)::open("/dev/fuse", O_RDWR); }, "/dev/fuse", 0, "/dev/fuse"},
    {"sysctl-file", Evidence::holds, [](Scene&) { (void)::open("/proc/sys/kernel/hostname", O_WRONLY); }, "hostname", kRoot},
    // ---- mounts ----
    {"mount-tmpfs", Evidence::state, [](Scene& s) { ::mount("none", s.in("dir").c_str(), "tmpfs", 0, nullptr); }, "mountinfo", kRoot},
    {"mount-proc", Evidence::state, [](Scene& s) { ::mount("proc", s.in("dir").c_str(), "proc", 0, nullptr); }, "mountinfo", kRoot},
    {"bind-outside-in", Evidence::state,
     [](Scene& s) { ::mount(s.outside.c_str(), s.in("dir").c_str(), nullptr, MS_BIND, nullptr); }, "mountinfo", kRoot},
    {"bind-itself", Evidence::state,
     [](Scene& s) { ::mount(s.grant.c_str(), s.in("dir").c_str(), nullptr, MS_BIND, nullptr); }, "mountinfo", kRoot},
    {"remount-writable", Evidence::changed,
     [](Scene& s) {
       ::mount(nullptr, s.grant.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr);
       ::mkdir(s.in("new").c_str(), 0777);
     }},
    {"mount-setattr-writable", Evidence::changed,
     [](Scene& s) {
       mount_attr attributes{};
       attributes.attr_clr = MOUNT_ATTR_RDONLY;
       ::syscall(SYS_mount_setattr, AT_FDCWD, s.grant.c_str(), 0, &attributes, sizeof attributes);
       ::mkdir(s.in("new").c_str(), 0777);
     }},
    {"unmount-cover", Evidence::told,
     [](Scene& s) {
       ::umount2(s.in("excluded").c_str(), MNT_DETACH);
       s.tell_names(s.in("excluded"));
     }},
    {"unmount-root-and-look-below", Evidence::told,
     [](Scene& s) {
       ::umount2(s.grant.c_str(), MNT_DETACH);
       s.tell_file(::open(s.out("secret").c_str(), O_RDONLY));
     }},
    {"open-tree", Evidence::holds, [](Scene& s) { ::syscall(SYS_open_tree, AT_FDCWD, s.grant.c_str(), 0); }, "grant"},
    {"open-tree-clone", Evidence::holds, [](Scene& s) { ::syscall(SYS_open_tree, AT_FDCWD, s.grant.c_str(), 1); }, "/", kRoot},
    {"fsopen", Evidence::holds, [](Scene&) { ::syscall(SYS_fsopen, "tmpfs", 0); }, "[fscontext]", kRoot},
    {"fspick", Evidence::holds, [](Scene&) { ::syscall(SYS_fspick, AT_FDCWD, "/", 0); }, "[fscontext]", kRoot},
    {"move-mount", Evidence::state,
     [](Scene& s) {
       const long tree = ::syscall(SYS_open_tree, AT_FDCWD, s.grant.c_str(), 1);
       ::syscall(SYS_move_mount, tree, "", AT_FDCWD, s.in("dir").c_str(), 4);
     }, "mountinfo", kRoot},
    {"chroot", Evidence::state, [](Scene& s) { (void)!::chroot(s.grant.c_str()); }, "root", kRoot},
    {"chroot-and-out", Evidence::told,
     [](Scene& s) {
       const int here = ::open("/", O_RDONLY | O_DIRECTORY);
       if (::chroot(s.grant.c_str()) != 0 || ::fchdir(here) != 0) return;
       s.tell_file(::open((std::string("../../../../../../../..") + s.outside + "/secret").c_str(), O_RDONLY));
     }, "", kRoot},
    {"change-directory", Evidence::state, [](Scene& s) { (void)!::chdir(s.grant.c_str()); }, "cwd"},
    {"change-directory-by-descriptor", Evidence::state,
     [](Scene& s) { (void)!::fchdir(::open(s.grant.c_str(), O_PATH | O_DIRECTORY)); }, "cwd"},
    {"list-mounts", Evidence::told,
     [](Scene& s) {
       const int fd = ::open("/proc/self/mounts", O_RDONLY);
       for (int i = 0; i < 20; ++i) s.tell_file(fd);
     }, "", kRoot},
    // ---- namespaces ----
    {"leave-user-namespace", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWUSER); }, "ns/user"},
    {"leave-mount-namespace", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWNS); }, "ns/mnt", kRoot},
    {"leave-by-user-namespace", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWUSER | CLONE_NEWNS); }, "ns/mnt"},
    {"leave-network", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWNET); }, "ns/net", kRoot},
    {"leave-ipc", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWIPC); }, "ns/ipc", kRoot},
    {"leave-uts", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWUTS); }, "ns/uts", kRoot},
    {"leave-cgroup", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWCGROUP); }, "ns/cgroup", kRoot},
    {"leave-pids", Evidence::state, [](Scene& s) { leave(s, CLONE_NEWPID); }, "ns/pid_for_children", kRoot},
    {"join-namespaces-of-other", Evidence::told,
     [](Scene& s) {
       const long pidfd = ::syscall(SYS_pidfd_open, s.victim, 0);
       ::syscall(SYS_setns, pidfd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC);
       s.tell_file(::open(s.out("secret").c_str(), O_RDONLY));
     }},
    {"host-name", Evidence::changed, [](Scene& s) { (void)!::sethostname(s.word.c_str(), 8); }, "", kRoot},
    {"domain-name", Evidence::changed, [](Scene& s) { (void)!::setdomainname(s.word.c_str(), 8); }, "", kRoot},
    // ---- who it is ----
    {"become-another-user", Evidence::state, [](Scene&) { (void)!::setresuid(12345, 12345, 12345); }, "status:Uid", kRoot},
    {"become-another-group", Evidence::state, [](Scene&) { (void)!::setresgid(12345, 12345, 12345); }, "status:Gid", kRoot},
    {"become-another-user-for-files", Evidence::state, [](Scene&) { ::setfsuid(12345); }, "status:Uid", kRoot},
    {"join-groups", Evidence::state,
     [](Scene&) { const gid_t groups[] = {12345}; ::syscall(SYS_setgroups, 1, groups); }, "status:Groups", kRoot},
    {"raise-inheritable", Evidence::state, [](Scene&) { set_capability(31); }, "status:CapInh", kRoot},
    {"keep-capabilities", Evidence::state, [](Scene&) { ::prctl(PR_CAPBSET_DROP, 33, 0, 0, 0); }, "status:CapBnd", kRoot},
    {"no-new-privileges", Evidence::state, [](Scene&) { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }, "status:NoNewPrivs", 0,
     "a worker that was started without it"},
    {"filter-of-its-own", Evidence::state, [](Scene&) { set_filter(false); }, "status:Seccomp_filters"},
    {"filter-by-prctl", Evidence::state, [](Scene&) { set_filter(true); }, "status:Seccomp_filters"},
    {"filter-with-listener", Evidence::holds,
     [](Scene&) {
       sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
       sock_fprog program{1, allow};
       ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
       ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
     }, "seccomp"},
    {"landlock-of-its-own", Evidence::holds,
     [](Scene&) {
       struct { std::uint64_t fs = 1; } rules;
       ::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
     }, "landlock"},
    {"rename-itself", Evidence::state, [](Scene&) { ::prctl(PR_SET_NAME, "innocent"); }, "comm"},
    {"timer-slack", Evidence::state, [](Scene&) { ::prctl(PR_SET_TIMERSLACK, 1); }, "timerslack_ns", kRoot},
    {"personality", Evidence::state, [](Scene&) { ::personality(ADDR_NO_RANDOMIZE); }, "personality"},
    {"umask", Evidence::state, [](Scene&) { ::umask(0123); }, "status:Umask"},
    {"signal-handler", Evidence::state, [](Scene&) { ::signal(SIGUSR2, handle); }, "status:SigCgt"},
    {"ignored-signal", Evidence::state, [](Scene&) { ::signal(SIGUSR2, SIG_IGN); }, "status:SigIgn"},
    {"raise-limit", Evidence::state,
     [](Scene&) {
       rlimit now{};
       ::getrlimit(RLIMIT_NOFILE, &now);
       now.rlim_cur = now.rlim_max = now.rlim_max + 1;
       ::setrlimit(RLIMIT_NOFILE, &now);
     }, "limits", kRoot, "CAP_SYS_RESOURCE"},
    {"lower-limit", Evidence::state,
     [](Scene&) {
       const rlimit low{3, 3};
       ::setrlimit(RLIMIT_CORE, &low);
       const rlimit zero{0, 0};
       ::setrlimit(RLIMIT_MSGQUEUE, &zero);
       ::setrlimit(RLIMIT_SIGPENDING, &zero);
     }, "limits"},
    {"affinity-of-itself", Evidence::state,
     [](Scene&) {
       cpu_set_t one;
       CPU_ZERO(&one);
       CPU_SET(0, &one);
       ::sched_setaffinity(0, sizeof one, &one);
     }, "status:Cpus_allowed", 0, "two processors"},
    {"scheduler-of-itself", Evidence::state,
     [](Scene&) { const sched_param none{}; ::sched_setscheduler(0, SCHED_BATCH, &none); }, "policy"},
    {"lock-memory", Evidence::state, [](Scene&) { static char page[8192]; ::mlock(page, sizeof page); }, "status:VmLck"},
    {"lock-all-memory", Evidence::state, [](Scene&) { ::mlockall(MCL_CURRENT); }, "status:VmLck", kRoot},
    {"lock-memory-on-mapping", Evidence::state,
     [](Scene&) { (void)::mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0); }, "status:VmLck"},
    {"timer", Evidence::state, [](Scene&) { timer_t timer{}; ::timer_create(CLOCK_MONOTONIC, nullptr, &timer); }, "timers"},
};

}  // namespace

std::span<const Case> kernel_cases() { return kCases; }

}  // namespace freshet::hostile
