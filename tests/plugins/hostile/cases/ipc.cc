// Objects that outlive a process or join two of them.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <cstdlib>
#include <cstring>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

key_t key_of(const Scene& s) { return static_cast<key_t>(std::strtol(s.key.c_str(), nullptr, 10)); }

struct Message {
  long type = 1;
  char text[64] = {};
};

const Case kCases[] = {
    {"segment", Evidence::ipc, [](Scene& s) { ::shmget(key_of(s), 4096, IPC_CREAT | 0666); }},
    {"semaphores", Evidence::ipc, [](Scene& s) { ::semget(key_of(s), 1, IPC_CREAT | 0666); }},
    {"message-queue", Evidence::ipc, [](Scene& s) { ::msgget(key_of(s), IPC_CREAT | 0666); }},
    {"segment-of-other", Evidence::told,
     [](Scene& s) {
       const void* at = ::shmat(static_cast<int>(s.segment), nullptr, SHM_RDONLY);
       if (at != reinterpret_cast<void*>(-1)) s.tell(static_cast<const char*>(at));
     }},
    {"write-segment-of-other", Evidence::heard,
     [](Scene& s) {
       void* at = ::shmat(static_cast<int>(s.segment), nullptr, 0);
       if (at != reinterpret_cast<void*>(-1)) std::memcpy(static_cast<char*>(at) + 1024, s.word.c_str(), s.word.size() + 1);
     }},
    {"remove-segment-of-other", Evidence::ipc, [](Scene& s) { ::shmctl(static_cast<int>(s.segment), IPC_RMID, nullptr); }, "segment"},
    {"read-queue-of-other", Evidence::told,
     [](Scene& s) {
       Message message;
       if (::msgrcv(static_cast<int>(s.queue), &message, sizeof message.text, 7, IPC_NOWAIT) > 0) s.tell(message.text);
     }},
    {"write-queue-of-other", Evidence::heard,
     [](Scene& s) {
       Message message;
       message.type = 9;
       std::memcpy(message.text, s.word.data(), s.word.size());
       ::msgsnd(static_cast<int>(s.queue), &message, s.word.size(), IPC_NOWAIT);
     }},
    {"posix-queue", Evidence::ipc, [](Scene& s) { ::mq_open(("/" + s.word).c_str(), O_RDWR | O_CREAT, 0666, nullptr); }},
    {"posix-queue-of-other", Evidence::heard,
     [](Scene& s) {
       const mqd_t queue = ::mq_open(("/" + s.abstract).c_str(), O_WRONLY | O_NONBLOCK);
       if (queue >= 0) ::mq_send(queue, s.word.data(), s.word.size(), 0);
     }},
    {"posix-segment", Evidence::ipc, [](Scene& s) { ::shm_open(("/" + s.word).c_str(), O_RDWR | O_CREAT, 0666); }},
    {"pipe", Evidence::holds, [](Scene&) { int ends[2]; (void)!::pipe(ends); }, "pipe:"},
    {"eventfd", Evidence::holds, [](Scene&) { ::eventfd(0, 0); }, "[eventfd]"},
    {"unnamed-file", Evidence::holds, [](Scene&) { ::syscall(SYS_memfd_create, "x", 0U); }, "memfd:"},
    {"secret-memory", Evidence::holds, [](Scene&) { ::syscall(SYS_memfd_secret, 0); }, "secretmem", 0, "memfd_secret(2)"},
    {"signalfd", Evidence::holds, [](Scene&) { sigset_t none; ::sigemptyset(&none); ::signalfd(-1, &none, 0); }, "[signalfd]"},
    {"timerfd", Evidence::holds, [](Scene&) { ::timerfd_create(CLOCK_MONOTONIC, 0); }, "[timerfd]"},
    {"epoll", Evidence::holds, [](Scene&) { ::epoll_create1(0); }, "[eventpoll]"},
    {"inotify", Evidence::holds,
     [](Scene& s) { ::inotify_add_watch(::inotify_init1(0), s.grant.c_str(), IN_ALL_EVENTS); }, "inotify"},
    {"fanotify", Evidence::holds, [](Scene&) { ::fanotify_init(FAN_CLASS_NOTIF, O_RDONLY); }, "[fanotify]", kRoot},
    {"pidfd-of-itself", Evidence::holds, [](Scene&) { ::syscall(SYS_pidfd_open, ::getpid(), 0); }, "pidfd"},
    {"duplicate", Evidence::holds, [](Scene&) { (void)::dup(3); }, "socket:"},
    {"duplicate-by-fcntl", Evidence::holds, [](Scene&) { ::fcntl(3, F_DUPFD, 20); }, "socket:"},
    {"duplicate-over", Evidence::holds, [](Scene&) { ::dup2(3, 21); }, "socket:"},
    {"add-key", Evidence::ipc,
     [](Scene& s) { ::syscall(SYS_add_key, "user", s.word.c_str(), "x", 1, KEY_SPEC_USER_KEYRING); }, "key"},
    {"add-key-of-thread", Evidence::ipc,
     [](Scene& s) {
       // Linked to the user's ring, so that it stays.
       const long key = ::syscall(SYS_add_key, "user", s.word.c_str(), "x", 1, KEY_SPEC_PROCESS_KEYRING);
       ::syscall(SYS_keyctl, KEYCTL_LINK, key, KEY_SPEC_USER_KEYRING);
     }, "key"},
    {"read-key-of-user", Evidence::told,
     [](Scene& s) {
       const long key = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", s.abstract.c_str(), 0);
       char text[64] = {};
       if (::syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text) > 0) s.tell(text);
     }},
};

}  // namespace

std::span<const Case> ipc_cases() { return kCases; }

}  // namespace freshet::hostile
