// SPDX-License-Identifier: Apache-2.0
// Runs programs at once and measures each one.
//
// Standard input has the calls, one after the other. Each call is a list of texts that end with NUL: the program, its
// environment, an empty text, and its standard input.
//
// Each call has a separate process. All processes are forked first and then wait for the start, so that no call waits
// for the fork of another one. The time of a call runs from the common start until its program has ended.
//
// Prints one line with the microseconds for each call, in their order. The output of a failed program goes to standard
// error instead, and the exit code is 1.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CALLS = 64, MAX_VARIABLES = 16, MAX_TEXT = 1 << 20, MAX_CONF = 32 << 10 }; // a pipe can buffer 64 KiB

struct call {
  char *program, *environment[MAX_VARIABLES + 1], *conf;
  int output;
};
struct outcome {
  int is_ready, status;
  int64_t ended;
};

static struct call calls[MAX_CALLS];
static char text[MAX_TEXT + 1], printed[MAX_CONF];

static void require(int holds, const char *what) {
  if (!holds) perror(what), exit(2);
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int read_calls(void) {
  size_t length = 0;
  for (ssize_t got; (got = read(STDIN_FILENO, text + length, MAX_TEXT - length)) > 0;) length += got;
  int count = 0;
  for (char *at = text; at < text + length; count++) {
    require(count < MAX_CALLS, "too many calls");
    struct call *call = &calls[count];
    call->program = at, at += strlen(at) + 1;
    for (int i = 0; *at; at += strlen(at) + 1) {
      require(i < MAX_VARIABLES, "too many variables");
      call->environment[i++] = at;
    }
    call->conf = ++at, at += strlen(at) + 1;
    require(strlen(call->conf) <= MAX_CONF, "too long an input");
    call->output = memfd_create("output", MFD_CLOEXEC);
    require(call->output >= 0, "memfd_create");
  }
  return count;
}

// Runs in a separate process. Everything is prepared before the start.
static void run(const struct call *call, int start, volatile struct outcome *outcome) {
  int input[2], status;
  pid_t child;
  char byte, *arguments[] = {call->program, NULL};
  posix_spawn_file_actions_t actions;
  require(pipe2(input, O_CLOEXEC) == 0, "pipe");
  require(write(input[1], call->conf, strlen(call->conf)) == (ssize_t)strlen(call->conf), "write");
  close(input[1]);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, call->output, STDOUT_FILENO);
  outcome->is_ready = 1;
  require(read(start, &byte, 1) == 0, "start");
  require(posix_spawn(&child, call->program, &actions, NULL, arguments, (char **)call->environment) == 0, "spawn");
  require(waitpid(child, &status, 0) == child, "waitpid");
  outcome->ended = now_us();
  outcome->status = status;
  exit(0);
}

int main(void) {
  int count = read_calls(), start[2], code = 0;
  size_t size = sizeof(struct outcome) * MAX_CALLS;
  volatile struct outcome *outcomes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  require(outcomes != MAP_FAILED && pipe2(start, O_CLOEXEC) == 0, "pipe");
  for (int i = 0; i < count; i++) {
    pid_t pid = fork();
    require(pid >= 0, "fork");
    if (pid == 0) close(start[1]), run(&calls[i], start[0], &outcomes[i]);
  }
  for (int i = 0; i < count; i++)
    while (!outcomes[i].is_ready) usleep(100);
  usleep(1000); // blocks until the last child waits for the start
  int64_t began = now_us();
  close(start[1]);
  for (int i = 0, status; i < count; i++) require(wait(&status) > 0 && status == 0, "a call");
  for (int i = 0; i < count; i++) {
    if (outcomes[i].status == 0) {
      printf("%lld\n", (long long)(outcomes[i].ended - began));
      continue;
    }
    ssize_t length = pread(calls[i].output, printed, sizeof printed, 0);
    fprintf(stderr, "%s: status %d: %.*s\n", calls[i].program, outcomes[i].status, (int)length, printed);
    code = 1;
  }
  return code;
}
