// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/** The names of the node plugin's sockets in kubelet's directory. */
export const socketNamePattern = /^kube-macvtap-.+\.sock$/;

/**
 * The maximum length of a path in bytes. `sun_path` is char[108] including the NUL (linux/un.h). One more byte is not
 * used, because some programs count the NUL differently.
 */
export const maxSocketPathBytes = 106;

/**
 * Chooses the path of a server's socket. The path contains the resource's name, or the name's hash if the name is too
 * long. Raises `SocketPathTooLong`.
 *
 * Each server needs a different `startId`. grpc-js removes a server's path when it closes the server, and with a shared
 * path it would remove the socket of the next server.
 *
 * @example '/var/lib/kubelet/device-plugins/kube-macvtap-dataplane.5f01c2.sock'
 */
export function chooseSocketPath(directory: string, name: string, startId: string): string {
  const candidates = [name, hashName(name)].map((middle) => join(directory, `kube-macvtap-${middle}.${startId}.sock`));
  const path = candidates.find((candidate) => Buffer.byteLength(candidate) <= maxSocketPathBytes);
  if (path !== undefined) return path;
  const shortest = Math.min(...candidates.map((candidate) => Buffer.byteLength(candidate)));
  throw new MacvtapError(
    'SocketPathTooLong',
    `no socket for resource ${name} fits in ${directory}: its path would have ${shortest} bytes, and at most ` +
      `${maxSocketPathBytes} are possible; give kubelet (and --kubelet-dir) a shorter directory, or mount it at a shorter one`,
    { facts: { directory, resource: name, bytes: shortest } },
  );
}

function hashName(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 10);
}

/**
 * Removes the sockets that a killed node plugin left in kubelet's directory, and returns their names. Such sockets have
 * the node plugin's names, and no process listens on them. Must be called before the first server is started. Does
 * nothing if the directory is missing.
 */
export async function removeStaleSockets(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const ours = entries.filter((entry) => entry.isSocket() && socketNamePattern.test(entry.name));
  const removed = await Promise.all(
    ours.map(async ({ name }) => {
      const path = join(directory, name);
      if ((await isListening(path)) !== 'no') return undefined;
      // The socket may already be gone, because kubelet also removes the sockets in this directory.
      return unlink(path).then(
        () => name,
        () => undefined,
      );
    }),
  );
  return removed.filter((name) => name !== undefined).sort();
}

/**
 * Raises `UpstreamPluginRunning` while the plugin of macvtap-cni serves the resource. Two plugins for one resource
 * would keep replacing each other's registration, and would create links of the same names. The socket of macvtap-cni
 * in kubelet's directory is `<resource namespace>_<name>` (device-plugin-manager pkg/dpm/plugin.go).
 */
export async function refuseBesideUpstream(directory: string, name: string): Promise<void> {
  const path = join(directory, `${resourcePrefix.slice(0, -1)}_${name}`);
  if ((await isListening(path)) !== 'yes') return;
  throw new MacvtapError(
    'UpstreamPluginRunning',
    `resource ${name}: another macvtap device plugin serves it on ${path}; remove macvtap-cni's DaemonSet from this node, ` +
      'then it is registered by itself',
    { facts: { resource: name, path } },
  );
}

/**
 * Returns whether a process listens on a unix socket. `no` is certain: the kernel refused the connection, or there is
 * no file. `perhaps` is the answer for any other failure, such as missing permissions or a full backlog.
 */
export function isListening(path: string): Promise<'yes' | 'no' | 'perhaps'> {
  const { promise, resolve } = Promise.withResolvers<'yes' | 'no' | 'perhaps'>();
  const socket = connect(path);
  socket.once('connect', () => resolve('yes'));
  socket.once('error', ({ code }: NodeJS.ErrnoException) =>
    resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'no' : 'perhaps'),
  );
  return promise.finally(() => socket.destroy());
}
