// SPDX-License-Identifier: Apache-2.0
import { type MachineNIC, type NodePlan, nicPort, uplink, uplinkPort } from '../layout.ts';

/** The network cards of qemu that Debian's kernel has drivers for, by the names that users write. */
export const nicModels = { virtio: 'virtio-net-pci', e1000e: 'e1000e', vmxnet3: 'vmxnet3' } as const;

export const bondModes = ['802.3ad', 'active-backup'] as const;

/** The NUMA nodes of a machine. Each has one processor. */
export const numaNodes = [0, 1] as const;

/** A bond has at most eight ports. */
const mostPorts = 8;

/**
 * Reads the text of `--nic`: `eth1=virtio`, or a bond with its mode and ports: `bond1=802.3ad:e1000e,e1000e@1`. The
 * number after @ is the NUMA node of the port's PCI bus.
 */
export function readNIC(text: string): MachineNIC {
  const [, name, , mode, list = ''] = /^([a-z][a-z0-9]{0,7})=((.*?):)?([^:]*)$/.exec(text) ?? [];
  if (name === undefined) {
    throw new Error(`write NAME=MODEL or NAME=MODE:MODEL,MODEL; a name has up to 8 letters and digits`);
  }
  if (name === uplink) throw new Error(`${uplink} is the node's uplink; choose another name`);
  const ports = list.split(',').map((port) => readPort(port));
  if (mode === undefined) {
    const [port, ...more] = ports;
    if (port === undefined || more.length > 0) {
      throw new Error(`several ports make a bond; write its mode: ${name}=${bondModes[0]}:${list}`);
    }
    return { name, ports };
  }
  const bond = bondModes.find((one) => one === mode);
  if (bond === undefined) throw new Error(`${mode} is not a mode here; write one of ${bondModes.join(', ')}`);
  if (ports.length > mostPorts) throw new Error(`a bond here has up to ${mostPorts} ports`);
  return { name, bond, ports };
}

function readPort(port: string): MachineNIC['ports'][number] {
  const [, name = '', numa] = /^([^@]*)(?:@(.*))?$/.exec(port) ?? [];
  const model = Object.keys(nicModels).find((one) => one === name) as keyof typeof nicModels | undefined;
  if (model === undefined) {
    throw new Error(`${name || 'nothing'} is not a card; write one of ${Object.keys(nicModels).join(', ')}`);
  }
  if (numa === undefined) return { model };
  const numaNode = numaNodes.find((one) => String(one) === numa);
  if (numaNode === undefined) throw new Error(`there is no NUMA node ${numa}; write one of 0, 1`);
  return { model, numaNode };
}

/** A network card of a machine, in the order of their numbers. */
export interface Card {
  /** The name of the interface, which is also qemu's name of the device. */
  readonly name: string;
  readonly model: keyof typeof nicModels;
  readonly numaNode?: number;
  readonly mac: string;
  /** The other end of its cable: a tap on this machine, or the hub to which also a card of the switch is connected. */
  readonly cable: { readonly tap: string; readonly wire?: string } | { readonly hub: number };
  /** Whether the card belongs to the switch inside the machine, at the other end of its 802.3ad bonds. */
  readonly isOfSwitch: boolean;
}

/** A bond of the switch, which is the partner of the node's bond of the same name. */
export interface SwitchBond {
  readonly name: string;
  readonly ports: readonly string[];
  /** The card that connects it to the wire. */
  readonly uplink: string;
}

/** Returns the names of a NIC's ports, the cards that `node link` and `node unplug` know. */
export function portNames({ name, bond, ports }: MachineNIC): readonly string[] {
  return bond === undefined ? [name] : ports.map((_, at) => `${name}p${at}`);
}

/**
 * Returns all cards of a machine, the uplink first. A port of an 802.3ad bond needs a partner that speaks its protocol,
 * and no bridge forwards its frames. So its cable leads back into the machine, to a bond of the switch.
 */
export function cardsOf(plan: NodePlan): readonly Card[] {
  const cards: Card[] = [];
  const add = (name: string, model: Card['model'], rest: Omit<Card, 'name' | 'model' | 'mac'>) => {
    cards.push({ name, model, mac: cardAddress(plan, cards.length), ...rest });
  };
  add(uplink, 'virtio', { cable: { tap: uplinkPort(plan) }, isOfSwitch: false });
  let hubs = 0;
  for (const nic of nicsOf(plan)) {
    const wire = () => ({ tap: nicPort(plan, String(cards.length)), wire: nic.name });
    const names = portNames(nic);
    if (nic.bond !== '802.3ad') {
      for (const [at, port] of nic.ports.entries()) {
        add(names[at] ?? '', port.model, { ...numaOf(port), cable: wire(), isOfSwitch: false });
      }
      continue;
    }
    const partner = switchBond(plan, nic.name);
    for (const [at, port] of nic.ports.entries()) {
      add(names[at] ?? '', port.model, { ...numaOf(port), cable: { hub: hubs + at }, isOfSwitch: false });
    }
    for (const [at, name] of partner.ports.entries()) {
      add(name, 'virtio', { cable: { hub: hubs + at }, isOfSwitch: true });
    }
    add(partner.uplink, 'virtio', { cable: wire(), isOfSwitch: true });
    hubs += nic.ports.length;
  }
  return cards;
}

/** Returns the bonds of the switch. */
export function switchBonds(plan: NodePlan): readonly SwitchBond[] {
  return nicsOf(plan)
    .filter(({ bond }) => bond === '802.3ad')
    .map(({ name }) => switchBond(plan, name));
}

/** Returns a card of the node by its name. Raises an error with the names that there are. */
export function findCard(plan: NodePlan, name: string): Card {
  const own = cardsOf(plan).filter((one) => !one.isOfSwitch && one.name !== uplink);
  const card = own.find((one) => one.name === name);
  if (card !== undefined) return card;
  throw new Error(`${plan.name} has no card ${name}; it has ${own.map((one) => one.name).join(', ')}`);
}

export function nicsOf({ machine }: Pick<NodePlan, 'machine'>): readonly MachineNIC[] {
  return machine?.nics ?? [];
}

function switchBond(plan: NodePlan, name: string): SwitchBond {
  const all = nicsOf(plan).filter(({ bond }) => bond === '802.3ad');
  const at = all.findIndex((nic) => nic.name === name);
  const ports = (all[at]?.ports ?? []).map((_, port) => `sw${at}p${port}`);
  return { name, ports, uplink: `sw${at}up` };
}

function numaOf({ numaNode }: MachineNIC['ports'][number]): { readonly numaNode?: number } {
  return numaNode === undefined ? {} : { numaNode };
}

/** Returns the MAC address of a card, with the prefix that qemu's cards have. */
function cardAddress({ number }: Pick<NodePlan, 'number'>, card: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return `52:54:00:63:${hex(number)}:${hex(card)}`;
}
