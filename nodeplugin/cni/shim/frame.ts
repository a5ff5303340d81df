// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';

/**
 * The protocol between the CNI plugin's shim on the host and the node plugin: frames over a stream socket.
 *
 *     offset  bytes
 *     0       4      "KMVT"
 *     4       1      version, 1
 *     5       1      type
 *     6       2      zero
 *     8       4      length of the body, big-endian (htonl)
 *     12             the body
 *
 * These twelve bytes are the same in every version. A connection carries one exchange:
 *
 *     shim    → node plugin   1 request   at once
 *     node plugin   → shim    2 own       zero or one time, during ADD
 *     shim    → node plugin   3 owned     after each 2
 *     node plugin   → shim    5 lend      zero or one time, during ADD
 *     shim    → node plugin   6 lent      after each 5
 *     node plugin   → shim    4 answer    always the last; then the node plugin closes
 *
 * Bodies; every number is 4 bytes, big-endian:
 *
 * - request: the length of the environment, the environment, and the bytes of standard input. The environment has
 *   `KEY=value\0` for each of CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS, CNI_PATH that is set, in
 *   any order. It has at most 64 KiB, and standard input at most 1 MiB. The shim rejects larger requests itself (CNI
 *   error 5).
 * - own: ifindex, major, minor, uid, gid. The shim gives `/dev/tap<ifindex>` to uid:gid with mode 0660, in these steps:
 *   1. Open the device node with O_PATH|O_NOFOLLOW. Any other open would attach a queue to the tap.
 *   2. Check with fstat that it is a character device with the number major:minor.
 *   3. Change the mode with chmod of /proc/self/fd/<fd>, while the shim still owns the device node.
 *   4. Change the owner with fchownat(fd, "", …, AT_EMPTY_PATH).
 *
 *   The frame contains only numbers, so a compromised node plugin can make the shim change only the owner of a tap.
 * - owned: 0, or the errno of the failed step; then the step's name for the message: `open`, `fstat`, `device number`
 *   (with errno ENXIO), `chmod`, `chown`. The name has at most 256 bytes.
 * - lend: an empty body. The shim replies with a netlink socket (NETLINK_ROUTE) of the namespace in CNI_NETNS. It
 *   opened the socket before it connected, so the node plugin cannot choose the namespace.
 * - lent: 0, or the errno of the failed step; then the step's name: `open`, `setns`, `socket`. If the number is 0, the
 *   frame carries the descriptor as SCM_RIGHTS (unix(7)); unix-socket.ts receives it.
 * - answer: the exit code of the shim, then the text that it prints to standard output, which may be empty.
 *
 * If a connection ends before the answer, the node plugin was killed or is shutting down. The shim then saves a DEL as
 * a pending DEL (pending-dels.ts). For other commands, it prints CNI error 11 (try again later), or 50 for STATUS. If
 * the shim and the node plugin have different versions, the node plugin answers with an error in its own version. The
 * shim treats this frame as a missing answer.
 */
export type Frame =
  | { readonly type: 'request'; readonly environment: ReadonlyMap<string, string>; readonly stdin: Uint8Array }
  | ({ readonly type: 'own' } & TapOwnership)
  | { readonly type: 'owned'; readonly errno: number; readonly step: string }
  | { readonly type: 'lend' }
  | { readonly type: 'lent'; readonly errno: number; readonly step: string }
  | { readonly type: 'answer'; readonly exitCode: number; readonly output: string };

export type RequestFrame = Extract<Frame, { type: 'request' }>;
export type AnswerFrame = Extract<Frame, { type: 'answer' }>;

/** @example { ifindex: 1073741950, major: 246, minor: 3, uid: 107, gid: 107 } */
export interface TapOwnership {
  readonly ifindex: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FrameHeader {
  readonly type: Frame['type'];
  readonly bodyLength: number;
}

export const frameHeaderLength = 12;
const version = 1;
const magic = new TextEncoder().encode('KMVT');
const types = { request: 1, own: 2, owned: 3, answer: 4, lend: 5, lent: 6 } as const satisfies Record<
  Frame['type'],
  number
>;

const maxEnvironment = 64 * 1024;
export const maxStdin = 1024 * 1024;

/** The maximum length of each type's body. An answer may contain a result that is slightly longer than prevResult. */
const maxBody = {
  request: 4 + maxEnvironment + maxStdin,
  own: 20,
  owned: 4 + 256,
  lend: 0,
  lent: 4 + 256,
  answer: 4 + 2 * maxStdin,
} as const satisfies Record<Frame['type'], number>;

/** The size of the longest frame of type `lent`, including its header. */
export const maxLentBytes = frameHeaderLength + maxBody.lent;

/** The maximum size of a result or an error in bytes. */
export const maxOutput = maxBody.answer - 4;

export function encodeFrame(frame: Frame): Uint8Array {
  const body = encodeBody(frame);
  const header = Buffer.alloc(frameHeaderLength);
  header.set(magic);
  header[4] = version;
  header[5] = types[frame.type];
  header.writeUInt32BE(body.length, 8);
  return Buffer.concat([header, body]);
}

/**
 * Decodes the header, which is the first twelve bytes. Raises `CNIFrameMalformed` if the data is not a header, has
 * another version, or announces a body that is too long.
 */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader {
  const header = toBuffer(bytes);
  if (header.length < frameHeaderLength) throw malformed(`a frame ended after ${header.length} bytes`);
  if (!magic.every((byte, i) => header[i] === byte)) throw malformed('it does not begin with KMVT');
  if (header[4] !== version) {
    throw malformed(
      `it has version ${header[4]}, and this node plugin supports version ${version}: install the CNI plugin of the same release`,
    );
  }
  const type = (Object.keys(types) as Frame['type'][]).find((name) => types[name] === header[5]);
  if (type === undefined) throw malformed(`${header[5]} is not a frame type`);
  const bodyLength = header.readUInt32BE(8);
  if (bodyLength > maxBody[type])
    throw malformed(`${bodyLength} bytes are more than the ${maxBody[type]} of a ${type}`);
  return { type, bodyLength };
}

/** Decodes exactly one whole frame. Raises `CNIFrameMalformed`. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const { type, bodyLength } = decodeFrameHeader(bytes);
  const body = toBuffer(bytes).subarray(frameHeaderLength);
  if (body.length !== bodyLength) throw malformed(`the body has ${body.length} bytes instead of ${bodyLength}`);
  switch (type) {
    case 'request':
      return decodeRequest(body);
    case 'own': {
      const [ifindex = 0, major = 0, minor = 0, uid = 0, gid = 0] = numbers(body, 5);
      if (body.length !== 20) throw malformed(`an own has ${body.length} bytes`);
      return { type, ifindex, major, minor, uid, gid };
    }
    case 'owned':
    case 'lent': {
      const [errno = 0] = numbers(body, 1);
      return { type, errno, step: decodeText(body.subarray(4)) };
    }
    case 'lend':
      return { type };
    case 'answer': {
      const [exitCode = 0] = numbers(body, 1);
      return { type, exitCode, output: decodeText(body.subarray(4)) };
    }
  }
}

function encodeBody(frame: Frame): Uint8Array {
  switch (frame.type) {
    case 'request': {
      const environment = Buffer.from([...frame.environment].map(([key, value]) => `${key}=${value}\0`).join(''));
      return Buffer.concat([encodeNumbers(environment.length), environment, frame.stdin]);
    }
    case 'own':
      return encodeNumbers(frame.ifindex, frame.major, frame.minor, frame.uid, frame.gid);
    case 'owned':
    case 'lent':
      return Buffer.concat([encodeNumbers(frame.errno), Buffer.from(frame.step)]);
    case 'lend':
      return Buffer.alloc(0);
    case 'answer':
      return Buffer.concat([encodeNumbers(frame.exitCode), Buffer.from(frame.output)]);
  }
}

function decodeRequest(body: Buffer): Frame {
  const [length = 0] = numbers(body, 1);
  const rest = body.subarray(4);
  if (length > maxEnvironment || length > rest.length) throw malformed(`an environment claims ${length} bytes`);
  const environment = new Map<string, string>();
  const text = decodeText(rest.subarray(0, length));
  if (text !== '' && !text.endsWith('\0')) throw malformed('the last variable does not end with NUL');
  for (const variable of text.split('\0').slice(0, -1)) {
    const [, key, value] = /^([A-Z_]+)=(.*)$/s.exec(variable) ?? [];
    if (key === undefined || value === undefined) throw malformed('a variable is not written KEY=value');
    if (environment.has(key)) throw malformed(`the variable ${key} comes twice`);
    environment.set(key, value);
  }
  const stdin = rest.subarray(length);
  if (stdin.length > maxStdin) throw malformed(`${stdin.length} bytes of standard input are too many`);
  return { type: 'request', environment, stdin };
}

function numbers(body: Buffer, count: number): readonly number[] {
  if (body.length < 4 * count) throw malformed(`a body of ${body.length} bytes is too short`);
  return Array.from({ length: count }, (_, i) => body.readUInt32BE(4 * i));
}

function encodeNumbers(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (thrown) {
    throw malformed('a text is not UTF-8', thrown);
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(detail: string, cause?: unknown): MacvtapError {
  return new MacvtapError('CNIFrameMalformed', `cannot read a frame of the CNI plugin: ${detail}`, { cause });
}
