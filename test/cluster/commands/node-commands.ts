// SPDX-License-Identifier: Apache-2.0
import { type Flag, listFlag, switchFlag } from '../../../runtime/flags.ts';
import { exitCode } from '../../../runtime/run-command.ts';
import { createProgress } from '../../demo/progress.ts';
import { type Cluster, openCluster } from '../cluster.ts';
import type { MachineNIC, NodeSpec } from '../layout.ts';
import { readNIC } from '../machine/nics.ts';
import { nodeTable } from '../node-table.ts';
import { runClusterCommand } from './run-cluster-command.ts';

const addLine = {
  command: 'npm run cluster -- node add',
  summary: 'Adds a node to the running cluster, and waits until it is Ready.',
  positionals: ['name'],
  flags: {
    interfaces: listFlag(
      'NAMES',
      'its physical NICs; NICs with the same name on all nodes share one wire',
      'eth0,eth1',
    ),
    labels: listFlag('PAIRS', 'its labels: macvtapAware=true,zone=a', ''),
    machine: switchFlag('a virtual machine with its own kernel, systemd and cgroup v2; emulated, without KVM'),
    nic: nicFlag(),
  },
  examples: [
    {
      purpose: 'Add a machine with a bond of two PCI cards, and a card on its second NUMA node',
      command: 'npm run cluster -- node add m1 --machine --nic bond1=802.3ad:e1000e,e1000e --nic eth1=virtio@1',
    },
  ],
} as const;

/** Creates a flag that may be set several times. Its value is the list of NICs. */
function nicFlag(): Flag<readonly MachineNIC[]> {
  const read = (text: string) => {
    try {
      return { value: [readNIC(text)] };
    } catch (thrown) {
      return { fault: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  };
  const description =
    "with --machine: a NIC, NAME=MODEL or NAME=MODE:MODEL,MODEL; without any, --interfaces' names have virtio cards";
  return { placeholder: 'NIC', description, defaultText: undefined, repeats: true, read };
}

const removeLine = {
  command: 'npm run cluster -- node remove',
  summary: 'Removes a node as if its machine were switched off: nothing is drained.',
  positionals: ['name'],
  flags: {},
} as const;

interface AddFlags {
  readonly interfaces: readonly string[];
  readonly labels: readonly string[];
  readonly machine: boolean;
  readonly nic: readonly MachineNIC[];
}

export async function runNodeAdd(argv: readonly string[]): Promise<void> {
  const add = async (flags: AddFlags, [name = '']: readonly string[]) => {
    if (!/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/.test(name)) throw new Error(`${name}: not a valid node name`);
    const labels = Object.fromEntries(flags.labels.map((pair) => splitPair(pair)));
    const spec = { name, labels, ...hardware(flags) };
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    const done = flags.machine ? 'has booted, and starts containerd and kubelet' : 'runs containerd and kubelet';
    await step(`${name} ${done}`, () => cluster.addNode(spec, console.log));
    await step('every node is Ready', () => cluster.untilReady());
    console.log(`\n${nodeTable(await cluster.nodes())}`);
    return exitCode.done;
  };
  await runClusterCommand(addLine, add, argv);
}

export async function runNodeRemove(argv: readonly string[]): Promise<void> {
  const remove = async (_: object, [name = '']: readonly string[]) => {
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    await step(`${name} is gone`, () => cluster.removeNode(name));
    return exitCode.done;
  };
  await runClusterCommand(removeLine, remove, argv);
}

const rebootLine = {
  command: 'npm run cluster -- node reboot',
  summary: 'Reboots a node, and waits until it is Ready again.',
  positionals: ['name'],
  flags: { 'power-cut': switchFlag('reset the machine without ending its programs, as if its power were cut') },
} as const;

export async function runNodeReboot(argv: readonly string[]): Promise<void> {
  const reboot = async (flags: { readonly 'power-cut': boolean }, [name = '']: readonly string[]) => {
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    await step(`${name} has booted again`, () => cluster.rebootNode(name, { powerCut: flags['power-cut'] }));
    await step('every node is Ready', () => cluster.untilReady());
    return exitCode.done;
  };
  await runClusterCommand(rebootLine, reboot, argv);
}

/** Changes to a card of a machine. */
const cardChanges = {
  unplug: {
    summary: 'Takes a network card out of a running machine.',
    done: 'is unplugged',
    change: (cluster, node, card) => cluster.unplug(node, card),
  },
  plug: {
    summary: 'Puts a network card back that was unplugged.',
    done: 'is plugged in',
    change: (cluster, node, card) => cluster.plug(node, card),
  },
} as const satisfies Record<string, CardChange>;

interface CardChange {
  readonly summary: string;
  readonly done: string;
  readonly change: (cluster: Cluster, node: string, card: string) => Promise<void>;
}

export async function runCardChange(name: keyof typeof cardChanges, argv: readonly string[]): Promise<void> {
  const { summary, done, change } = cardChanges[name];
  const line = {
    command: `npm run cluster -- node ${name}`,
    summary,
    positionals: ['name', 'nic'],
    flags: {},
  } as const;
  const run = async (_: object, [node = '', card = '']: readonly string[]) => {
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    await step(`${card} of ${node} ${done}`, () => change(cluster, node, card));
    return exitCode.done;
  };
  await runClusterCommand(line, run, argv);
}

const linkLine = {
  command: 'npm run cluster -- node link',
  summary:
    "Pulls the cable out of a machine's network card (down), or puts it in (up). Cards of the model e1000e do not notice it.",
  positionals: ['name', 'nic', 'state'],
  flags: {},
} as const;

export async function runNodeLink(argv: readonly string[]): Promise<void> {
  const link = async (_: object, [node = '', card = '', state = '']: readonly string[]) => {
    if (state !== 'up' && state !== 'down') throw new Error(`${state}: write up or down`);
    await using cluster = await openCluster();
    const { step } = createProgress(console.log, new AbortController().signal);
    await step(`the cable of ${card} is ${state}`, () => cluster.setCarrier(node, card, state === 'up'));
    return exitCode.done;
  };
  await runClusterCommand(linkLine, link, argv);
}

/** Returns the node's interfaces and, for a machine, its cards. */
function hardware({ interfaces, machine, nic }: AddFlags): Pick<NodeSpec, 'interfaces' | 'machine'> {
  if (!machine && nic.length > 0)
    throw new Error('--nic needs --machine: other nodes have veth pairs, by --interfaces');
  if (!machine) return { interfaces };
  const nics = nic.length > 0 ? nic : interfaces.map((name) => readNIC(`${name}=virtio`));
  const names = nics.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`two NICs have the name ${twice}: choose another name for one of them`);
  return { interfaces: names, machine: { nics } };
}

function splitPair(pair: string): readonly [string, string] {
  const [, label, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
  if (label === undefined || value === undefined) throw new Error(`${pair}: write a label as name=value`);
  return [label, value];
}
