// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network namespace of the test's own, with iproute2 inside as a second opinion on what the code under test did. */
export interface NetworkNamespace extends AsyncDisposable {
  readonly name: string;
  /** To open for its descriptor. */
  readonly path: string;
  /** Runs `ip <args>` inside; the arguments are split at spaces: `ip('link add p0 type veth peer name p1')`. */
  ip(args: string): Promise<string>;
  /** The same with `-d -j`, parsed. */
  ipJSON<T = Readonly<Record<string, unknown>>>(args: string): Promise<readonly T[]>;
  /** Starts a program inside. Its /sys shows the namespace's links. Whoever starts it ends it. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
}

/** What real-kernel tests give as `skip`: `false`, or the reason why they cannot run. */
export const needsRoot: false | string = process.getuid?.() === 0 ? false : 'needs root to make network namespaces';

/** With the process ID, so that leftovers of a test that was killed can be told from namespaces in use. */
const prefix = 'kmt-';
let made = 0;

/** Makes a namespace with its loopback down, after removing what killed tests left. */
export async function makeNetworkNamespace(): Promise<NetworkNamespace> {
  await removeLeftovers();
  made += 1;
  const name = `${prefix}${process.pid}-${made}`;
  await run('ip', ['netns', 'add', name]);
  return {
    ...openNetworkNamespace(name),
    [Symbol.asyncDispose]: () => deleteNamespace(name),
  };
}

/** A namespace that somebody else made, and deletes. */
export function openNetworkNamespace(name: string): NetworkNamespace {
  const ip = async (args: string) => (await run('ip', ['-n', name, ...args.split(' ')])).stdout;
  return {
    name,
    path: `/run/netns/${name}`,
    ip,
    ipJSON: async (args) => JSON.parse((await ip(`-d -j ${args}`)) || '[]'),
    spawn: (command, args, options = {}) => spawn('ip', ['netns', 'exec', name, command, ...args], options),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function removeLeftovers(): Promise<void> {
  const names = await readdir('/run/netns').catch(() => []);
  for (const name of names) {
    const pid = new RegExp(`^${prefix}(\\d+)-\\d+$`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // Another test may be removing it at the same time.
    await deleteNamespace(name).catch(() => undefined);
  }
}

/**
 * The kernel takes a deleted namespace apart later, in its own time, and until then its macvtaps hold their nodes in
 * /dev, which the next run may want again: they go first.
 */
async function deleteNamespace(name: string): Promise<void> {
  const { stdout } = await run('ip', ['-n', name, '-j', 'link', 'show', 'type', 'macvtap']);
  const macvtaps: readonly { ifname?: string }[] = JSON.parse(stdout || '[]');
  for (const { ifname } of macvtaps) {
    // One that goes meanwhile, with its parent, is as good as deleted.
    if (ifname !== undefined) await run('ip', ['-n', name, 'link', 'del', ifname]).catch(() => undefined);
  }
  await run('ip', ['netns', 'del', name]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
