// SPDX-License-Identifier: Apache-2.0
import { libc } from '../../nodeplugin/netlink/libc.ts';

/** A link in this process's namespace that sends and receives raw frames. */
export interface Capture extends Disposable {
  /** Returns the frames that have arrived since the last call. */
  take(): readonly Uint8Array[];
  send(frame: Uint8Array): void;
}

// linux/socket.h, linux/if_ether.h, linux/if_packet.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL_BE = 0x0300;
/** struct sockaddr_ll: u16 family, be16 protocol, i32 ifindex, u16 hatype, u8 pkttype, u8 halen, u8 addr[8]. */
const sockaddrLength = 20;

/** Captures frames on the other end of the parent's veth pair. A frame that arrives there was sent by the parent. */
export function captureFrames(ifindex: number): Capture {
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, ETH_P_ALL_BE);
  if (fd < 0) throw new Error('no packet socket');
  const address = Buffer.alloc(sockaddrLength);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16LE(ETH_P_ALL_BE, 2);
  address.writeInt32LE(ifindex, 4);
  if (libc.bind(fd, address, sockaddrLength) !== 0) throw new Error('cannot bind a packet socket');
  const buffer = new Uint8Array(65_536);
  return {
    take() {
      const frames: Uint8Array[] = [];
      for (;;) {
        const length = libc.recv(fd, buffer, buffer.length, 0);
        if (length <= 0) return frames;
        frames.push(buffer.slice(0, length));
      }
    },
    send(frame) {
      if (libc.send(fd, frame, frame.length, 0) !== frame.length) throw new Error('a frame was not sent');
    },
    [Symbol.dispose]: () => void libc.close(fd),
  };
}
