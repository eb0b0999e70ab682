#include "tests/hostile/world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/hostile/mode.h"

namespace freshet::hostile {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecretVariable = "FRESHET_HOSTILE_SECRET";
constexpr int kVictimFd = 33;
constexpr int kInheritedFd = 24;

std::string g_secret;  // NOLINT: of the program, constant after prepare_observer
std::string g_folder;
std::string g_library;
std::string g_host_name;
int g_terminal = -1, g_terminal_end = -1;  // master, slave

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "the observer: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(2);
}

std::uint64_t random_number() {
  std::uint64_t out = 0;
  if (::getrandom(&out, sizeof out, 0) != sizeof out) die("getrandom");
  return out;
}

std::string random_word(const char* before) {
  char text[32];
  std::snprintf(text, sizeof text, "%s%016llx", before, static_cast<unsigned long long>(random_number()));
  return text;
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string link_of(const std::string& path) {
  char text[4096];
  const ssize_t length = ::readlink(path.c_str(), text, sizeof text);
  return length < 0 ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

std::string line_of(const std::string& text, const std::string& name) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":")) return line.substr(name.size() + 1);
  return {};
}

// Field of /proc/<pid>/stat, counted from 1 as proc(5) does.
std::string stat_field(pid_t pid, int number) {
  const std::string text = read_all("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream in(text.substr(end + 1));
  std::string field;
  for (int i = 3; i <= number; ++i) in >> field;
  return field;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> out;
  // A list of each thread's where the kernel has one, else a look at every process.
  std::error_code error;
  bool listed = false;
  for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(parent) + "/task", error)) {
    std::ifstream list(thread.path() / "children");
    listed = listed || list.is_open();
    for (pid_t pid = 0; list >> pid;) out.push_back(pid);
  }
  if (listed || error) return out;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    if (pid > 0 && stat_field(pid, 4) == std::to_string(parent)) out.push_back(pid);
  }
  return out;
}

void make_file(const std::string& path, const std::string& content, unsigned mode = 0666) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd || ::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) die(path);
  ::fchmod(fd.get(), mode);
}

void make_directory(const std::string& path, unsigned mode = 0777) {
  if (::mkdir(path.c_str(), 0700) != 0) die(path);
  ::chmod(path.c_str(), mode);
}

// Old, and the secret is in the last nine digits.
void set_times(const std::string& path, long nanoseconds) {
  const timespec times[2] = {{1'500'000'000, 0}, {1'500'000'000, nanoseconds}};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

std::string attributes_of(const std::string& path) {
  char names[1024];
  const ssize_t length = ::llistxattr(path.c_str(), names, sizeof names);
  std::string out;
  for (ssize_t at = 0; at < length; at += static_cast<ssize_t>(std::strlen(names + at)) + 1) {
    char value[256];
    const ssize_t size = ::lgetxattr(path.c_str(), names + at, value, sizeof value);
    out += std::string(names + at) + "=" + std::string(value, size > 0 ? static_cast<std::size_t>(size) : 0) + ",";
  }
  return out;
}

// Of a tree in which somebody may still be at work: one look that broke off is followed by another.
std::vector<fs::path> list(const std::string& top) {
  std::vector<fs::path> out;
  for (int tries = 0; tries < 100; ++tries) {
    out.clear();
    std::error_code error;
    for (fs::recursive_directory_iterator at(top, error), end; !error && at != end; at.increment(error)) out.push_back(at->path());
    if (!error) break;
    ::usleep(1000);
  }
  return out;
}

std::string snapshot(const std::string& top) {
  std::vector<std::string> lines;
  for (const fs::path& path : list(top)) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) continue;
    char text[256];
    std::snprintf(text, sizeof text, " %o %u:%u %lld %lld.%09ld %lld.%09ld ", info.st_mode, info.st_uid, info.st_gid,
                  static_cast<long long>(S_ISDIR(info.st_mode) ? 0 : info.st_size), static_cast<long long>(info.st_mtim.tv_sec),
                  info.st_mtim.tv_nsec, static_cast<long long>(info.st_ctim.tv_sec), info.st_ctim.tv_nsec);
    lines.push_back(path.string() + text + attributes_of(path));
  }
  std::sort(lines.begin(), lines.end());
  utsname name{};
  ::uname(&name);
  std::string out = std::string("host ") + name.nodename + " " + name.domainname + "\n";
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

// The first line that is in one of them only.
std::string difference(const std::string& before, const std::string& after) {
  std::istringstream old_text(before), new_text(after);
  std::set<std::string> old_lines, new_lines;
  for (std::string line; std::getline(old_text, line);) old_lines.insert(line);
  for (std::string line; std::getline(new_text, line);) new_lines.insert(line);
  for (const std::string& line : new_lines)
    if (!old_lines.contains(line)) return "now: " + line;
  for (const std::string& line : old_lines)
    if (!new_lines.contains(line)) return "gone: " + line;
  return {};
}

Fd ear(int family, int type, const sockaddr* address, socklen_t length) {
  Fd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), address, length) != 0) return Fd();
  if (type == SOCK_STREAM && ::listen(fd.get(), 8) != 0) return Fd();
  return fd;
}

Fd internet_ear(int type, int& port) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd fd = ear(AF_INET, type, reinterpret_cast<sockaddr*>(&any), sizeof any);
  socklen_t length = sizeof any;
  if (!fd || ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&any), &length) != 0) die("a listener");
  port = ntohs(any.sin_port);
  return fd;
}

Fd unix_ear(int type, const std::string& name, bool abstract) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + (abstract ? 1 : 0), name.data(), name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  Fd fd = ear(AF_UNIX, type, reinterpret_cast<sockaddr*>(&address), length);
  if (!fd) die("listening on " + name);
  if (!abstract) ::chmod(name.c_str(), 0777);
  return fd;
}

// True when somebody has connected, or sent anything.
bool was_used(const Fd& fd, bool stream) {
  if (!fd) return false;
  if (stream) return static_cast<bool>(Fd(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  char byte = 0;
  return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) >= 0;
}

// ---- the other process ----

struct VictimPage {
  volatile int ready;
  volatile int signals;
};
VictimPage* g_page = nullptr;
char g_victim_buffer[64];
char g_victim_before[64];

void count_signal(int) { g_page->signals = g_page->signals + 1; }

std::string victim_settings(pid_t pid) {
  rlimit core{};
  ::prlimit(pid, RLIMIT_CORE, nullptr, &core);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  ::sched_getaffinity(pid, sizeof cpus, &cpus);
  errno = 0;
  std::ostringstream out;
  out << "nice " << ::getpriority(PRIO_PROCESS, static_cast<id_t>(pid)) << " policy " << ::sched_getscheduler(pid) << " core "
      << core.rlim_cur << "/" << core.rlim_max << " cpus " << CPU_COUNT(&cpus) << " io " << ::syscall(SYS_ioprio_get, 1, pid)
      << " oom " << read_all("/proc/" + std::to_string(pid) + "/oom_score_adj") << " comm "
      << read_all("/proc/" + std::to_string(pid) + "/comm");
  return out.str();
}

}  // namespace

const std::string& program_secret() { return g_secret; }
const std::string& observer_folder() { return g_folder; }
void set_library(const std::string& file) { g_library = file; }

void remove_observer_folder() {
  ::umount2((g_folder + "/mounted").c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(g_folder, ignored);
}

namespace {

// The observer leads a session with a terminal, which a careless start hands on.
void open_terminal() {
  g_terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (g_terminal < 0 || ::grantpt(g_terminal) != 0 || ::unlockpt(g_terminal) != 0) return;
  char name[128];
  if (::ptsname_r(g_terminal, name, sizeof name) == 0) g_terminal_end = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  ::fcntl(g_terminal, F_SETFL, O_NONBLOCK);
  if (::geteuid() == 0) ::fchmod(g_terminal_end, 0666);
  ::ioctl(g_terminal_end, TIOCSCTTY, 0);
}

// A leader of a group cannot begin a session: its child can.
void begin_session() {
  if (::setsid() >= 0) return;
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    return;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

}  // namespace

void prepare_observer(int count, char** arguments) {
  const char* secret = std::getenv(kSecretVariable);
  if (secret == nullptr) {
    const std::string made = random_word("secret-");
    ::setenv(kSecretVariable, made.c_str(), 1);
    std::vector<char*> again(arguments, arguments + count);
    again.push_back(const_cast<char*>(made.c_str()));
    again.push_back(nullptr);
    begin_session();
    ::execv("/proc/self/exe", again.data());
    die("starting anew");
  }
  g_secret = secret;
  ::umask(0);
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/freshet-hostile-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) die(pattern);
  g_folder = fs::canonical(pattern);
  ::chmod(g_folder.c_str(), 0755);
  if (::geteuid() == 0) {
    if (::unshare(CLONE_NEWUTS | CLONE_NEWNS) != 0) die("unshare");
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    (void)!::sethostname(g_secret.data(), g_secret.size());
    ::mkdir((g_folder + "/mounted").c_str(), 0755);
    if (::mount(g_secret.c_str(), (g_folder + "/mounted").c_str(), "tmpfs", 0, nullptr) != 0) die("mount");
    const Fd log(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
    const std::string line = g_secret + "\n";
    if (log) [[maybe_unused]] const ssize_t done = ::write(log.get(), line.data(), line.size());
  }
  open_terminal();
  g_page = static_cast<VictimPage*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// Set by the world that is being looked at.
namespace {
std::string g_careless_directory;
int g_careless_fd = -1;

// dup2 to its own number would leave it to be closed at the start.
void hand_on(int fd, int as) {
  if (fd == as) {
    ::fcntl(fd, F_SETFD, 0);
  } else {
    ::dup2(fd, as);
  }
}
}  // namespace

void careless_surroundings() {
  for (const int standard : {0, 1, 2}) ::dup2(g_terminal_end, standard);
  if (g_careless_fd >= 0) hand_on(g_careless_fd, kInheritedFd);
  hand_on(::open(g_careless_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), kInheritedFd + 1);
  (void)!::chdir(g_careless_directory.c_str());
  ::umask(0077);
  ::signal(SIGHUP, SIG_IGN);
  sigset_t some;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &some, nullptr);
}

bool is_running(pid_t pid) {
  const std::string state = stat_field(pid, 3);
  return !state.empty() && state != "Z" && state != "X";
}

std::uint32_t end_what_is_left(pid_t except1, pid_t except2) {
  std::uint32_t ended = 0;
  for (int round = 0; round < 50; ++round) {
    std::uint32_t found = 0;
    for (const pid_t pid : children_of(::getpid())) {
      if (pid == except1 || pid == except2) continue;
      const bool lives = stat_field(pid, 3) != "Z";
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, __WALL);
      ++found;
      if (lives) ++ended;
    }
    if (found == 0) break;
  }
  return ended;
}

World::World(const Case& tried, std::uint32_t uid) : case_(tried), uid_(uid) {
  token_ = random_word("token-");
  word_ = random_word("word-");
  number_ = 100'000'000 + static_cast<long>(random_number() % 800'000'000);
  nice_ = 3 + static_cast<int>(random_number() % 5);
  key_ = static_cast<int>(random_number() & 0x3FFFFFFF) | 1;
  do {
    bits_.clear();
    for (std::uint64_t bits = random_number(), i = 0; i < 16; ++i) bits_ += (bits >> i & 1) != 0 ? '1' : '0';
  } while (bits_.find('1') == std::string::npos || bits_.find('0') == std::string::npos);
  std::string pattern = g_folder + "/XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) die(pattern);
  path_ = pattern;
  ::chmod(path_.c_str(), 0755);
  plant();
  open_ears();
  start_victim();
  start_racer();
  root_.config.path = path_ + "/grant";
  root_.config.access = {.list = true, .read = (tried.flags & kRead) != 0, .remove = true};
  root_.config.exclude = {path_ + "/grant/excluded"};
  root_.directory = Fd(::open(root_.config.path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const auto stat = stat_entry(root_.directory.get(), "");
  if (!stat) die("the grant");
  root_.dev = stat->dev;
  root_.identity = stat->identity;
  before_ = snapshot(path_);
  if (tried.evidence == Evidence::read_time)  // listed by the snapshot
    for (const char* one : {"/grant/dir", "/grant/file", "/grant/link"}) set_times(path_ + one, 7);
  times_before_ = read_time();
}

World::~World() {
  for (const pid_t pid : {victim_, racer_}) {
    if (pid <= 0) continue;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  if (segment_ >= 0) ::shmctl(segment_, IPC_RMID, nullptr);
  if (queue_ >= 0) ::msgctl(queue_, IPC_RMID, nullptr);
  if (posix_queue_ >= 0) ::mq_close(posix_queue_);
  ::mq_unlink(("/ear-" + word_).c_str());
  ::mq_unlink(("/" + word_).c_str());
  ::shm_unlink(("/" + word_).c_str());
  const long known = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", ("ear-" + word_).c_str(), 0);
  if (known > 0) ::syscall(SYS_keyctl, KEYCTL_UNLINK, known, KEY_SPEC_USER_KEYRING);
  ::umount2((path_ + "/grant/dir").c_str(), MNT_DETACH);
  if (g_careless_fd >= 0) ::close(g_careless_fd);
  g_careless_fd = -1;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void World::plant() {
  const std::string grant = path_ + "/grant", outside = path_ + "/outside";
  make_directory(grant);
  make_directory(outside);
  make_directory(path_ + "/name-" + token_);
  make_file(outside + "/secret", token_);
  make_file(outside + "/private", token_, 0600);
  make_file(outside + "/list-" + token_, "");
  make_file(outside + "/linked", token_);
  make_file(outside + "/named", "");
  ::setxattr((outside + "/named").c_str(), ("user." + token_).c_str(), "1", 1, 0);
  ::setxattr((outside + "/secret").c_str(), "user.token", token_.data(), token_.size(), 0);
  ::setxattr(outside.c_str(), "user.token", token_.data(), token_.size(), 0);
  (void)!::symlink(("/nowhere/" + token_).c_str(), (outside + "/points").c_str());
  make_directory(outside + "/cwd-" + token_);
  for (std::size_t i = 0; i < bits_.size(); ++i)
    if (bits_[i] == '1') make_file(outside + "/maybe-" + std::to_string(i), "", 0777);

  make_file(grant + "/file", token_);
  ::setxattr((grant + "/file").c_str(), "user.token", token_.data(), token_.size(), 0);
  make_directory(grant + "/dir");
  make_file(grant + "/dir/inner", "inner");
  make_file(grant + "/dir/here-" + token_, "");  // the control's
  make_directory(grant + "/empty");
  make_directory(grant + "/excluded");
  make_directory(grant + "/.freshet");
  for (const char* closed : {"/excluded", "/.freshet"}) {
    make_file(grant + closed + "/secret", token_);
    make_file(grant + closed + "/list-" + token_, "");
    set_times(grant + closed + "/secret", number_);
  }
  (void)!::symlink("file", (grant + "/link").c_str());
  (void)!::symlink((outside + "/secret").c_str(), (grant + "/link-out").c_str());
  (void)!::symlink(outside.c_str(), (grant + "/link-directory").c_str());
  (void)!::symlink("../outside", (grant + "/link-up").c_str());
  (void)!::symlink("/proc/self/environ", (grant + "/link-proc").c_str());
  (void)!::symlink((outside + "/new").c_str(), (grant + "/link-nowhere").c_str());
  (void)!::link((outside + "/linked").c_str(), (grant + "/hard").c_str());
  make_file(grant + "/program", "#!/bin/sh\necho ran >" + outside + "/ran\n", 0777);
  std::error_code error;
  fs::copy_file(g_library, grant + "/library", error);
  ::chmod((grant + "/library").c_str(), 0777);
  ::mkfifo((grant + "/fifo").c_str(), 0666);
  ::chmod((grant + "/fifo").c_str(), 0666);
  if (::geteuid() == 0) ::mknod((grant + "/device").c_str(), S_IFCHR | 0666, makedev(1, 3));
  make_directory(grant + "/swap");
  make_file(grant + "/swap/secret", "harmless");
  (void)!::symlink("../outside", (grant + "/swap-link").c_str());
  make_directory(grant + "/mover");
  for (const std::string& path : {outside + "/secret", outside + "/private", grant + "/dir/inner"}) set_times(path, number_);
  for (const std::string& path : {grant + "/file", grant + "/dir", grant + "/link"}) set_times(path, 7);
  g_careless_directory = outside + "/cwd-" + token_;
  make_file(g_careless_directory + "/secret", token_);
}

void World::open_ears() {
  tcp_ = internet_ear(SOCK_STREAM, port_);
  udp_ = internet_ear(SOCK_DGRAM, udp_port_);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_addr = in6addr_loopback;
  tcp6_ = ear(AF_INET6, SOCK_STREAM, reinterpret_cast<sockaddr*>(&any), sizeof any);
  socklen_t length = sizeof any;
  if (tcp6_ && ::getsockname(tcp6_.get(), reinterpret_cast<sockaddr*>(&any), &length) == 0) port6_ = ntohs(any.sin6_port);
  unix_grant_ = unix_ear(SOCK_STREAM, path_ + "/grant/socket", false);
  unix_outside_ = unix_ear(SOCK_STREAM, path_ + "/outside/socket", false);
  datagrams_ = unix_ear(SOCK_DGRAM, path_ + "/outside/datagrams", false);
  abstract_ = unix_ear(SOCK_STREAM, "ear-" + word_, true);
  hidden_ = unix_ear(SOCK_STREAM, "hidden-" + token_, true);
  abstract_datagrams_ = unix_ear(SOCK_DGRAM, "ear-" + word_ + "-d", true);
  fifo_ = Fd(::open((path_ + "/grant/fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  segment_ = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
  if (void* at = ::shmat(segment_, nullptr, 0); at != reinterpret_cast<void*>(-1)) {
    std::memcpy(at, token_.c_str(), token_.size() + 1);
    ::shmdt(at);
  }
  queue_ = ::msgget(IPC_PRIVATE, IPC_CREAT | 0666);
  struct {
    long type = 7;
    char text[64] = {};
  } message;
  std::memcpy(message.text, token_.data(), token_.size());
  ::msgsnd(queue_, &message, sizeof message.text, IPC_NOWAIT);
  mq_attr small{};
  small.mq_maxmsg = 2;
  small.mq_msgsize = 64;
  posix_queue_ = ::mq_open(("/ear-" + word_).c_str(), O_RDONLY | O_NONBLOCK | O_CREAT | O_CLOEXEC, 0666, &small);
  const long key = ::syscall(SYS_add_key, "user", ("ear-" + word_).c_str(), token_.data(), token_.size(), KEY_SPEC_USER_KEYRING);
  ::syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3F3F0000);
  g_careless_fd = static_cast<int>(::syscall(SYS_memfd_create, "inherited", MFD_CLOEXEC));
  (void)!::write(g_careless_fd, token_.data(), token_.size());
}

void World::start_victim() {
  g_page->ready = 0;
  g_page->signals = 0;
  std::memset(g_victim_before, 0, sizeof g_victim_before);
  std::memcpy(g_victim_before, token_.data(), token_.size());
  victim_ = ::fork();
  if (victim_ < 0) die("fork");
  if (victim_ == 0) {
    std::memcpy(g_victim_buffer, g_victim_before, sizeof g_victim_buffer);
    for (const int number : {SIGUSR1, SIGTERM, SIGIO}) ::signal(number, count_signal);
    const int fd = static_cast<int>(::syscall(SYS_memfd_create, "victim", 0U));
    (void)!::write(fd, token_.data(), token_.size());
    ::dup2(fd, kVictimFd);
    (void)!::chdir(g_careless_directory.c_str());
    ::setpgid(0, 0);
    ::setpriority(PRIO_PROCESS, 0, nice_);
    const rlimit core{static_cast<rlim_t>(number_), static_cast<rlim_t>(number_)};
    ::setrlimit(RLIMIT_CORE, &core);
    // The worker's own uid, so that no difference of ids does the work of a layer.
    if (::geteuid() == 0 && (::setresgid(uid_, uid_, uid_) != 0 || ::setresuid(uid_, uid_, uid_) != 0)) ::_exit(1);
    ::prctl(PR_SET_DUMPABLE, 1);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    g_page->ready = 1;
    for (;;) ::pause();
  }
  while (g_page->ready == 0) ::usleep(100);
  victim_state_ = victim_settings(victim_);
}

void World::start_racer() {
  if ((case_.flags & (kSwap | kMoveOut)) == 0) return;
  racer_ = ::fork();
  if (racer_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string grant = path_ + "/grant";
  for (;;) {
    if ((case_.flags & kSwap) != 0) {
      ::syscall(SYS_renameat2, AT_FDCWD, (grant + "/swap").c_str(), AT_FDCWD, (grant + "/swap-link").c_str(), 2U);
    } else {
      ::usleep(2000);
      ::rename((grant + "/mover").c_str(), (path_ + "/outside/moved").c_str());
      ::usleep(2000);
      ::rename((path_ + "/outside/moved").c_str(), (grant + "/mover").c_str());
    }
  }
}

std::string World::scene(const std::string& group) const {
  std::ostringstream out;
  out << "\ngroup=" << group << "\ncase=" << case_.name << "\ngrant=" << path_ << "/grant\noutside=" << path_ << "/outside\nword="
      << word_ << "\nkey=" << key_ << "\nvictim=" << victim_ << "\nvictim-buffer=" << reinterpret_cast<std::uintptr_t>(g_victim_buffer)
      << "\nvictim-fd=" << kVictimFd << "\nport=" << port_ << "\nport6=" << port6_ << "\nudp=" << udp_port_ << "\nabstract=ear-" << word_
      << "\nsegment=" << segment_ << "\nqueue=" << queue_ << "\n";
  return out.str();
}

ProcessState World::look(pid_t pid) const {
  ProcessState out;
  const std::string proc = "/proc/" + std::to_string(pid);
  const std::string status = read_all(proc + "/status");
  out.threads = static_cast<std::uint32_t>(std::strtoul(line_of(status, "Threads").c_str(), nullptr, 10));
  for (std::vector<pid_t> level = children_of(pid); !level.empty();) {
    out.processes += static_cast<std::uint32_t>(level.size());
    std::vector<pid_t> next;
    for (const pid_t one : level)
      for (const pid_t child : children_of(one)) next.push_back(child);
    level = std::move(next);
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(proc + "/fd", error)) out.fds.push_back(link_of(entry.path()));
  std::istringstream maps(read_all(proc + "/maps"));
  std::string aio;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t space = line.find(' ');
    if (space != std::string::npos && line.size() > space + 3 && line[space + 3] == 'x') out.executable.insert(line);
    if (line.find("[aio]") != std::string::npos) aio += line;
  }
  const std::string about = case_.about;
  std::string& value = out.values[about];
  if (about.starts_with("status:")) value = line_of(status, about.substr(7));
  else if (about.starts_with("ns/") || about == "root" || about == "cwd") value = link_of(proc + "/" + about);
  else if (about == "maps:[aio]") value = aio;
  else if (about == "nice") value = stat_field(pid, 19);
  else if (about == "policy") value = stat_field(pid, 41);
  else if (about == "session") value = stat_field(pid, 6) == std::to_string(pid) ? "" : "not of its own";
  else if (about == "children") value = std::to_string(out.processes);
  else if (case_.evidence == Evidence::state) value = read_all(proc + "/" + about);
  return out;
}

bool World::has_secret(const std::string& line) const {
  const std::vector<std::string> secrets = {token_, g_secret, std::to_string(number_), "bits " + bits_, "nice " + std::to_string(nice_),
                                            "session " + std::to_string(::getsid(0))};
  return std::ranges::any_of(secrets, [&](const std::string& secret) { return line.find(secret) != std::string::npos; });
}

bool World::has_name_of_grant(const std::string& line) const {
  return line.find("here-" + token_) != std::string::npos || line.find(std::to_string(number_)) != std::string::npos ||
         ((case_.flags & kRead) != 0 && line.find(token_) != std::string::npos);
}

std::string World::changed() {
  const std::string found = difference(before_, snapshot(path_));
  utsname name{};
  ::uname(&name);
  if (::geteuid() == 0 && name.nodename != g_secret) (void)!::sethostname(g_secret.data(), g_secret.size());
  return found;
}

std::string World::read_time() {
  std::string out;
  for (const char* one : {"/grant/dir", "/grant/file", "/grant/link"}) {
    struct stat info {};
    ::lstat((path_ + one).c_str(), &info);
    out += std::to_string(info.st_atim.tv_sec) + "." + std::to_string(info.st_atim.tv_nsec) + " ";
  }
  if (times_before_.empty() || out == times_before_) return times_before_.empty() ? out : std::string();
  return out;
}

std::string World::heard() {
  if (was_used(tcp_, true)) return "tcp";
  if (was_used(tcp6_, true)) return "tcp6";
  if (was_used(udp_, false)) return "udp";
  if (was_used(unix_grant_, true)) return "unix socket in the grant";
  if (was_used(unix_outside_, true)) return "unix socket outside";
  if (was_used(datagrams_, false)) return "unix datagrams";
  if (was_used(abstract_, true)) return "abstract socket";
  if (was_used(abstract_datagrams_, false)) return "abstract datagrams";
  char text[256];
  if (::read(fifo_.get(), text, sizeof text) > 0) return "fifo";
  ssize_t length = ::read(g_terminal, text, sizeof text);
  if (length > 0 && std::string(text, static_cast<std::size_t>(length)).find(word_) != std::string::npos) return "terminal";
  if (posix_queue_ >= 0 && ::mq_receive(posix_queue_, text, sizeof text, nullptr) > 0) return "posix queue";
  struct {
    long type;
    char text[64];
  } message{};
  if (::msgrcv(queue_, &message, sizeof message.text, 9, IPC_NOWAIT) > 0) return "queue";
  std::string written;
  if (void* at = ::shmat(segment_, nullptr, SHM_RDONLY); at != reinterpret_cast<void*>(-1)) {
    written.assign(static_cast<const char*>(at) + 1024, word_.size());
    ::shmdt(at);
  }
  return written == word_ ? "segment" : "";
}

std::string World::victim() {
  if (g_page->signals != 0) return "it was signalled";
  const std::string state = stat_field(victim_, 3);
  if (state != "S" && state != "R") return "its state is " + state;
  const std::string status = read_all("/proc/" + std::to_string(victim_) + "/status");
  if (std::strtol(line_of(status, "TracerPid").c_str(), nullptr, 10) != 0) return "it is traced";
  char now[sizeof g_victim_before] = {};
  iovec here{now, sizeof now}, there{g_victim_buffer, sizeof now};
  if (::process_vm_readv(victim_, &here, 1, &there, 1, 0) > 0 && std::memcmp(now, g_victim_before, sizeof now) != 0)
    return "its memory was written";
  const std::string settings = victim_settings(victim_);
  return settings == victim_state_ ? "" : settings;
}

std::string World::ipc() {
  std::string out;
  if (const int id = ::shmget(key_, 0, 0); id >= 0) {
    out = "segment";
    ::shmctl(id, IPC_RMID, nullptr);
  }
  if (const int id = ::semget(key_, 0, 0); id >= 0) {
    out = "semaphores";
    ::semctl(id, 0, IPC_RMID);
  }
  if (const int id = ::msgget(key_, 0); id >= 0) {
    out = "queue";
    ::msgctl(id, IPC_RMID, nullptr);
  }
  if (Fd(::shm_open(("/" + word_).c_str(), O_RDONLY | O_CLOEXEC, 0))) out = "posix segment";
  if (const mqd_t queue = ::mq_open(("/" + word_).c_str(), O_RDONLY | O_CLOEXEC); queue >= 0) {
    out = "posix queue";
    ::mq_close(queue);
  }
  if (const long key = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", word_.c_str(), 0); key > 0) {
    out = "key";
    ::syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
  }
  shmid_ds segment{};
  if (::shmctl(segment_, IPC_STAT, &segment) != 0 || (segment.shm_perm.mode & SHM_DEST) != 0) out = "removed segment";
  return out;
}

std::string World::locked() {
  const Fd directory(::open((path_ + "/grant/dir").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return "flock of the directory";
  const Fd file(::open((path_ + "/grant/file").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!file) return errno == EWOULDBLOCK ? "lease" : "";
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return "flock of the file";
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) return "record lock";
  return {};
}

}  // namespace freshet::hostile
