// More than its share of the machine. The observer grants 64 MiB, 1 s of CPU, 2 s of wall clock, 4 threads, 32 descriptors.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "runtime/wire/messages.h"
#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

constexpr std::size_t kMany = std::size_t{256} << 20;  // bytes; twice of what the case is given

void touch(char* at, std::size_t bytes) {
  for (std::size_t i = 0; at != nullptr && i < bytes; i += 4096) reinterpret_cast<volatile char*>(at)[i] = 1;
}

void map_and_touch(int flags) {
  for (std::size_t done = 0; done < kMany; done += 1 << 20) {
    void* at = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (at != MAP_FAILED) touch(static_cast<char*>(at), 1 << 20);
  }
}

double seconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Until all threads together have used so much more CPU than the 1 s that is granted, with an end of its own.
void spin() {
  const double end = seconds(CLOCK_MONOTONIC) + 20;
  while (seconds(CLOCK_PROCESS_CPUTIME_ID) < 2.2 && seconds(CLOCK_MONOTONIC) < end)
    for (int i = 0; i < 100000; ++i) asm volatile("");
}

void sleep_through(double most) {
  for (const double end = seconds(CLOCK_MONOTONIC) + most; seconds(CLOCK_MONOTONIC) < end;) {
    const timespec moment{0, 20'000'000};
    ::nanosleep(&moment, nullptr);
  }
}

void* wait_for_long(void*) {
  sleep_through(20);
  return nullptr;
}

const Case kCases[] = {
    {"memory-of-new", Evidence::exceeds, [](Scene&) {
       for (std::size_t done = 0; done < kMany; done += 1 << 20) touch(static_cast<char*>(std::malloc(1 << 20)), 1 << 20);
     }, "rss"},
    {"memory-of-mmap", Evidence::exceeds, [](Scene&) { map_and_touch(MAP_PRIVATE); }, "rss"},
    {"memory-of-mmap-shared", Evidence::exceeds, [](Scene&) { map_and_touch(MAP_SHARED); }, "rss"},
    {"memory-of-mmap-populated", Evidence::exceeds,
     [](Scene&) { ::mmap(nullptr, kMany, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0); }, "rss"},
    {"memory-of-mmap-not-reserved", Evidence::exceeds, [](Scene&) { map_and_touch(MAP_PRIVATE | MAP_NORESERVE); }, "rss"},
    {"memory-of-brk", Evidence::exceeds,
     [](Scene&) {
       void* at = ::sbrk(static_cast<std::intptr_t>(kMany));
       if (at != reinterpret_cast<void*>(-1)) touch(static_cast<char*>(at), kMany);
     }, "rss"},
    {"memory-of-mremap", Evidence::exceeds,
     [](Scene&) {
       void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       at = ::mremap(at, 4096, kMany, MREMAP_MAYMOVE);
       if (at != MAP_FAILED) touch(static_cast<char*>(at), kMany);
     }, "rss"},
    {"memory-of-unnamed-files", Evidence::exceeds,
     [](Scene&) {
       const int fd = static_cast<int>(::syscall(SYS_memfd_create, "x", 0U));
       (void)!::ftruncate(fd, static_cast<off_t>(kMany));
       void* at = ::mmap(nullptr, kMany, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
       if (at != MAP_FAILED) touch(static_cast<char*>(at), kMany);
     }, "rss"},
    {"memory-of-threads", Evidence::exceeds,
     [](Scene&) {
       std::vector<std::thread> threads;
       for (int i = 0; i < 4; ++i)
         threads.emplace_back([] { for (int j = 0; j < 64; ++j) touch(static_cast<char*>(std::malloc(1 << 20)), 1 << 20); });
       for (std::thread& one : threads) one.join();
     }, "rss"},
    {"threads", Evidence::exceeds,
     [](Scene&) {
       for (int i = 0; i < 40; ++i) {
         pthread_t thread{};
         ::pthread_create(&thread, nullptr, wait_for_long, nullptr);
       }
       sleep_through(0.05);
     }, "threads"},
    {"descriptors", Evidence::exceeds,
     [](Scene& s) { for (int i = 0; i < 200; ++i) (void)::open(s.grant.c_str(), O_PATH | O_DIRECTORY); }, "fds"},
    {"descriptors-of-listings", Evidence::exceeds,
     [](Scene& s) { for (int i = 0; i < 200; ++i) (void)::open(s.grant.c_str(), O_RDONLY | O_DIRECTORY); }, "fds"},
    {"processes", Evidence::exceeds,
     [](Scene&) {
       for (int i = 0; i < 16; ++i)
         if (::fork() == 0) {
           sleep_through(10);
           ::_exit(0);
         }
     }, "processes"},
    {"large-file", Evidence::changed,
     [](Scene& s) {
       const int fd = ::open(s.out("large").c_str(), O_WRONLY | O_CREAT, 0666);
       (void)!::pwrite(fd, "x", 1, std::int64_t{1} << 30);
     }},
    {"core-file", Evidence::changed,
     [](Scene&) { ::raise(SIGQUIT); }, "core", 0, "a core pattern that puts a file here"},
    {"cpu", Evidence::exceeds, [](Scene&) { spin(); }, "cpu", kSlow},
    {"cpu-of-threads", Evidence::exceeds,
     [](Scene&) {
       std::vector<std::thread> threads;
       for (int i = 0; i < 3; ++i) threads.emplace_back(spin);
       for (std::thread& one : threads) one.join();
     }, "cpu", kSlow},
    {"wall-clock", Evidence::exceeds, [](Scene&) { sleep_through(3.5); }, "wall", kSlow},
    {"log-lines", Evidence::exceeds,
     [](Scene& s) { for (int i = 0; i < 5000; ++i) s.tell("one more line"); }, "lines"},
    {"stack", Evidence::exceeds,
     [](Scene&) {
       // One frame of all of it.
       auto* frame = static_cast<char*>(__builtin_alloca(std::size_t{200} << 20));
       touch(frame, 200 << 20);
     }, "rss", 0, "an unlimited stack"},
};

}  // namespace

std::span<const Case> resource_cases() { return kCases; }

}  // namespace freshet::hostile
