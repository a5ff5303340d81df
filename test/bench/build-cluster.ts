// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { PolicyObject } from '../../policy/nodepolicy/rule.ts';
import type { ReportedInterface } from '../../policy/plan/interfaces.ts';
import type { NodeFacts } from '../../policy/plan/match-labels.ts';
import { policyNamespace } from '../fixtures/plan/build-example.ts';

/** A cluster as its API server stores it: as JSON that has not been read or compiled yet. */
export interface ClusterObjects {
  readonly nodes: readonly NodeFacts[];
  readonly nodeStates: readonly MacvtapNetworkNodeState[];
  readonly policies: readonly PolicyObject[];
}

/** Builds a cluster from the index of each object, so the result is always the same. Each node has 16 interfaces. */
export function buildCluster(nodes: number, policies: number): ClusterObjects {
  const indexes = Array.from({ length: nodes }, (_, index) => index);
  return {
    nodes: indexes.map(buildNode),
    nodeStates: indexes.map(buildNodeState),
    policies: Array.from({ length: policies }, (_, index) => buildPolicy(index)),
  };
}

function buildNode(index: number): NodeFacts {
  return {
    name: nodeName(index),
    labels: {
      'kubernetes.io/hostname': nodeName(index),
      'kubernetes.io/arch': 'amd64',
      'topology.kubernetes.io/zone': `zone-${index % 3}`,
      rack: `rack-${index % 50}`,
      pool: `pool-${index % 10}`,
      role: index % 2 === 0 ? 'compute' : 'gateway',
      cores: String(16 + 16 * (index % 8)),
    },
  };
}

function nodeName(index: number): string {
  return `node-${String(index).padStart(5, '0')}`;
}

function buildNodeState(index: number): MacvtapNetworkNodeState {
  const interfaces = [uplink(index), bond(index), ...Array.from({ length: 14 }, (_, port) => card(index, port))];
  return {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodeState',
    metadata: { name: nodeName(index) },
    status: { interfaces },
  };
}

/** Returns the node's own uplink. Most selectors must leave it out. */
function uplink(node: number): ReportedInterface {
  return {
    ...card(node, 14),
    name: 'eno1',
    driver: 'tg3',
    vendorID: '14e4',
    deviceID: '165f',
    addresses: [`10.${node >> 8}.${node & 255}.2/16`],
    defaultRoute: true,
  };
}

function bond(node: number): ReportedInterface {
  return { ...facts(node, 15), name: 'bond1', kind: 'bond', driver: 'bond' };
}

/**
 * Returns a port of the node's cards. Ports 12 and 13 belong to the bond. The others are free, of three models, and on
 * two NUMA nodes.
 */
function card(node: number, port: number): ReportedInterface {
  const make = makes[port % makes.length] as (typeof makes)[number];
  return {
    ...facts(node, port),
    ...make,
    name: `ens${port + 1}f${port % 2}`,
    altNames: [`enp${59 + port}s0f${port % 2}`],
    pciAddress: `0000:${(0x3b + port).toString(16)}:00.${port % 2}`,
    numaNode: port % 2,
    ...((port === 12 || port === 13) && { master: { name: 'bond1', kind: 'bond' } }),
  };
}

const makes = [
  { driver: 'ixgbe', vendorID: '8086', deviceID: '1572' },
  { driver: 'mlx5_core', vendorID: '15b3', deviceID: '1017' },
  { driver: 'ice', vendorID: '8086', deviceID: '159b' },
] as const;

function facts(node: number, port: number) {
  const octets = [0x52, 0x54, port, node >> 16, (node >> 8) & 255, node & 255];
  const macAddress = octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
  return { ifindex: 2 + port, up: true, carrier: true, mtu: 9000, macAddress, permanentMACAddress: macAddress };
}

/**
 * Builds policies that choose nodes and NICs in five ways, in turn. Together they select each node about twenty times.
 */
function buildPolicy(index: number): PolicyObject {
  const spec = specs[index % specs.length]?.(index) as PolicyObject['spec'];
  return { metadata: { name: `policy-${index}`, namespace: policyNamespace, generation: 1 }, spec };
}

const specs: readonly ((index: number) => PolicyObject['spec'])[] = [
  (index) => ({
    priority: index % 100,
    nodeSelector: { matchLabels: { pool: `pool-${(index / 5) % 10}` } },
    parentSelector: [
      {
        nicSelector: { names: ['ens[1-6]f*'], drivers: ['ixgbe', 'ice'], exclude: { defaultRoute: true } },
        resourceName: `fast${index}`,
      },
      { parentIface: 'bond1', mode: 'private', quantity: 25, resourceName: `bonded${index}` },
    ],
  }),
  (index) => ({
    nodeSelector: {
      matchExpressions: [
        { key: 'topology.kubernetes.io/zone', operator: 'In', values: [`zone-${index % 3}`] },
        { key: 'role', operator: 'NotIn', values: ['storage'] },
      ],
    },
    resourceName: `pci${index}`,
    parentSelector: [
      { nicSelector: { pciAddresses: [`0000:${(0x3b + (index % 12)).toString(16)}:00.*`] }, mode: 'vepa' },
      { nicSelector: { pciAddresses: ['0000:[45]?:00.[01]'] } },
    ],
  }),
  (index) => ({
    nodeAffinity: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'cores', operator: 'Gt', values: [String(16 * (index % 9))] }] },
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName(index)] }] },
      ],
    },
    parentSelector: [
      {
        nicSelector: { vendorIDs: ['8086'], deviceIDs: ['1572', '159b'], exclude: { names: ['eno*', 'ens1?f*'] } },
        resourceName: `intel${index}`,
      },
    ],
  }),
  (index) => ({
    nodeSelector: { matchLabels: { rack: `rack-${index % 50}` } },
    parentSelector: [{ nicSelector: { drivers: ['mlx5_core'], numaNodes: [index % 2] }, quantity: 10 }],
  }),
  (index) => ({
    nodeSelector: { matchExpressions: [{ key: 'pool', operator: 'Exists' }] },
    nodeAffinity: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: [`rack-${index % 25}`] }] }],
    },
    parentSelector: [
      { nicSelector: { macAddresses: ['52:54:0[89ab]:*'], exclude: { numaNodes: [1] } }, resourceName: `mac${index}` },
      { parentIface: `enp${59 + (index % 12)}s0f${index % 2}`, mode: 'passthru', resourceName: `whole${index}` },
    ],
  }),
];
