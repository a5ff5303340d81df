// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot, openNetworkNamespace } from './network-namespace.ts';

/** The namespace that the tests run in, and another one for what goes between two. */
export interface Namespaces {
  readonly here: NetworkNamespace;
  readonly there: NetworkNamespace;
}

const variable = 'TEST_NETWORK_NAMESPACES';

/**
 * Lets a test file run inside a network namespace of its own: on its first line it awaits this with its own path. The
 * file is then started once more inside, where this returns, and its results are those of the outer process, which never
 * gets past the call. Without root it returns at once, for tests that are then skipped.
 *
 * @example
 * const namespaces = await runInNamespace(import.meta.filename);
 * test('…', { skip: needsRoot }, async () => …)
 */
export async function runInNamespace(file: string): Promise<Namespaces> {
  const names = process.env[variable]?.split(' ');
  if (needsRoot) return unusable;
  if (names !== undefined) {
    const [here = '', there = ''] = names;
    return { here: openNetworkNamespace(here), there: openNetworkNamespace(there) };
  }
  process.exit(await runInside(file));
}

async function runInside(file: string): Promise<number> {
  await using here = await makeNetworkNamespace();
  await using there = await makeNetworkNamespace();
  // The test runner's channel (standard output) and settings (environment) are handed through.
  const child = here.spawn(process.execPath, [...process.execArgv, file], {
    stdio: 'inherit',
    env: { ...process.env, [variable]: `${here.name} ${there.name}` },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}

/** Skipped tests never touch it. */
const unusable: Namespaces = { here: openNetworkNamespace(''), there: openNetworkNamespace('') };
