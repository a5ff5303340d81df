// SPDX-License-Identifier: Apache-2.0

interface Command {
  readonly summary: string;
  readonly run: (argv: readonly string[]) => Promise<void>;
}

/** The commands of `npm run cluster`, by name. Each one is loaded only when it is called. */
export const commands: Readonly<Record<string, Command>> = {
  up: {
    summary: 'bring a cluster up: a control plane, the nodes h1, h2, h3 and the chart',
    run: async (argv) => (await import('./up-command.ts')).runUp(argv),
  },
  down: {
    summary: 'end the cluster, and remove everything that it created on the machine',
    run: async (argv) => (await import('./down-command.ts')).runDown(argv),
  },
  'node add': {
    summary: 'add a node, also one that is a virtual machine with its own kernel',
    run: async (argv) => (await import('./node-commands.ts')).runNodeAdd(argv),
  },
  'node remove': {
    summary: 'remove a node as if its machine were switched off',
    run: async (argv) => (await import('./node-commands.ts')).runNodeRemove(argv),
  },
  'node reboot': {
    summary: 'reboot a node, or cut the power of one that is a machine',
    run: async (argv) => (await import('./node-commands.ts')).runNodeReboot(argv),
  },
  'node unplug': {
    summary: 'take a network card out of a node that is a machine: node unplug m1 eth1',
    run: async (argv) => (await import('./node-commands.ts')).runCardChange('unplug', argv),
  },
  'node plug': {
    summary: 'put it back',
    run: async (argv) => (await import('./node-commands.ts')).runCardChange('plug', argv),
  },
  'node link': {
    summary: 'pull the cable of such a card, or put it in: node link m1 eth1 down',
    run: async (argv) => (await import('./node-commands.ts')).runNodeLink(argv),
  },
  logs: {
    summary: 'list the logs of all components, or print one: npm run cluster -- logs h1-kubelet',
    run: async (argv) => (await import('./logs-command.ts')).runLogs(argv),
  },
  exec: {
    summary: 'run a program on a node: npm run cluster -- exec h1 ip -br link',
    run: async (argv) => (await import('./exec-command.ts')).runExec(argv),
  },
};

const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;

export const usage = [
  'npm run cluster runs a real Kubernetes on this machine: etcd, API server, nodes with kubelet, containerd and Multus.',
  '',
  'Usage: npm run cluster -- <command> [flags]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`),
  '',
  'npm run cluster -- <command> --help shows its flags.',
].join('\n');
