// SPDX-License-Identifier: Apache-2.0
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import type { OpenImage } from './open-image.ts';

interface RunOptions {
  /** In place of the image's own. */
  readonly entrypoint?: readonly string[];
  /** Appended to the ENTRYPOINT. */
  readonly args: readonly string[];
  /** A network namespace by its name; the machine's own where none is given. */
  readonly namespace?: string;
  /** Folders of the host that are seen at the same place. */
  readonly folders?: readonly string[];
}

/**
 * Starts what an image starts, in its root file system, with its user and its variables and no others, as a container
 * runtime does. The root file system is read-only but for the folders, as the chart has it.
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

/** Mounts what a container runtime would, and the folders; then becomes its arguments. */
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
