// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import koffi, { type KoffiFunc } from 'koffi';

/** The link of a tap. The kernel reports it for the open descriptor, whichever namespace the link is in. */
export interface TapOwner {
  readonly name: string;
  /** Distinguishes links of the same name: the kernel chose the address at random. */
  readonly macAddress: string;
}

/**
 * Opens a tap as a virtual machine does, and returns the link to which it belongs. Raises an error such as ENXIO if the
 * tap has no link.
 */
export async function readTapOwner(path: string): Promise<TapOwner> {
  await using file = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  const name = ask(file.fd, tunGetIff).subarray(0, nameBytes);
  const macAddress = ask(file.fd, siocGifHwAddr).subarray(macOffset, macOffset + 6);
  return {
    name: name.subarray(0, name.indexOf(0)).toString(),
    macAddress: [...macAddress].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
  };
}

function ask(fd: number, request: number): Buffer {
  const answer = Buffer.alloc(ifreqBytes);
  if (ioctl(fd, request, answer) !== 0) throw new Error(`ioctl ${request.toString(16)}: errno ${koffi.errno()}`);
  return answer;
}

const ioctl = koffi.load('libc.so.6').func('int ioctl(int fd, unsigned long request, uint8_t *answer)') as KoffiFunc<
  (fd: number, request: number, answer: Uint8Array) => number
>;

/**
 * TUNGETIFF is _IOR('T', 210, unsigned int) (linux/if_tun.h), and SIOCGIFHWADDR is in linux/sockios.h. tap_ioctl
 * supports both.
 */
const tunGetIff = 0x8004_54d2;
const siocGifHwAddr = 0x8927;
/** struct ifreq (linux/if.h): the name, then a struct sockaddr, whose family takes two bytes. */
const ifreqBytes = 40;
const nameBytes = 16;
const macOffset = nameBytes + 2;
