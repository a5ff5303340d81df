// SPDX-License-Identifier: Apache-2.0

/** The three hosts in the example of the API proposal that this project implements. test/fixtures/seed has its YAML. */
export const hosts = ['h1', 'h2', 'h3'] as const;
export type Host = (typeof hosts)[number];

/** One end of a cable: an interface of a host. */
export interface Port {
  readonly host: Host;
  readonly interface: string;
}

/**
 * The hosts' interfaces, as the cables between them. Each cable is a veth pair whose ends are both interfaces of the
 * proposal, so the hosts have no other interfaces.
 */
export const cables: readonly (readonly [Port, Port])[] = [
  [port('h1', 'bond1'), port('h2', 'bond1')],
  [port('h1', 'eth0'), port('h3', 'eth0')],
  [port('h1', 'eth1'), port('h3', 'eth1')],
  [port('h2', 'ens3'), port('h2', 'ens4')],
  [port('h2', 'ens5'), port('h2', 'ens6')],
];

function port(host: Host, name: string): Port {
  return { host, interface: name };
}

/** The devices that each host must offer under the policy in force: `resource → devices`, as kubelet sees them. */
export type Expected = Readonly<Record<Host, Readonly<Record<string, number>>>>;

const implicitH3 = { eth0: 100, eth1: 100 };

export const nodeCentric: Expected = {
  h1: { bondedIface: 25, quickDataplane: 100 },
  h2: { bondedIface: 25 },
  h3: implicitH3,
};

export const resourceCentric: Expected = { h1: { dataplane: 25 }, h2: { dataplane: 25 }, h3: implicitH3 };
