#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "runtime/sandbox/user_map.h"

namespace freshet::sandbox {

// Children of a program that has threads. They run in its memory until their exec or their end, while the calling thread
// waits: system calls only, no lock, no allocation. Only that thread's signals are to be blocked, all of them.

// One object in memory that a child shares even where it has a copy of the rest (ThreadSanitizer). Empty without memory.
template <typename T>
class SharedPage {
 public:
  explicit SharedPage(const T& value) : page_(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (*this) new (page_) T(value);
  }
  ~SharedPage() {
    if (*this) ::munmap(page_, sizeof(T));
  }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  [[nodiscard]] explicit operator bool() const { return page_ != MAP_FAILED; }
  [[nodiscard]] T* get() const { return static_cast<T*>(page_); }
  T* operator->() const { return get(); }

 private:
  static_assert(std::is_trivially_destructible_v<T>);
  void* page_;
};

// The stack of a child.
class Stack {
 public:
  Stack();
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  [[nodiscard]] explicit operator bool() const { return base_ != MAP_FAILED; }
  [[nodiscard]] void* base() const { return base_; }
  [[nodiscard]] void* top() const;

 private:
  void* base_;
};

// How the executable of a role is started.
struct ChildStart {
  int role_fd = -1;
  int null_fd = -1;
  int socket_fd = -1;
  int errors_fd = -1;
  const char* argument = nullptr;
  std::uint64_t namespaces = 0;  // CLONE_NEW* flags
  const IdMaps* maps = nullptr;  // with CLONE_NEWUSER
  int control_group = -1;        // -1: ours
  // A user namespace, and a network that belongs to it, which the role begins in; -1: in ours.
  int owner_fd = -1;
  int network_fd = -1;

  pid_t pid = -1;
  int pidfd = -1;
  const char* step = nullptr;   // that failed; null: it runs
  int error = 0;                // errno of it
};

// Starts a role: a child of the calling thread, whoever clones it. `start` lies in a SharedPage. Where a step failed, a
// child with a pidfd is still to be ended and waited for. `helper`: the stack of who clones it from another namespace.
void start_child(ChildStart& start, const Stack& stack, const Stack& helper);

// Waits for a child's end.
void reap(pid_t child);

// Runs a function in a child that shares our descriptors and waits for its end; `namespaces` are CLONE_NEW* flags. What it
// writes lies in a SharedPage. False, with errno: it could not be made.
bool run_helper(int (*run)(void*), void* argument, std::uint64_t namespaces, const Stack& stack);

}  // namespace freshet::sandbox
