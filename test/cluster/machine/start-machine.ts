// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { waitFor } from '../../control-plane/wait-for.ts';
import { until } from '../../process/until.ts';
import { type ClusterRecord, writeNodePlan } from '../cluster-record.ts';
import { clusterFolder, type NodePlan } from '../layout.ts';
import { setRoutesFrom } from '../node/node-network.ts';
import { run } from '../run.ts';
import { startDaemon, stopDaemon } from '../start-daemon.ts';
import { askQemu } from './ask-qemu.ts';
import { connectMachine, disconnectMachine } from './connect-machine.ts';
import { inMachine } from './in-machine.ts';
import { type Card, cardsOf, findCard } from './nics.ts';
import { cardDevice, commandSocket, diskChanges, qemuCommand } from './qemu-command.ts';
import { assertSpace, assertTools } from './requirements.ts';
import { ensureRootImage } from './root-image.ts';
import { writeNodeDisk } from './write-node-disk.ts';

/** The longest wait for a start. An emulated processor is slow when it shares two real ones with other programs. */
const startGuardMs = 600_000;

/** The node's disk, and what the machine writes: unpacked images and logs. */
const spaceBytes = 3e9;

/** Starts a node that is a machine with its own kernel, and waits until it takes commands. kubelet then starts. */
export async function startMachine(
  record: ClusterRecord,
  plan: NodePlan,
  others: readonly NodePlan[],
  print: (line: string) => void,
): Promise<void> {
  assertTools();
  const image = await ensureRootImage({ print });
  await assertSpace(clusterFolder, spaceBytes, `the machine ${plan.name}`);
  await mkdir(diskChanges(plan.name), { recursive: true });
  await writeNodePlan(plan);
  await writeNodeDisk(record, plan);
  await connectMachine(plan, others);
  const name = qemuProcess(plan.name);
  const qemu = await startDaemon({ name, command: qemuCommand(plan, image) });
  await waitFor(name, qemu, async () => (await bootID(plan)) !== '', startGuardMs);
  await setRoutesFrom(plan, others);
}

/** Ends a machine as if its power were cut, with everything that it wrote to its disk. */
export async function removeMachine(plan: NodePlan, others: readonly NodePlan[]): Promise<void> {
  await stopDaemon(qemuProcess(plan.name), 0);
  await disconnectMachine(plan, others);
}

/**
 * Restarts a machine: its systemd ends all programs first, or with `powerCut`, none of them notices. Returns the ID of
 * the new boot, which kubelet then reports, when the machine takes commands again.
 */
export async function rebootMachine(plan: NodePlan, others: readonly NodePlan[], powerCut: boolean): Promise<string> {
  const before = await bootID(plan);
  if (powerCut) await askQemu(commandSocket(plan.name), { execute: 'system_reset' });
  else await inside(plan, 'systemctl', 'reboot');
  const after = await until(
    () => bootID(plan).catch(() => before),
    (id) => id !== before,
    startGuardMs,
  );
  await setRoutesFrom(plan, others);
  return after;
}

export async function restartMachineKubelet(plan: NodePlan): Promise<void> {
  await inside(plan, 'systemctl', 'restart', 'kubelet');
}

/** Takes a card out of a running machine, and resolves when the machine has released it. */
export async function unplugCard(plan: NodePlan, name: string): Promise<void> {
  const { name: device } = findCard(plan, name);
  const event = { name: 'DEVICE_DELETED', device };
  await askQemu(commandSocket(plan.name), { execute: 'device_del', arguments: { id: device }, event });
}

/** Puts a card back that was taken out. The machine notices it later. */
export async function plugCard(plan: NodePlan, name: string): Promise<void> {
  const device = cardDevice(findCard(plan, name));
  await askQemu(commandSocket(plan.name), { execute: 'device_add', arguments: device });
}

/** Pulls a card's cable out, or puts it in: both ends lose or get their carrier. */
export async function setCarrier(plan: NodePlan, name: string, up: boolean): Promise<void> {
  const card = findCard(plan, name);
  const ends = cardsOf(plan).filter((one) => one.name === name || sharesHub(one, card));
  for (const end of ends) {
    await askQemu(commandSocket(plan.name), { execute: 'set_link', arguments: { name: end.name, up } });
  }
}

export function qemuProcess(node: string): string {
  return `${node}-qemu`;
}

function sharesHub({ cable: one }: Card, { cable: other }: Card): boolean {
  return 'hub' in one && 'hub' in other && one.hub === other.hub;
}

async function bootID(plan: NodePlan): Promise<string> {
  return (await inside(plan, 'cat', '/proc/sys/kernel/random/boot_id')).trim();
}

async function inside(plan: NodePlan, ...command: readonly string[]): Promise<string> {
  return await run(...inMachine(plan, command));
}
