// SPDX-License-Identifier: Apache-2.0
import { exitCode } from '../runtime/run-command.ts';

/** The commands of `kubectl macvtap`; each is loaded when it is called. */
const commands = {
  status: {
    summary: 'what every node offers, how much of it is held, and how that is',
    run: async (argv: readonly string[]) => (await import('./status.ts')).runStatus(argv),
  },
  plan: {
    summary: 'what each node would expose',
    run: async (argv: readonly string[]) => (await import('./plan.ts')).runPlan(argv),
  },
  why: {
    summary: 'what is wrong with a pod, a network, a node or a policy, and what mends it',
    run: async (argv: readonly string[]) => (await import('./why.ts')).runWhy(argv),
  },
  graph: {
    summary: 'nodes, parents, resources and what is held as an SVG picture',
    run: async (argv: readonly string[]) => (await import('./graph.ts')).runGraph(argv),
  },
  migrate: {
    summary: "macvtap-cni's config map as policies, with proof that no node's plan changes",
    run: async (argv: readonly string[]) => (await import('./migrate.ts')).runMigrate(argv),
  },
  lint: {
    summary: 'what the webhook would say of manifests, without a cluster',
    run: async (argv: readonly string[]) => (await import('./lint.ts')).runLint(argv),
  },
} as const;

const usage = [
  'kubectl macvtap tells what macvtap policies do.',
  '',
  'Usage: kubectl macvtap <command> [flags]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`),
  '',
  'kubectl macvtap <command> --help tells more.',
].join('\n');

const [name = '--help', ...argv] = process.argv.slice(2);
if (name === '--help' || name === '-h' || name === 'help') {
  console.log(usage);
} else if (Object.hasOwn(commands, name)) {
  await commands[name as keyof typeof commands].run(argv);
} else {
  console.error(`kubectl macvtap: ${name}: no such command\n\n${usage}`);
  process.exitCode = exitCode.usage;
}
