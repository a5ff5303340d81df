// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flags } from '../runtime/flags.ts';

/**
 * A command of `kubectl macvtap`. The modules of a command are loaded only when it runs, so that help and completion
 * start fast.
 */
export interface Command {
  /** The line in the list of commands. It starts with a verb. */
  readonly summary: string;
  readonly line: () => Promise<CommandLine<Flags>>;
  readonly run: (argv: readonly string[]) => Promise<void>;
}

export const commands: Readonly<Record<string, Command>> = {
  status: {
    summary: 'Show the resources of every node, their health and the result of each policy',
    line: async () => (await import('./status/command.ts')).statusLine,
    run: async (argv) => (await import('./status/command.ts')).runStatus(argv),
  },
  plan: {
    summary: 'Show the resources each node would expose, and the effect of manifest files',
    line: async () => (await import('./plan/command.ts')).planLine,
    run: async (argv) => (await import('./plan/command.ts')).runPlan(argv),
  },
  why: {
    summary: 'Explain the problem of a pod, network, node or policy, with the fix',
    line: async () => (await import('./why/command.ts')).whyLine,
    run: async (argv) => (await import('./why/command.ts')).runWhy(argv),
  },
  graph: {
    summary: 'Draw nodes, parents, resources and held devices as an SVG picture',
    line: async () => (await import('./graph/command.ts')).graphLine,
    run: async (argv) => (await import('./graph/command.ts')).runGraph(argv),
  },
  lint: {
    summary: 'Check manifests with the rules of the webhook, without a cluster',
    line: async () => (await import('./lint/command.ts')).lintLine,
    run: async (argv) => (await import('./lint/command.ts')).runLint(argv),
  },
  migrate: {
    summary: "Convert macvtap-cni's config map to policies, with proof that no plan changes",
    line: async () => (await import('./migrate/command.ts')).migrateLine,
    run: async (argv) => (await import('./migrate/command.ts')).runMigrate(argv),
  },
  'support-bundle': {
    summary: 'Collect policies, states, events and logs for a bug report, without secrets',
    line: async () => (await import('./bundle/command.ts')).supportBundleLine,
    run: async (argv) => (await import('./bundle/command.ts')).runSupportBundle(argv),
  },
  completion: {
    summary: 'Print the completion script for bash, zsh or fish',
    line: async () => (await import('./completion/command.ts')).completionLine,
    run: async (argv) => (await import('./completion/command.ts')).runCompletion(argv),
  },
};
