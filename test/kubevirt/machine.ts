// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster/cluster.ts';
import type { Pod } from '../cluster/pods.ts';
import { until } from '../process/until.ts';
import { type MachineOptions, machineObject, selectNode } from './machine-object.ts';

/** A virtual machine of KubeVirt, as tests use it. */
export interface Machine {
  readonly name: string;
  /** Resolves when KubeVirt reports the machine as Running and its guest has booted. Returns the instance. */
  untilUp(): Promise<Instance>;
  /** Does the same as `untilUp` after another instance has replaced the given one. */
  untilReplaced(before: Instance): Promise<Instance>;
  /** Returns the VirtualMachineInstance. Raises an error if there is none. */
  instance(): Promise<Instance>;
  /** Returns the launcher pod in which the guest runs. During a migration, this is the source pod. */
  launcher(): Promise<Pod>;
  /**
   * Runs one line of shell in the guest and returns its output. Raises an error with the output if the command fails.
   */
  run(command: string): Promise<string>;
  /** Returns the guest's console output since its launcher started. */
  console(): Promise<string>;
  /** Returns the MAC address of a card as the guest sees it. */
  mac(card?: string): Promise<string>;
  /** Runs a program in the container with qemu. */
  exec(...command: readonly string[]): Promise<string>;
  /** Calls a subresource of the instance, as `virtctl` does. */
  call(verb: 'pause' | 'unpause' | 'softreboot'): Promise<void>;
  stop(): Promise<void>;
  /**
   * Starts the machine after `stop`, and waits until it is up. From then on, it runs on the given node, or on any
   * allowed node if no node is given.
   */
  start(node?: string): Promise<Instance>;
  /** Resolves when the guest has booted this many times since its launcher started. */
  untilBooted(times: number): Promise<void>;
  delete(): Promise<void>;
}

/** The part of a VirtualMachineInstance that tests read. */
export interface Instance {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly nodeName?: string;
    readonly interfaces?: readonly { readonly name: string; readonly mac?: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly migrationState?: MigrationState;
  };
}

export interface MigrationState {
  readonly sourceNode?: string;
  readonly targetNode?: string;
  readonly sourcePod?: string;
  readonly targetPod?: string;
  readonly startTimestamp?: string;
  readonly endTimestamp?: string;
  readonly completed?: boolean;
  readonly failed?: boolean;
  readonly abortStatus?: string;
}

/** The longest wait for a machine. An emulated guest boots within seconds, even on two busy processors. */
export const machineGuardMs = 240_000;

const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';

/** Creates a machine. It is not up yet: call `untilUp`. */
export async function createMachine(cluster: Cluster, options: MachineOptions): Promise<Machine> {
  await cluster.admin.must('POST', machines, { body: machineObject(options) });
  return openMachine(cluster, options.name);
}

/** Opens a machine that exists. */
export function openMachine(cluster: Cluster, name: string): Machine {
  const { admin } = cluster;
  const find = async () => {
    const { status, body } = await admin.call('GET', `${instances}/${name}`);
    return status === 200 ? (body as Instance) : undefined;
  };
  const instance = async () => {
    const found = await find();
    if (found === undefined) throw new Error(`machine ${name} has no instance`);
    return found;
  };
  const launcher = async () => {
    const { metadata, status } = await instance();
    const query = new URLSearchParams({ labelSelector: `kubevirt.io/created-by=${metadata.uid}` });
    const { items } = await admin.must<{ items: readonly Pod[] }>('GET', `/api/v1/namespaces/default/pods?${query}`);
    const pod = items.find(({ spec, status: { phase } }) => spec.nodeName === status.nodeName && phase === 'Running');
    if (pod === undefined) throw new Error(`machine ${name} has no running launcher on ${status.nodeName}`);
    return pod;
  };
  const console = async () => {
    const { metadata } = await launcher();
    const path = `/api/v1/namespaces/default/pods/${metadata.name}/log?container=guest-console-log`;
    const { body } = await admin.call('GET', path);
    return String(body);
  };
  const untilUp = async (isWanted: (found: Instance) => boolean = () => true) => {
    const look = async () => {
      const found = await find();
      if (found?.status.phase !== 'Running' || !isWanted(found)) return { found };
      return { found, printed: await console().catch(String) };
    };
    const isUp = ({ printed = '' }: { printed?: string }) => countBoots(printed) > 0;
    const { found } = await until(look, isUp, machineGuardMs).catch(async (thrown: unknown) => {
      throw new Error(`machine ${name} is not up:\n${await describe(cluster, name)}`, { cause: thrown });
    });
    return found as Instance;
  };
  const patch = async (spec: object) =>
    await admin.must('PATCH', `${machines}/${name}`, { body: { spec }, contentType: 'application/merge-patch+json' });
  const untilGone = () => until(find, (found) => found === undefined, machineGuardMs);
  let commands = 0;
  const run = async (command: string) => {
    commands += 1;
    return await typeCommand(cluster, await launcher(), await instance(), commands, command);
  };
  return {
    name,
    instance,
    launcher,
    console,
    run,
    untilUp: () => untilUp(),
    untilReplaced: (before) => untilUp(({ metadata }) => metadata.uid !== before.metadata.uid),
    mac: async (card = 'eth0') => (await run(`cat /sys/class/net/${card}/address`)).trim(),
    async exec(...command) {
      return await cluster.mustKubectl(['exec', (await launcher()).metadata.name, '-c', 'compute', '--', ...command]);
    },
    async call(verb) {
      const subresources = instances.replace('kubevirt.io', 'subresources.kubevirt.io');
      // KubeVirt refuses clients that accept only JSON (406).
      await admin.must('PUT', `${subresources}/${name}/${verb}`, { body: {}, accept: '*/*' });
    },
    async stop() {
      await patch({ runStrategy: 'Halted' });
      await untilGone();
    },
    async start(node) {
      const moved = node && { template: { spec: { nodeSelector: selectNode(node) } } };
      await patch({ runStrategy: 'Always', ...moved });
      return await untilUp();
    },
    async untilBooted(times) {
      await until(
        () => console().catch(String),
        (printed) => countBoots(printed) >= times,
        machineGuardMs,
      );
    },
    async delete() {
      await admin.must('DELETE', `${machines}/${name}`);
      await untilGone();
    },
  };
}

/** Counts how many times init.sh printed that the first card has its address. */
function countBoots(printed: string): number {
  return printed.match(/^@0 0\s*$/gm)?.length ?? 0;
}

/**
 * Types a line on a console and prints what follows, up to the line `@<number> <exit code>`. qemu serves only one
 * client at a time. The program therefore disconnects as soon as the answer is complete.
 */
const typing = `
out=$(mktemp)
{ printf '%s\n' "$2"; until grep -q "^@$1 [0-9]*"$'\r' "$out"; do sleep 0.05; done; } |
  socat -t 0.1 - "UNIX-CONNECT:$3" | tee "$out"
rm -f "$out"`;

async function typeCommand(cluster: Cluster, pod: Pod, instance: Instance, number: number, line: string) {
  const socket = `/var/run/kubevirt-private/${instance.metadata.uid}/virt-serial0`;
  const command = ['bash', '-c', typing, 'bash', `${number}`, `${number} ${line}`, socket];
  const text = await cluster.mustKubectl(['exec', pod.metadata.name, '-c', 'compute', '--', ...command]);
  const [, printed = '', code] =
    new RegExp(`^([^]*?)\\n?^@${number} (\\d+)$`, 'm').exec(text.replaceAll('\r', '')) ?? [];
  if (code === '0') return printed.trim();
  throw new Error(`${instance.metadata.name}: ${line} ended with ${code}:\n${text}`);
}

async function describe(cluster: Cluster, name: string): Promise<string> {
  const { stdout: found } = await cluster.kubectl(['describe', 'vmi', name]);
  const { stdout: pods } = await cluster.kubectl(['describe', 'pods', '-l', `vm.kubevirt.io/name=${name}`]);
  return `${found}${pods}`;
}
