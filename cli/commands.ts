// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flags } from '../runtime/flags.ts';

/** A command of `kubectl macvtap`; it is loaded when it is called. */
export interface Command {
  readonly summary: string;
  /** How it is called. */
  readonly line: () => Promise<CommandLine<Flags>>;
  readonly run: (argv: readonly string[]) => Promise<void>;
}

export const commands: Readonly<Record<string, Command>> = {
  status: {
    summary: 'what every node offers, how much of it is held, and how that is',
    line: async () => (await import('./status.ts')).statusLine,
    run: async (argv) => (await import('./status.ts')).runStatus(argv),
  },
  plan: {
    summary: 'what each node would expose, and what files would change',
    line: async () => (await import('./plan.ts')).planLine,
    run: async (argv) => (await import('./plan.ts')).runPlan(argv),
  },
  why: {
    summary: 'what is wrong with a pod, a network, a node or a policy, and what mends it',
    line: async () => (await import('./why.ts')).whyLine,
    run: async (argv) => (await import('./why.ts')).runWhy(argv),
  },
  graph: {
    summary: 'nodes, parents, resources and what is held as an SVG picture',
    line: async () => (await import('./graph.ts')).graphLine,
    run: async (argv) => (await import('./graph.ts')).runGraph(argv),
  },
  lint: {
    summary: 'what the webhook would say of manifests, without a cluster',
    line: async () => (await import('./lint.ts')).lintLine,
    run: async (argv) => (await import('./lint.ts')).runLint(argv),
  },
  migrate: {
    summary: "macvtap-cni's config map as policies, with proof that no node's plan changes",
    line: async () => (await import('./migrate.ts')).migrateLine,
    run: async (argv) => (await import('./migrate.ts')).runMigrate(argv),
  },
  'support-bundle': {
    summary: 'what somebody who helps wants to see, without secrets',
    line: async () => (await import('./support-bundle.ts')).supportBundleLine,
    run: async (argv) => (await import('./support-bundle.ts')).runSupportBundle(argv),
  },
  completion: {
    summary: 'what a shell reads to complete command lines',
    line: async () => (await import('./completion.ts')).completionLine,
    run: async (argv) => (await import('./completion.ts')).runCompletion(argv),
  },
};
