// SPDX-License-Identifier: Apache-2.0
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import type { OpenImage } from './open-image.ts';

interface RunOptions {
  /** Replaces the image's own entrypoint. */
  readonly entrypoint?: readonly string[];
  /** Appended to the ENTRYPOINT. */
  readonly args: readonly string[];
  /** The name of a network namespace; the default is the machine's own. */
  readonly namespace?: string;
  /** Folders of the host that are mounted at the same path. */
  readonly folders?: readonly string[];
}

/**
 * Starts an image's program as a container runtime does: in the image's root file system, with its user, and with only
 * its variables. As in the chart, the root file system is read-only except for the folders.
 */
export function runInImage({ path, config }: OpenImage, options: RunOptions): RunningProcess {
  const { args, namespace, folders = [] } = options;
  const { User: user = '0:0', Env: variables = [], Entrypoint: own = [] } = config.config;
  const entrypoint = options.entrypoint ?? own;
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  const [first = '', ...rest] = [
    ...[...inside, 'unshare', '--mount', '--propagation', 'private', 'sh', '-c', prepare(path, folders), 'sh'],
    ...['env', '-i', ...variables, 'chroot', `--userspec=${user}`, path, ...entrypoint, ...args],
  ];
  return startProcess({ name: entrypoint.join(' '), command: [first, ...rest] });
}

/**
 * Returns a script that mounts the folders and what a container runtime would mount, and then executes its arguments.
 */
function prepare(root: string, folders: readonly string[]): string {
  const mounted = ['/dev', '/proc', '/sys', ...folders];
  return [
    'set -e',
    ...mounted.map((folder) => `mkdir -p '${root}${folder}'`),
    `mount --bind '${root}' '${root}'`,
    ...mounted.map((folder) => `mount --rbind '${folder}' '${root}${folder}'`),
    `mount -o remount,bind,ro '${root}'`,
    'exec "$@"',
  ].join('\n');
}
