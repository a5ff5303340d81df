// SPDX-License-Identifier: Apache-2.0

/** The proposal's three hosts. */
export const hosts = ['h1', 'h2', 'h3'] as const;
export type Host = (typeof hosts)[number];

/** One end of a cable: an interface of a host. */
export interface Port {
  readonly host: Host;
  readonly interface: string;
}

/**
 * The hosts' interfaces as cables between them: each is a veth pair, and both its ends are interfaces of the proposal,
 * so that nothing is on the hosts that it does not name.
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

/** What each host must offer, by the policy in force: `resource → devices`, as kubelet sees it. */
export type Expected = Readonly<Record<Host, Readonly<Record<string, number>>>>;

const implicitH3 = { eth0: 100, eth1: 100 };

export const nodeCentric: Expected = {
  h1: { bondedIface: 25, quickDataplane: 100 },
  h2: { bondedIface: 25 },
  h3: implicitH3,
};

export const resourceCentric: Expected = { h1: { dataplane: 25 }, h2: { dataplane: 25 }, h3: implicitH3 };
