// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { MacvtapError } from '../../runtime/errors.ts';
import {
  align,
  decodeAttributes,
  encodeAttributes,
  malformed,
  readNumber,
  u32Attribute,
} from '../netlink/attributes.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { type NetlinkRequest, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from '../netlink/message.ts';
import type { Requester } from '../netlink/netlink-socket.ts';

// linux/rtnetlink.h
const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;

/** linux/net_namespace.h */
const NETNSA = { NSID: 1, FD: 3 } as const;

/** NETNSA_NSID_NOT_ASSIGNED, which is -1 in an unsigned attribute. */
const notAssigned = 0xffff_ffff;

/** sizeof(struct rtgenmsg), linux/rtnetlink.h: u8 family; attributes begin at the next multiple of four. */
const rtgenmsgLength = align(1);

/**
 * Runs a task with the ID that this process's namespace has for another network namespace. With the ID, the task can
 * use the links there without entering the namespace (setns would need SYS_ADMIN). If there is no namespace at the
 * path, the task is not run, and the result is undefined. Raises `NetnsUnreachable`.
 *
 * The namespace is open only while the task runs, because an open descriptor keeps the namespace and its taps alive.
 * The file is opened synchronously: that takes a few microseconds, less than a switch to another thread.
 */
export async function withNetnsID<Value>(
  socket: Requester,
  path: string,
  run: (netnsID: number) => Promise<Value>,
  signal?: AbortSignal,
): Promise<Value | undefined> {
  const fd = openIfThere(path);
  if (fd === undefined) return undefined;
  using scope = new DisposableStack();
  scope.defer(() => closeSync(fd));
  const netnsID = await findNetnsID(socket, fd, path, signal);
  return netnsID === undefined ? undefined : run(netnsID);
}

/**
 * Returns the ID of an open namespace, and assigns an ID if it has none. Returns undefined if the file is not a
 * namespace. The ID stays valid as long as the namespace exists, even after its path is gone. Raises
 * `NetnsUnreachable`.
 */
async function findNetnsID(
  socket: Requester,
  fd: number,
  path: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const known = await askNetnsID(socket, fd, path, signal);
  if (known !== 'none yet') return known;
  if (!(await assignNetnsID(socket, fd, path, signal))) return undefined;
  const given = await askNetnsID(socket, fd, path, signal);
  return given === 'none yet' ? undefined : given;
}

/**
 * Assigns an ID to an open namespace if it has none. Returns false if the file is not a namespace. Raises
 * `NetnsUnreachable`.
 */
export async function assignNetnsID(
  socket: Requester,
  fd: number,
  path: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const reply = await socket.request(encodeNewNetnsID(fd), signal);
  const errno = nameErrno(reply.errno);
  // EINVAL: the file is not a namespace. It may be the mount point of a namespace that is gone or not mounted here.
  if (errno === 'EINVAL') return false;
  // EEXIST: the namespace has an ID.
  if (reply.errno !== 0 && errno !== 'EEXIST') throw unreachable(path, reply.errno, reply.text);
  return true;
}

async function askNetnsID(
  socket: Requester,
  fd: number,
  path: string,
  signal?: AbortSignal,
): Promise<number | 'none yet' | undefined> {
  const reply = await socket.request(encodeGetNetnsID(fd), signal);
  // EINVAL: the file is not a namespace (see `assignNetnsID`).
  if (nameErrno(reply.errno) === 'EINVAL') return undefined;
  const [message] = reply.messages;
  if (reply.errno !== 0 || message === undefined) throw unreachable(path, reply.errno, reply.text);
  return decodeNetnsID(message.payload) ?? 'none yet';
}

function openIfThere(path: string): number | undefined {
  try {
    // A FIFO or a device at the path must not block the process. libuv adds O_CLOEXEC.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new MacvtapError('NetnsUnreachable', `cannot open the network namespace ${path}: ${message}`, {
      cause: thrown,
    });
  }
}

function unreachable(netns: string, errno: number, text: string | undefined): MacvtapError {
  return new MacvtapError(
    'NetnsUnreachable',
    `cannot reach the network namespace ${netns}: ${text ?? describeErrno(errno)}; mount /run/netns into the container ` +
      'with mount propagation HostToContainer, and give it CAP_NET_ADMIN',
    { facts: { netns, errno: nameErrno(errno) } },
  );
}

/**
 * Encodes a request for the ID of the namespace on which `netnsFd` is open. The ID is valid in the socket's namespace.
 */
export function encodeGetNetnsID(netnsFd: number): NetlinkRequest {
  return request(RTM_GETNSID, encodeAttributes([u32Attribute(NETNSA.FD, netnsFd)]));
}

/**
 * Encodes a request that assigns an ID to a namespace. The kernel chooses the ID. The ID is valid in the socket's
 * namespace, for as long as both namespaces exist.
 */
export function encodeNewNetnsID(netnsFd: number): NetlinkRequest {
  const attributes = [u32Attribute(NETNSA.NSID, notAssigned), u32Attribute(NETNSA.FD, netnsFd)];
  return request(RTM_NEWNSID, encodeAttributes(attributes));
}

/** Encodes a request for the IDs of all namespaces that have an ID in the socket's namespace. */
export function encodeDumpNetnsIDs(): NetlinkRequest {
  return { type: RTM_GETNSID, flags: NLM_F_REQUEST | NLM_F_DUMP, payload: new Uint8Array(rtgenmsgLength) };
}

/**
 * Decodes the ID in a reply to `encodeGetNetnsID`. Returns undefined if no ID is assigned yet. Raises
 * `NetlinkMalformed`.
 */
export function decodeNetnsID(payload: Uint8Array): number | undefined {
  if (payload.length < rtgenmsgLength) throw malformed(`a namespace message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(rtgenmsgLength));
  const value = readNumber(attributes, NETNSA.NSID);
  if (value === undefined || value === notAssigned) return undefined;
  return value;
}

/**
 * Creates a brief request: the kernel handles RTM_GETNSID and RTM_NEWNSID without its network lock, rtnl_lock
 * (net_ns_init, net/core/net_namespace.c).
 */
function request(type: number, attributes: Uint8Array): NetlinkRequest {
  return {
    type,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    isBrief: true,
    payload: Buffer.concat([new Uint8Array(rtgenmsgLength), attributes]),
  };
}
