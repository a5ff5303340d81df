// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { emulator } from '../../machines/needs-machines.ts';
import { type NodePlan, nodeFolder, paths } from '../layout.ts';
import { type Card, cardsOf, nicModels, numaNodes } from './nics.ts';
import type { RootImage } from './root-image.ts';

/** The memory of each NUMA node, in megabytes: enough for kubelet, containerd, the node plugin and some pods. */
const memoryOfNumaNode = 1_536;

/** Returns the socket on which a machine's qemu takes commands (QMP). */
export function commandSocket(node: string): string {
  return join(nodeFolder(node), 'qemu.sock');
}

/** Returns the disk with a node's programs, images and settings. */
export function nodeDisk(node: string): string {
  return join(nodeFolder(node), 'node.img');
}

/** Returns the folder for what the machine writes to its disks. */
export function diskChanges(node: string): string {
  return join(nodeFolder(node), 'disk');
}

/**
 * Keeps a virtual clock steady on busy processors: a clock that counts the emulated processor's cycles runs too fast,
 * and the check of its timer fails. After a panic, the machine restarts. Processes stay on the processor on which they
 * start: runc-pinned has the reason.
 */
const kernelOptions = [
  ...['console=ttyS0', 'panic=-1', 'mitigations=off', 'clocksource=acpi_pm', 'notsc', 'no_timer_check', 'nowatchdog'],
  ...['systemd.unified_cgroup_hierarchy=1', 'isolcpus=1'],
];

/**
 * Returns the command of a machine: an emulated x86-64 without KVM, with a PCIe root port for each card, so that cards
 * can be unplugged. Changes of its disks are in files of qemu: the next start of qemu does not see them, but a restart
 * of the guest does.
 */
export function qemuCommand(plan: NodePlan, image: RootImage): readonly [string, ...string[]] {
  const cards = cardsOf(plan);
  const log = (name: string) => join(paths.logs, `${plan.name}-${name}.log`);
  const disk = (id: string, file: string, address: string) => [
    ...['-drive', `file=${file},format=raw,if=none,id=${id},snapshot=on,cache=unsafe`],
    ...['-device', `virtio-blk-pci,drive=${id},bus=pcie.0,addr=${address}`],
  ];
  return [
    ...(['env', `TMPDIR=${diskChanges(plan.name)}`, emulator] as const),
    ...['-name', plan.name, '-machine', 'q35', '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'Nehalem'],
    ...['-m', `${memoryOfNumaNode * numaNodes.length}`, '-smp', `${numaNodes.length}`],
    ...numaNodes.flatMap((node) => [
      ...['-object', `memory-backend-ram,id=m${node},size=${memoryOfNumaNode}M`],
      ...['-numa', `node,nodeid=${node},cpus=${node},memdev=m${node}`],
      // The PCI bus of the processor; other cards are on the bus of neither.
      ...['-device', `pxb-pcie,id=pxb${node},bus_nr=${100 + 50 * node},bus=pcie.0,numa_node=${node},addr=${4 + node}`],
    ]),
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-device', 'virtio-rng-pci,bus=pcie.0,addr=6'],
    ...['-kernel', image.kernel, '-initrd', image.initramfs, '-append', kernelOptions.join(' ')],
    ...['-serial', `file:${log('console')}`, '-qmp', `unix:${commandSocket(plan.name)},server=on,wait=off`],
    ...['-device', 'virtio-serial-pci,bus=pcie.0,addr=7', '-chardev', `file,id=journal,path=${log('journal')}`],
    ...['-device', 'virtconsole,chardev=journal'],
    ...disk('root', image.disk, '2'),
    ...disk('node', nodeDisk(plan.name), '3'),
    ...cards.flatMap((card, at) => [
      ...['-device', `pcie-root-port,id=${rootPort(card)},chassis=${at + 1},slot=${at + 1},bus=${rootBus(card)}`],
      ...['-netdev', `${cable(card)},id=${netdev(card)}`, '-device', text(cardDevice(card))],
    ]),
  ];
}

/** Returns the properties of a card's device in qemu. */
export function cardDevice(card: Card): Readonly<Record<string, string | number>> {
  const { name, model, mac } = card;
  // Without a speed, a port cannot join an 802.3ad bond. The other models have 1,000 Mb/s.
  const speed = model === 'virtio' ? { speed: 10_000, duplex: 'full' } : {};
  return { driver: nicModels[model], id: name, netdev: netdev(card), bus: rootPort(card), mac, romfile: '', ...speed };
}

function text({ driver, ...properties }: Readonly<Record<string, string | number>>): string {
  return [driver, ...Object.entries(properties).map(([name, value]) => `${name}=${value}`)].join();
}

function cable({ cable }: Card): string {
  return 'hub' in cable ? `hubport,hubid=${cable.hub}` : `tap,ifname=${cable.tap},script=no,downscript=no,vhost=off`;
}

function rootBus({ numaNode }: Card): string {
  return numaNode === undefined ? 'pcie.0' : `pxb${numaNode}`;
}

function rootPort({ name }: Card): string {
  return `port-${name}`;
}

function netdev({ name }: Card): string {
  return `net-${name}`;
}
