// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot, openNetworkNamespace } from './network-namespace.ts';

/** The namespace in which the tests run, and another one for traffic between two namespaces. */
export interface Namespaces {
  readonly here: NetworkNamespace;
  readonly there: NetworkNamespace;
}

const variable = 'TEST_NETWORK_NAMESPACES';

/**
 * Runs a test file inside a separate network namespace. The file awaits this function on its first line, with its own
 * path. The file is then started again inside, where the call returns. In the outer process, the call never returns: it
 * ends the process with the exit code of the inner one. Without root, the call returns at once, and the tests are
 * skipped.
 *
 * @example const namespaces = await runInNamespace(import.meta.filename); test('…', { skip: needsRoot }, async () => …)
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
  // The inner process inherits the test runner's channel (standard output) and settings (environment).
  const child = here.spawn(process.execPath, [...process.execArgv, file], {
    stdio: 'inherit',
    env: { ...process.env, [variable]: `${here.name} ${there.name}` },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}

/** Namespaces for skipped tests, which never use them. */
const unusable: Namespaces = { here: openNetworkNamespace(''), there: openNetworkNamespace('') };
