/* Begins before it is asked: while it is loaded (EARLY says what it does), from a constructor or from the resolver of an
 * indirect function, which runs even earlier. What comes afterwards is correct in every way. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST(EARLY, HOSTILE_TEXT("target", ""));

/* The wire's own numbers (runtime/wire/messages.h). */
enum { kLoaded = 17, kEvents = 19, kScanEnd = 20, kSocket = 3 };

static int is(const char *what) { return strcmp(EARLY, what) == 0; }
static void say(const void *packet, size_t bytes) {
  if (send(kSocket, packet, bytes, MSG_NOSIGNAL) < 0) return;
}
static void say_loaded(void) {
  static const unsigned char packet[] = {kLoaded, 0};
  say(packet, sizeof packet);
}

static void *call_later(void *unused) {
  for (volatile long i = 0; i < 20000000; i++) {
  }
  syscall(SYS_getuid);
  return unused;
}

static void *flood(void *unused) {
  /* A log event: level, and a text of one letter. */
  static const unsigned char packet[] = {kEvents, 3, 3, 1, 0, 0, 0, 'x'};
  for (;;) say(packet, sizeof packet);
  return unused;
}

static void begin(void) {
  static const unsigned char end[21] = {kScanEnd};
  pthread_t thread;
  char scan[64] = {0};
  if (is("early-loaded")) say_loaded();
  if (is("early-end")) {
    say_loaded();
    if (recv(kSocket, scan, sizeof scan, 0) > 0) say(end, sizeof end);
    for (;;) poll(NULL, 0, 1000);
  }
  if (is("early-noise")) say(scan, sizeof scan);
  if (is("early-hang-up")) close(kSocket);
  if (is("early-fork")) syscall(SYS_fork);
  if (is("early-file")) syscall(SYS_open, "/r/0/early", O_WRONLY | O_CREAT, 0600);
  if (is("early-exit")) syscall(SYS_exit_group, 0);
  if (is("early-end-of-thread")) syscall(SYS_exit, 0);
  if (is("early-thread")) pthread_create(&thread, NULL, call_later, NULL);
  if (is("early-flood")) pthread_create(&thread, NULL, flood, NULL);
}

__attribute__((constructor)) static void constructor(void) {
  if (!is("early-resolver")) begin();
}

static void nothing(void) {}
static void (*resolve(void))(void) {
  if (is("early-resolver")) __asm__ volatile("syscall" : : "a"((long)SYS_getuid) : "rcx", "r11", "memory");
  return nothing;
}
static void indirect(void) __attribute__((ifunc("resolve")));

/* After the end of all: a worker runs none of this. */
__attribute__((destructor)) static void destructor(void) { syscall(SYS_getuid); }

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  (void)task, (void)host;
  indirect();
  if (is("early-thread") || is("early-flood"))
    for (;;) poll(NULL, 0, 1000);
  return FRESHET_OK;
}

HOSTILE_ENTRY
