// SPDX-License-Identifier: Apache-2.0
// Builds the programs and images for the tests with a real Kubernetes, and runs these tests: npm run test:cluster
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { choiceFlag } from '../../runtime/flags.ts';
import { exitCode } from '../../runtime/run-command.ts';
import { defaultKubernetes, kubernetesVersion } from '../binaries/kubernetes-version.ts';
import { runClusterCommand } from './commands/run-cluster-command.ts';
import { multusKind } from './multus-kind.ts';
import { useVersions, type VersionFlags, versionFlags } from './versions.ts';

const suites = ['full', 'reduced'] as const;
type Suite = (typeof suites)[number];

const line = {
  command: 'npm run test:cluster',
  summary: 'Builds what the tests with a real Kubernetes need, and runs these tests.',
  positionals: [],
  flags: {
    ...versionFlags,
    suite: choiceFlag(suites, 'the tests to run (default: full for the default versions, reduced for all others)'),
  },
} as const;

const tests = ['--test', '--test-concurrency=1', '--test-reporter=spec'] as const;

/** The arguments of each Node.js process, in the order in which they run. */
const steps: Readonly<Record<Suite, readonly (readonly string[])[]>> = {
  full: [
    ['test/binaries/main.ts', 'cluster', 'charts'],
    ['test/images/main.ts'],
    ['test/machines/main.ts'],
    [...tests, 'test/cluster/**/*.test.ts'],
  ],
  // Covers nodes and Multus, installation and policy edits, pods with macvtaps, and upgrade, rollback and removal.
  reduced: [
    ['test/binaries/main.ts', 'cluster', 'charts'],
    ['test/images/main.ts'],
    [...tests, ...['nodes', 'attach', 'release'].map((name) => `test/cluster/${name}.test.ts`)],
  ],
};

await runClusterCommand(
  line,
  async (flags: VersionFlags & { readonly suite: Suite | undefined }) => {
    const versions = useVersions(flags);
    const isDefault = kubernetesVersion() === defaultKubernetes && multusKind() === 'thin';
    const suite = flags.suite ?? (isDefault ? 'full' : 'reduced');
    console.log(`${versions}: the ${suite} tests`);
    for (const args of steps[suite]) {
      const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
      if (code !== exitCode.done) return exitCode.failed;
    }
    return exitCode.done;
  },
  process.argv.slice(2),
);
