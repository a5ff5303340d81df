// SPDX-License-Identifier: Apache-2.0
import { guestImage } from '../images/kubevirt/ensure-kubevirt.ts';

export interface MachineOptions {
  readonly name: string;
  /** The address of the guest's first card, eth0: `10.50.0.1/24`. */
  readonly address: string;
  /** The node on which the machine must run; by default, the scheduler chooses. */
  readonly node?: string;
  /** The network of each card, in order; by default, only `bonded`. */
  readonly networks?: readonly string[];
  /** The MAC address of the first card. */
  readonly macAddress?: string;
  /** The network binding of all cards. The default is `macvtap`, as in the quick start. */
  readonly binding?: string;
  /** The image of the guest. The default is the image that nodes have. */
  readonly image?: string;
  /** The number of processors. With more than one, each card has the same number of queues. */
  readonly processors?: number;
}

/**
 * Kernel arguments for a guest. On busy processors, a clock that counts the emulated processor's cycles runs too fast,
 * and the kernel's check of its timer fails, so neither is used. Errors below a panic stay off the console, because
 * tests parse its lines.
 */
const kernelArguments =
  'console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off clocksource=acpi_pm notsc no_timer_check nowatchdog';

/**
 * Returns a VirtualMachine whose cards are macvtaps, and whose guest runs the commands on its serial console
 * (test/machines/init.sh).
 */
export function machineObject(options: MachineOptions): object {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: options.name, namespace: 'default' },
    spec: { runStrategy: 'Always', template: { spec: instanceSpec(options) } },
  };
}

/**
 * Returns a replica set of virtual machines on the network `bonded`. No node has their image, so the guests never run;
 * twenty emulators would occupy two processors for minutes. Each launcher pod gets its sandbox, its device and its
 * links, and then waits.
 */
export function replicaSetObject(name: string, replicas: number): object {
  const labels = { set: name };
  const spec = instanceSpec({ name, address: '10.52.0.1/24', image: 'localhost/no-such-image:1' });
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstanceReplicaSet',
    metadata: { name, namespace: 'default' },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

function instanceSpec(options: MachineOptions): object {
  const { address, node, networks = ['bonded'], macAddress } = options;
  const { binding = 'macvtap', image = guestImage, processors = 1 } = options;
  const cards = networks.map((networkName, at) => ({ name: `card${at}`, networkName }));
  return {
    ...(node && { nodeSelector: selectNode(node) }),
    terminationGracePeriodSeconds: 0,
    evictionStrategy: 'LiveMigrate',
    domain: {
      cpu: { cores: processors },
      firmware: {
        kernelBoot: {
          container: {
            image,
            imagePullPolicy: 'IfNotPresent',
            kernelPath: '/boot/vmlinuz',
            initrdPath: '/boot/initrd',
          },
          kernelArgs: `${kernelArguments} ADDRESS=${address}`,
        },
      },
      devices: {
        autoattachPodInterface: false,
        autoattachMemBalloon: false,
        autoattachGraphicsDevice: false,
        logSerialConsole: true,
        networkInterfaceMultiqueue: processors > 1,
        interfaces: cards.map(({ name }, at) => ({
          name,
          binding: { name: binding },
          ...(at === 0 && macAddress && { macAddress }),
        })),
      },
      memory: { guest: '192Mi' },
    },
    networks: cards.map(({ name, networkName }) => ({ name, multus: { networkName } })),
  };
}

export function selectNode(node: string): object {
  return { 'kubernetes.io/hostname': node };
}
