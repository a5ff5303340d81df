// SPDX-License-Identifier: Apache-2.0
// The CNI plugin on the host. It forwards a request to the node plugin and prints the answer (protocol: frame.ts). At
// the node plugin's request, it changes a tap's owner or lends a netlink socket of the pod's namespace. If a DEL gets
// no answer, it saves that DEL in a file for pending-dels.ts. It runs as root for a short time, allocates no memory and
// starts no process. The kernel closes its descriptors when it exits. It trusts neither its caller nor the node plugin.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef TIMEOUT_MS // the limit of the whole run: four times the node plugin's deadline for a request
#define TIMEOUT_MS 60000
#endif
#define VERSIONS "\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"" // ../spec/cni-protocol.ts

enum { REQUEST = 1, OWN, OWNED, ANSWER, LEND, LENT }; // frame types
enum { FRAME_VERSION = 1, HEADER = 12, MAX_ENV = 64 << 10, MAX_STDIN = 1 << 20, MAX_ANSWER = 4 + 2 * MAX_STDIN };
enum { BAD_ENVIRONMENT = 4, IO_FAILURE = 5, TRY_AGAIN_LATER = 11, NOT_AVAILABLE = 50 }; // ../spec/cni-protocol.ts

// The socket's path. install-shim.ts finds the eight-byte marker and overwrites the path after it. The array is
// volatile, so that the compiler does not use the default path as a constant. Like sun_path, the path has 108 bytes.
static const volatile char place[8 + 108] = "KMVTPATH/run/kube-macvtap/cni.sock";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char request[HEADER + 4 + MAX_ENV + MAX_STDIN + 2]; // plus a byte to detect longer input, and a NUL for strstr
static char *conf = request;                               // the start of the configuration in the request
static struct timespec start;

// Returns the time until the deadline, or 0 after it. With 0, poll still reports ready descriptors, to print errors.
static int left_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long passed = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
  return passed < TIMEOUT_MS ? TIMEOUT_MS - passed : 0;
}

// Reads or writes `length` bytes and returns `length`. If the input ends early, returns the bytes read, with errno.
// After an error or the deadline, returns -1 with errno. After poll, a pipe accepts PIPE_BUF bytes without blocking.
static ssize_t move(int fd, char *bytes, ssize_t length, short direction) {
  for (ssize_t moved = 0, done; moved < length; moved += done > 0 ? done : 0) {
    int count = poll(&(struct pollfd){.fd = fd, .events = direction}, 1, left_ms());
    if (count == 0) return errno = ETIMEDOUT, -1;
    ssize_t part = direction == POLLIN || length - moved < PIPE_BUF ? length - moved : PIPE_BUF;
    done = count < 0 ? -1 : direction == POLLIN ? read(fd, bytes + moved, part) : write(fd, bytes + moved, part);
    if (done == 0) return errno = ECONNRESET, moved;
    if (done < 0 && errno != EINTR && errno != EAGAIN) return -1;
  }
  return length;
}

// Returns the configuration's version if it is supported, else the newest one. The shim's own output has this version.
static const char *conf_version(void) {
  static char quoted[8];
  const char *at = strstr(conf, "\"cniVersion\"");
  if (at) at += strlen("\"cniVersion\""), at += strspn(at, " \t\r\n:");
  snprintf(quoted, sizeof quoted, "%s", at ? at : "");
  return quoted[0] == '"' && quoted[6] == '"' && strstr(VERSIONS, quoted) ? quoted : "\"1.1.0\"";
}

// Prints a CNI error and returns the exit code. The output is JSON even if the message contains the caller's variables.
static int fail(int code, const char *format, ...) {
  char message[768], line[2 * sizeof message + 64];
  va_list values;
  va_start(values, format), vsnprintf(message, sizeof message, format, values), va_end(values);
  char *end = line + sprintf(line, "{\"cniVersion\":%s,\"code\":%d,\"msg\":\"", conf_version(), code);
  for (const char *from = message; *from; from++) {
    if (*from == '"' || *from == '\\') *end++ = '\\';
    *end++ = *from >= ' ' && *from <= '~' ? *from : '?';
  }
  end += sprintf(end, "\"}\n");
  return move(STDOUT_FILENO, line, end - line, POLLOUT), 1;
}

static void put(char *at, uint32_t value) { value = htonl(value), memcpy(at, &value, 4); }
static uint32_t get(const char *at) { uint32_t value; return memcpy(&value, at, 4), ntohl(value); }
static void put_header(char *at, char type, uint32_t length) {
  memcpy(at, (char[8]){'K', 'M', 'V', 'T', FRAME_VERSION, type}, 8), put(at + 8, length);
}

// Builds the request's frame from the environment and standard input. Returns its length, or -1 with errno.
static ssize_t make_request(void) {
  static const char *const names[] = {"COMMAND", "CONTAINERID", "NETNS", "IFNAME", "ARGS", "PATH"};
  char *variables = request + HEADER + 4, *at = variables, name[16];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(name, sizeof name, "CNI_%s", names[i]);
    const char *value = getenv(name);
    if (!value) continue;
    if (strlen(name) + strlen(value) + 2 > (size_t)(variables + MAX_ENV - at)) return errno = E2BIG, -1;
    at += sprintf(at, "%s=%s", name, value) + 1;
  }
  put(request + HEADER, at - variables);
  conf = at;
  ssize_t got = move(STDIN_FILENO, conf, MAX_STDIN + 1, POLLIN);
  if (got > MAX_STDIN) errno = EFBIG;
  if (got < 0 || got > MAX_STDIN) return -1;
  return put_header(request, REQUEST, conf + got - request - HEADER), conf + got - request;
}

// Changes a tap's owner. Returns 0, or the errno of the failed step. O_PATH is needed: any other open would attach a
// queue to the tap. With O_NOFOLLOW, a symbolic link itself is opened, and then rejected because it is not a device.
static uint32_t own_tap(const char *own, const char **step) {
  char path[32];
  struct stat node;
  snprintf(path, sizeof path, "/dev/tap%u", get(own));
  int fd = open(path, O_PATH | O_NOFOLLOW);
  if (*step = "open", fd < 0) return errno;
  if (*step = "fstat", fstat(fd, &node) != 0) return errno;
  bool is_tap = S_ISCHR(node.st_mode) && node.st_rdev == makedev(get(own + 4), get(own + 8));
  if (*step = "device number", !is_tap) return ENXIO;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (*step = "chmod", chmod(path, 0660) != 0) return errno;
  return *step = "chown", fchownat(fd, "", get(own + 12), get(own + 16), AT_EMPTY_PATH) == 0 ? 0 : errno;
}

// The rtnetlink socket of the pod's namespace, or the failed step's error. Each ADD opens it, but few ADDs use it.
static struct { int descriptor; uint32_t error; const char *step; } loan = {-1, EBADF, "open"};

// Opens the socket in CNI_NETNS. This happens before the connection to the node plugin, which could otherwise influence
// the choice of the namespace.
static void open_loan(void) {
  const char *path = getenv("CNI_NETNS");
  int netns = open(path ? path : "", O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (netns < 0) return (void)(loan.error = errno);
  if (loan.step = "setns", setns(netns, CLONE_NEWNET) != 0) return (void)(loan.error = errno);
  loan.descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); // NETLINK_ROUTE, linux/netlink.h
  loan.step = "socket", loan.error = loan.descriptor < 0 ? errno : 0;
}

// Sends a frame, and the descriptor if there is one (unix(7), SCM_RIGHTS). Returns whether the whole frame was sent.
static bool send_with(int fd, char *frame, ssize_t length, int descriptor) {
  union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof descriptor)]; } rights = {
      .header = {.cmsg_len = CMSG_LEN(sizeof descriptor), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
  memcpy(CMSG_DATA(&rights.header), &descriptor, sizeof descriptor);
  struct msghdr message = {.msg_iov = &(struct iovec){.iov_base = frame, .iov_len = length}, .msg_iovlen = 1};
  if (descriptor >= 0) message.msg_control = rights.bytes, message.msg_controllen = sizeof rights.bytes;
  return sendmsg(fd, &message, MSG_NOSIGNAL) == length;
}

// Connects to the node plugin, and waits while its queue is full. Returns the descriptor, or -1 with errno.
static int dial(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0), left = left_ms() + 1; // 0 would mean no time limit
  struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  return errno = errno == EAGAIN ? ETIMEDOUT : errno, -1;
}

// Sends the request and prints the answer. Returns the answer's exit code, or -1 with errno if there was no answer.
static int ask(ssize_t length, bool is_add) {
  static char header[HEADER], body[MAX_ANSWER], reply[HEADER + 4 + 256];
  bool may_own = is_add, may_lend = is_add;
  int fd = dial();
  if (fd < 0) return -1;
  move(fd, request, length, POLLOUT); // the result is ignored: a truncated request may still get an answer
  for (;;) {
    if (move(fd, header, HEADER, POLLIN) != HEADER) return -1;
    uint32_t size = get(header + 8);
    bool is_known = memcmp(header, "KMVT", 4) == 0 && header[4] == FRAME_VERSION;
    bool is_own = is_known && may_own && header[5] == OWN && size == 20;
    bool is_lend = is_known && may_lend && header[5] == LEND && size == 0;
    bool is_answer = is_known && header[5] == ANSWER && size >= 4 && size <= MAX_ANSWER;
    if (!is_own && !is_lend && !is_answer) return errno = EPROTO, -1;
    if (move(fd, body, size, POLLIN) != size) return -1;
    if (is_answer && get(body) > 255) return errno = EPROTO, -1;
    if (is_answer) return move(STDOUT_FILENO, body + 4, size - 4, POLLOUT) < 0 ? 1 : get(body);
    const char *step = loan.step;
    put(reply + HEADER, is_own ? own_tap(body, &step) : loan.error);
    ssize_t end = HEADER + 4 + sprintf(reply + HEADER + 4, "%s", step);
    put_header(reply, is_own ? OWNED : LENT, end - HEADER);
    if (!send_with(fd, reply, end, is_lend ? loan.descriptor : -1)) return -1;
    *(is_own ? &may_own : &may_lend) = false;
  }
}

// Saves the request as a pending DEL, or returns false with errno. The node plugin can write to the directory, so
// symbolic links in it are not followed. A DEL whose names no ADD can have used is rejected: it could never succeed.
static bool save_pending_del(ssize_t length) {
  const char *id = getenv("CNI_CONTAINERID"), *ifname = getenv("CNI_IFNAME");
  char name[NAME_MAX + 1], temporary[NAME_MAX + 1], parent[sizeof address.sun_path];
  if (!id || !ifname || !*id || !*ifname || *id == '.' || strpbrk(id, "/:") || strpbrk(ifname, "/:"))
    return errno = EINVAL, false;
  snprintf(name, sizeof name, "%s:%s", id, ifname);
  if ((size_t)snprintf(temporary, sizeof temporary, ".%s:%s.%d", id, ifname, (int)getpid()) >= sizeof temporary)
    return errno = ENAMETOOLONG, false;
  strcpy(parent, address.sun_path), *strrchr(parent, '/') = '\0', mkdir(parent, 0700);
  int above = open(parent, O_PATH | O_DIRECTORY);
  if (above < 0) return false;
  mkdirat(above, "tombstones", 0700);
  int in = openat(above, "tombstones", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (in >= 0) unlinkat(in, temporary, 0); // left by a killed shim that had the same process ID
  int file = in < 0 ? -1 : openat(in, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (file < 0) return false;
  if (move(file, request, length, POLLOUT) == length && renameat(in, temporary, in, name) == 0) return true;
  return unlinkat(in, temporary, 0), false;
}

// Drops all of root's capabilities except the two that changing a tap's owner needs. If that fails, all are kept.
static void drop_capabilities(void) {
  enum { VERSION_3 = 0x20080522, CAP_CHOWN = 1 << 0, CAP_FOWNER = 1 << 3, KEPT = CAP_CHOWN | CAP_FOWNER };
  struct { uint32_t version; int pid; } self = {VERSION_3, 0};
  struct { uint32_t effective, permitted, inheritable; } sets[2] = {{KEPT, KEPT, 0}};
  syscall(SYS_capset, &self, sets);
}

int main(void) {
  clock_gettime(CLOCK_MONOTONIC, &start);
  const char *command = getenv("CNI_COMMAND");
  bool is_add = command && strcmp(command, "ADD") == 0;
  umask(077), signal(SIGPIPE, SIG_IGN);
  // Opens the standard descriptors that the caller closed, so that no later descriptor gets one of their numbers.
  for (int fd = 0; fd >= 0 && fd <= STDERR_FILENO;) fd = open("/dev/null", O_RDWR);
  if (is_add) open_loan();
  drop_capabilities();
  for (size_t i = 0; i < sizeof address.sun_path - 1; i++) address.sun_path[i] = place[8 + i];
  if (!command) return fail(BAD_ENVIRONMENT, "CNI_COMMAND is missing: only container runtimes run this CNI plugin");
  ssize_t length = make_request();
  if (length < 0)
    return fail(IO_FAILURE, "cannot read CNI_* (up to 64 KiB) and standard input (up to 1 MiB): %s", strerror(errno));
  if (strcmp(command, "VERSION") == 0) {
    char line[128];
    int end = sprintf(line, "{\"cniVersion\":%s,\"supportedVersions\":[%s]}\n", conf_version(), VERSIONS);
    return move(STDOUT_FILENO, line, end, POLLOUT) < 0;
  }
  int code = ask(length, is_add);
  if (code >= 0) return code;
  const char *reason = errno == EPROTO ? "its answer is not of this CNI plugin's version" : strerror(errno);
  bool is_del = strcmp(command, "DEL") == 0;
  if (is_del && save_pending_del(length)) return 0;
  const char *left = is_del ? "; the DEL cannot be saved for later: " : "", *why = is_del ? strerror(errno) : "";
  return fail(strcmp(command, "STATUS") == 0 ? NOT_AVAILABLE : TRY_AGAIN_LATER,
              "%.16s: no answer from the node plugin at %s: %s%s%s; see whether its pod runs on this node, and its log",
              command, address.sun_path, reason, left, why);
}
