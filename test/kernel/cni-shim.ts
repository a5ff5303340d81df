// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, lstatSync } from 'node:fs';
import { connect } from 'node:net';
import {
  type AnswerFrame,
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  type Frame,
  frameHeaderLength,
} from '../../nodeplugin/cni/shim/frame.ts';

/** A container runtime's call of a plugin. */
export interface ShimCall {
  readonly environment: Readonly<Record<string, string>>;
  readonly conf: unknown;
  /** Called before the tap's device node is given to the virtual machine's user. */
  readonly beforeOwned?: () => Promise<void>;
  /** Called instead of giving the device node away. */
  readonly onOwn?: (own: Extract<Frame, { type: 'own' }>) => Extract<Frame, { type: 'owned' }>;
}

/**
 * Plays the shim's part of the protocol in TypeScript. Sends the request, gives the tap's device node to the virtual
 * machine's user, and returns the answer.
 */
export async function callShim(
  socketPath: string,
  { environment, conf, beforeOwned, onOwn = giveTapToOwner }: ShimCall,
): Promise<AnswerFrame> {
  const socket = connect(socketPath);
  const stdin = new TextEncoder().encode(typeof conf === 'string' ? conf : JSON.stringify(conf));
  socket.write(encodeFrame({ type: 'request', environment: new Map(Object.entries(environment)), stdin }));
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    for (let frame = takeFrame(); frame !== undefined; frame = takeFrame()) {
      if (frame.type === 'answer') {
        socket.end();
        return frame;
      }
      if (frame.type !== 'own') continue;
      await beforeOwned?.();
      socket.write(encodeFrame(onOwn(frame)));
    }
  }
  throw new Error('the connection ended before the answer');

  function takeFrame(): Frame | undefined {
    if (received.length < frameHeaderLength) return undefined;
    const length = frameHeaderLength + decodeFrameHeader(received).bodyLength;
    if (received.length < length) return undefined;
    const frame = decodeFrame(received.subarray(0, length));
    received = received.subarray(length);
    return frame;
  }
}

function giveTapToOwner({
  ifindex,
  major,
  minor,
  uid,
  gid,
}: Extract<Frame, { type: 'own' }>): Extract<Frame, { type: 'owned' }> {
  const path = `/dev/tap${ifindex}`;
  const { rdev } = lstatSync(path);
  // Splits the device number as sys/sysmacros.h does for small numbers.
  if (((rdev >>> 8) & 0xfff) !== major || ((rdev & 0xff) | ((rdev >>> 12) & 0xfff00)) !== minor) {
    return { type: 'owned', errno: 6, step: 'device number' };
  }
  chmodSync(path, 0o660);
  chownSync(path, uid, gid);
  return { type: 'owned', errno: 0, step: '' };
}
