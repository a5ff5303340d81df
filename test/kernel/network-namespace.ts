// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network namespace for one test. It runs iproute2 inside, to check independently what the code under test did. */
export interface NetworkNamespace extends AsyncDisposable {
  readonly name: string;
  /** The path to open for the namespace's descriptor. */
  readonly path: string;
  /** Runs `ip <args>` inside; the arguments are split at spaces: `ip('link add p0 type veth peer name p1')`. */
  ip(args: string): Promise<string>;
  /** Runs `ip` with `-d -j`, and returns the parsed output. */
  ipJSON<T = Readonly<Record<string, unknown>>>(args: string): Promise<readonly T[]>;
  /** Starts a program inside. Its /sys shows the links of this namespace. The caller must end the program. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
}

/** The `skip` option of tests on the real kernel: `false`, or the reason why they cannot run. */
export const needsRoot: false | string = process.getuid?.() === 0 ? false : 'needs root to make network namespaces';

/**
 * The prefix of namespaces. The process ID follows it, so that leftovers of a killed test can be distinguished from
 * namespaces in use.
 */
const prefix = 'kmt-';
let made = 0;

/** Makes a namespace with its loopback down, after removing leftovers of killed tests. */
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

/** Opens a namespace that another program made and deletes. */
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
 * Deletes a namespace, and its macvtaps first. The kernel dismantles a deleted namespace later, and until then its
 * macvtaps hold their nodes in /dev, which the next run may need.
 */
async function deleteNamespace(name: string): Promise<void> {
  const { stdout } = await run('ip', ['-n', name, '-j', 'link', 'show', 'type', 'macvtap']);
  const macvtaps: readonly { ifname?: string }[] = JSON.parse(stdout || '[]');
  for (const { ifname } of macvtaps) {
    // A macvtap that disappears at the same time with its parent counts as deleted.
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
