// SPDX-License-Identifier: Apache-2.0
// Exchanges numbered Ethernet frames with peers, and counts those that arrive:
//   frames REPORT INTERVAL_MS DEVICE MAC PEER_MAC...
// DEVICE is a link (eth0) or a tap (/dev/tap7); MAC is its own. Each peer gets one frame per interval, "frame 0",
// "frame 1", ... The file REPORT always holds one line per peer:
//   <peer's mac> sent=<n> received=<n> last=<number> missing=<n> longest=<most missing in a row>
// A frame counts as missing when a later one of its peer has arrived. Compiled statically, for guests without a libc.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// IEEE 802 local experimental EtherType 1: no kernel has a handler for it.
#define ETHER_TYPE 0x88b5
#define MOST_PEERS 16
// A fresh macvtap queue has a struct virtio_net_hdr of ten bytes before each frame (tap_open, drivers/net/tap.c).
#define VNET_HEADER 10
#define FRAME 60
#define REPORT_MS 50

struct peer {
  unsigned char mac[6];
  long sent, received, last, missing, longest;
};

static struct peer peers[MOST_PEERS];
static int count;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void parse_mac(const char *text, unsigned char *mac) {
  if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6) return;
  fprintf(stderr, "%s: not a MAC address\n", text);
  exit(2);
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_link(const char *name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETHER_TYPE));
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETHER_TYPE)};
  address.sll_ifindex = if_nametoindex(name);
  if (fd < 0 || address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(name);
  return fd;
}

static void send_to(int fd, int header, const unsigned char *own, struct peer *to) {
  unsigned char bytes[VNET_HEADER + FRAME] = {0};
  unsigned char *frame = bytes + header;
  memcpy(frame, to->mac, 6);
  memcpy(frame + 6, own, 6);
  frame[12] = ETHER_TYPE >> 8;
  frame[13] = ETHER_TYPE & 0xff;
  memset(frame + 14, ' ', FRAME - 14);
  char text[32];
  memcpy(frame + 14, text, snprintf(text, sizeof text, "frame %ld", to->sent));
  // A frame that the link does not take is lost, as one on the wire.
  if (write(fd, bytes, header + FRAME) < 0) errno = 0;
  to->sent++;
}

static void receive(int fd, int header) {
  unsigned char bytes[VNET_HEADER + 65550];
  for (;;) {
    ssize_t length = read(fd, bytes, sizeof bytes - 1);
    if (length < 0) return;
    if (length < header + 20) continue;
    unsigned char *frame = bytes + header;
    bytes[length] = 0;
    long number;
    if (frame[12] != ETHER_TYPE >> 8 || frame[13] != (ETHER_TYPE & 0xff)) continue;
    if (sscanf((char *)frame + 14, "frame %ld", &number) != 1) continue;
    for (int i = 0; i < count; i++) {
      struct peer *from = &peers[i];
      if (memcmp(frame + 6, from->mac, 6) != 0) continue;
      from->received++;
      long missing = from->last < 0 ? 0 : number - from->last - 1;
      if (missing > 0) from->missing += missing;
      if (missing > from->longest) from->longest = missing;
      if (number > from->last) from->last = number;
    }
  }
}

static void report(const char *path) {
  char temporary[256];
  snprintf(temporary, sizeof temporary, "%s.new", path);
  FILE *file = fopen(temporary, "w");
  if (file == NULL) fail(temporary);
  for (int i = 0; i < count; i++) {
    struct peer *p = &peers[i];
    for (int j = 0; j < 6; j++) fprintf(file, "%s%02x", j ? ":" : "", p->mac[j]);
    fprintf(file, " sent=%ld received=%ld last=%ld missing=%ld longest=%ld\n", p->sent, p->received, p->last,
            p->missing, p->longest);
  }
  fclose(file);
  if (rename(temporary, path) < 0) fail(path);
}

int main(int argc, char **argv) {
  if (argc < 6 || argc > 5 + MOST_PEERS) {
    fprintf(stderr, "usage: frames REPORT INTERVAL_MS DEVICE MAC PEER_MAC...\n");
    return 2;
  }
  long interval = atol(argv[2]);
  int is_tap = strncmp(argv[3], "/dev/", 5) == 0;
  int header = is_tap ? VNET_HEADER : 0;
  int fd = is_tap ? open(argv[3], O_RDWR | O_NONBLOCK) : open_link(argv[3]);
  if (fd < 0) fail(argv[3]);
  unsigned char own[6];
  parse_mac(argv[4], own);
  for (count = 0; count < argc - 5; count++) {
    parse_mac(argv[5 + count], peers[count].mac);
    peers[count].last = -1;
  }
  for (long next = now_ms(), reported = 0;;) {
    long now = now_ms();
    if (now >= next) {
      for (int i = 0; i < count; i++) send_to(fd, header, own, &peers[i]);
      // After a pause the numbers go on; frames that could not be sent meanwhile are not made up for.
      next = now - next > 10 * interval ? now + interval : next + interval;
    }
    if (now - reported >= REPORT_MS) {
      report(argv[1]);
      reported = now;
    }
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    long wait = next - now_ms();
    if (poll(&waiting, 1, wait > 0 ? wait : 0) > 0) receive(fd, header);
  }
}
