/* Connects to `target` (a unix socket's path, or a port of 127.0.0.1) and says hello. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/plugins/hostile.h"

HOSTILE_MANIFEST("connect", HOSTILE_TEXT("target", "9"));

static freshet_status deed(const freshet_task *task, const freshet_host *host) {
  union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in internet;
  } address;
  memset(&address, 0, sizeof address);
  socklen_t length = sizeof address.internet;
  if (task->target[0] == '/') {
    address.local.sun_family = AF_UNIX;
    snprintf(address.local.sun_path, sizeof address.local.sun_path, "%.100s", task->target);
    length = sizeof address.local;
  } else {
    address.internet.sin_family = AF_INET;
    address.internet.sin_port = htons((uint16_t)atoi(task->target));
    address.internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  const long fd = syscall(SYS_socket, address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  hostile_result(host, "socket gave", fd);
  if (fd < 0) return FRESHET_OK;
  hostile_result(host, "connect gave", syscall(SYS_connect, fd, &address.any, length));
  hostile_result(host, "write gave", syscall(SYS_write, fd, "hello\n", 6));
  return FRESHET_OK;
}

HOSTILE_ENTRY
