// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildShim, compilerHint, hasCompiler, shimCompiler } from '../../build/build-shim.ts';
import type { DeviceRecord } from '../../nodeplugin/ledger/device-record.ts';
import { decodeLedger } from '../../nodeplugin/ledger/ledger-codec.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import type { FaultPointName } from '../../runtime/fault-points.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import type { HeldRow } from '../kubelet/held-table.ts';
import type { Allocation, KubeletOptions } from '../kubelet/start-kubelet.ts';
import { makePluginNode, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { cniSocketOf, startNodePlugin } from './start-node-plugin.ts';
import type { RunningProcess } from './start-process.ts';

/** The `skip` option of tests with the real CNI plugin: `false`, or the missing requirement. */
export const needsRealShim: false | string =
  needsRoot || ((await hasCompiler(shimCompiler)) ? false : `needs a C compiler: ${compilerHint}`);

/**
 * A node whose node plugin installs the real shim, with a container runtime that calls it. The resource `net` uses p0.
 */
export interface ShimNode extends PluginNode {
  /** The directory of the shim and of everything else that the runtime finds there. */
  readonly binaries: string;
  readonly socketPath: string;
  /** The shim's folder for DELs that got no answer. */
  readonly tombstones: string;
  /** Kubelet's list of held devices. Tests replace this function. */
  list: (held: readonly HeldRow[]) => readonly HeldRow[];
  /** Replaces the policy of `net`. */
  writeNet(entry: Readonly<Record<string, unknown>>): Promise<void>;
  /** Starts the node plugin. The shim is installed as soon as the plugin offers a resource. */
  run(...flags: readonly string[]): RunningProcess;
  runArmed(fault: FaultPointName | `${FaultPointName}:${number}`, ...flags: readonly string[]): RunningProcess;
  /** Runs the node plugin through a wrapper: a command that executes its last arguments. */
  runUnder(wrapper: readonly string[], ...flags: readonly string[]): RunningProcess;
  /** Admits a pod with one device, of `net` by default. */
  admit(pod?: string, resource?: string): Promise<AdmittedPod>;
  /** Runs the shim as a container runtime does. */
  call(command: string, call: RuntimeCall): Promise<RuntimeAnswer>;
}

export interface AdmittedPod {
  readonly id: string;
  /** The tap in the response to Allocate. */
  readonly tapPath: string;
  readonly allocation: Allocation;
}

export interface RuntimeCall {
  readonly pod?: string;
  readonly podUID?: string | undefined;
  readonly containerID?: string;
  /** CNI_NETNS. */
  readonly netns?: string;
  readonly ifname?: string;
  /** The config in addition to cniVersion, name and type. If it is a string, the shim reads only that string. */
  readonly conf?: Readonly<Record<string, unknown>> | string;
  /** A command that executes its last arguments, with other privileges than the test's. */
  readonly wrapper?: readonly string[];
}

/** The shim's exit code and its parsed output. The output is undefined if there is none. */
export interface RuntimeAnswer {
  readonly exitCode: number | null;
  readonly output: Readonly<Record<string, unknown>> | undefined;
}

export const podNamespace = 'vms';

export async function makeShimNode(
  options: { readonly quantity?: number; readonly onRegister?: KubeletOptions['onRegister'] } = {},
): Promise<ShimNode> {
  const { quantity = 2, onRegister } = options;
  const kubeletSays: Pick<ShimNode, 'list'> = { list: (held) => held };
  await using undo = new AsyncDisposableStack();
  const node = undo.use(
    await makePluginNode(
      ['p0'],
      {},
      { onList: (held) => kubeletSays.list(held), ...(onRegister !== undefined && { onRegister }) },
    ),
  );
  const binaries = join(node.kubeletDirectory, 'bin');
  await mkdir(binaries);
  const socketPath = cniSocketOf(node.kubeletDirectory);
  const shimFlags = ['--cni-bin-dir', binaries, '--cni-shim', await buildShim()];
  const writeNet = (entry: object) =>
    node.write(
      'net.yaml',
      policyObject('p', { parentSelector: [{ parentIface: 'p0', resourceName: 'net', quantity, ...entry }] }),
    );
  await writeNet({});
  const scope = undo.move();
  return Object.assign(kubeletSays, node, {
    binaries,
    socketPath,
    tombstones: join(dirname(socketPath), 'tombstones'),
    writeNet,
    run: (...flags: readonly string[]) => node.start(...quick, ...shimFlags, ...flags),
    runArmed: (fault: Parameters<ShimNode['runArmed']>[0], ...flags: readonly string[]) =>
      node.startArmed(fault, ...quick, ...shimFlags, ...flags),
    runUnder: (wrapper: readonly string[], ...flags: readonly string[]) =>
      scope.use(
        startNodePlugin({
          namespace: node.namespace,
          nodeName: node.name,
          manifests: join(node.kubeletDirectory, '../manifests'),
          kubeletDirectory: node.kubeletDirectory,
          wrapper,
          flags: ['--settle', '20ms', ...quick, ...shimFlags, ...flags],
        }),
      ),
    async admit(pod = 'vm-a', resource = 'net') {
      const holder = { namespace: podNamespace, name: pod };
      const allocation = await node.kubelet.allocate(`${resourcePrefix}${resource}`, 1, holder);
      const tapPath = allocation.response.devices?.[0]?.host_path ?? assert.fail('no tap was allocated');
      return { id: allocation.deviceIds[0] ?? assert.fail('no device'), tapPath, allocation };
    },
    call: (command: string, call: RuntimeCall) => callShim(join(binaries, 'macvtap'), command, call),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  });
}

/** Calls the shim as a runtime does, and returns its output. */
async function callShim(
  program: string,
  command: string,
  { pod = 'vm-a', podUID, containerID = 'c1', netns = '', ifname = 'net1', conf, wrapper = [] }: RuntimeCall,
): Promise<RuntimeAnswer> {
  const [first = program, ...rest] = [...wrapper, program];
  const child = spawn(first, rest, {
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerID,
      CNI_NETNS: netns,
      CNI_IFNAME: ifname,
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${podNamespace};K8S_POD_NAME=${pod}${podUID === undefined ? '' : `;K8S_POD_UID=${podUID}`}`,
      CNI_PATH: '/opt/cni/bin',
    },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => {});
  const object = { cniVersion: '1.0.0', name: 'blue', type: 'macvtap' };
  child.stdin.end(typeof conf === 'string' ? conf : JSON.stringify({ ...object, ...conf }));
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  assert.equal(stderr, '');
  return { exitCode, output: stdout === '' ? undefined : JSON.parse(stdout) };
}

/** Returns the devices in a node's ledger on the disk. */
export async function readRecords({
  name,
  stateDirectory,
}: PluginNode): Promise<Readonly<Record<string, DeviceRecord>>> {
  const { content } = decodeLedger(await readFile(join(stateDirectory, 'ledger.json')), name);
  return Object.fromEntries([...content.devices].map(([id, { record }]) => [id, record]));
}
