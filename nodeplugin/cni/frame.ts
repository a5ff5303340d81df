// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/**
 * What the CNI plugin's shim on the host and the node plugin say to each other over a stream socket, in frames:
 *
 *     offset  bytes
 *     0       4      "KMVT"
 *     4       1      version, 1
 *     5       1      type
 *     6       2      zero
 *     8       4      length of the body, big-endian (htonl)
 *     12             the body
 *
 * These twelve bytes are the same in every version. One exchange a connection:
 *
 *     shim    → node plugin   1 request   at once
 *     node plugin   → shim    2 own       zero or one time, during ADD
 *     shim    → node plugin   3 owned     after each 2
 *     node plugin   → shim    4 answer    always the last; then the node plugin closes
 *
 * Bodies; every number is 4 bytes, big-endian:
 *
 * - request: the length of the environment; the environment as `KEY=value\0` for each of CNI_COMMAND, CNI_CONTAINERID,
 *   CNI_NETNS, CNI_IFNAME, CNI_ARGS, CNI_PATH that is set, in any order, at most 64 KiB; then what was read from standard
 *   input, as it is, at most 1 MiB. More than that the shim refuses by itself (CNI error 5).
 * - own: ifindex, major, minor, uid, gid. The shim gives `/dev/tap<ifindex>` to uid:gid with mode 0660: it opens the node
 *   with O_PATH|O_NOFOLLOW (any other open would put a queue on the tap), checks by fstat that it is a character device of
 *   that number, changes the mode by chmod of /proc/self/fd/<fd> and then the owner by fchownat(fd, "", …, AT_EMPTY_PATH):
 *   mode first, as its owner may. Nothing but these numbers comes from the node plugin, so that one that was taken over
 *   cannot make the shim touch anything but the owner of a tap.
 * - owned: 0, or the errno of the step that failed; then the step's name, for the message: `open`, `fstat`, `device number`
 *   (with errno ENXIO), `chmod`, `chown`. At most 256 bytes.
 * - answer: the exit code of the shim, then what it prints to standard output, which may be nothing.
 *
 * A connection that ends before the answer means that the node plugin died or ends: ADD prints CNI error 11 (try again
 * later), DEL leaves a tombstone (tombstones.ts). A frame of another version than the shim's is treated likewise. The node
 * plugin answers a shim of a newer version with an error in its own.
 */
export type Frame =
  | { readonly type: 'request'; readonly environment: ReadonlyMap<string, string>; readonly stdin: Uint8Array }
  | ({ readonly type: 'own' } & TapOwnership)
  | { readonly type: 'owned'; readonly errno: number; readonly step: string }
  | { readonly type: 'answer'; readonly exitCode: number; readonly output: string };

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
const types = { request: 1, own: 2, owned: 3, answer: 4 } as const satisfies Record<Frame['type'], number>;

const maxEnvironment = 64 * 1024;
export const maxStdin = 1024 * 1024;

/** The longest body of each type. An answer holds a result, which is about as long as the prevResult that it grew from. */
const maxBody = {
  request: 4 + maxEnvironment + maxStdin,
  own: 20,
  owned: 4 + 256,
  answer: 4 + 2 * maxStdin,
} as const satisfies Record<Frame['type'], number>;

/** How many bytes a result or an error may have. */
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

/** Reads the first twelve bytes; refuses what is no frame, too long, or of another version. Raises `CNIFrameMalformed`. */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader {
  const header = toBuffer(bytes);
  if (header.length < frameHeaderLength) throw malformed(`a frame ended after ${header.length} bytes`);
  if (!magic.every((byte, i) => header[i] === byte)) throw malformed('it does not begin with KMVT');
  if (header[4] !== version) {
    throw malformed(
      `it is of version ${header[4]}, and ${version} is spoken here: install the CNI plugin that came along`,
    );
  }
  const type = (Object.keys(types) as Frame['type'][]).find((name) => types[name] === header[5]);
  if (type === undefined) throw malformed(`${header[5]} is no type of a frame`);
  const bodyLength = header.readUInt32BE(8);
  if (bodyLength > maxBody[type])
    throw malformed(`${bodyLength} bytes are more than the ${maxBody[type]} of a ${type}`);
  return { type, bodyLength };
}

/** Reads a whole frame and nothing beyond it. Raises `CNIFrameMalformed`. */
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
    case 'owned': {
      const [errno = 0] = numbers(body, 1);
      return { type, errno, step: decodeText(body.subarray(4)) };
    }
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
      return Buffer.concat([encodeNumbers(frame.errno), Buffer.from(frame.step)]);
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
