// SPDX-License-Identifier: Apache-2.0

import { quote } from '../json.ts';
import { resourceOfNad } from '../nad/read-nad.ts';
import type { Offer } from '../offers/offers.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import { networkKey } from './count-demand.ts';
import { selectNetworks } from './parse-networks.ts';
import { describeNamed, type PodContext, type PodRule } from './rule.ts';

/**
 * The maximum number of networks to report. A pod has a few networks, but a malicious annotation could name a thousand.
 */
const maxReported = 8;

/**
 * Checks that a pod does not request a MAC address on a passthru resource. A passthru device has the address of the
 * node's NIC, and CNI ADD refuses any other address. This mistake is easy to overlook, because MAC pools add an address
 * to every network of a virtual machine. Even a request for the NIC's own address is rejected. That address is valid on
 * one node only, and the pod gets it without a request.
 *
 * Denies the pod if every offer of the resource is passthru, and warns if only some are.
 *
 * Reads mac in k8s.v1.cni.cncf.io/networks and v1.multus-cni.io/default-network, in the JSON syntax. Emits PassthruMac,
 * for the first eight networks.
 */
export const checkPassthruMAC: PodRule = (pod, context) =>
  selectNetworks(pod, context)
    .flatMap(({ annotation, networks }) =>
      networks.flatMap(({ mac, ...network }): readonly Verdict[] =>
        mac === undefined ? [] : judge(mac, networkKey(network), `metadata.annotations[${annotation}]`, context),
      ),
    )
    .slice(0, maxReported);

function judge(mac: string, network: string, path: string, { networks, offers }: PodContext): readonly Verdict[] {
  const nad = networks.get(network);
  const resource = nad && resourceOfNad(nad);
  if (resource === undefined) return [];
  const offered = offers.ofResource(resource);
  const passthru = offered.find(({ mode }) => mode === 'passthru');
  if (passthru === undefined) return [];
  const detail = `${describeNamed({ resource, path, network })}, mac ${quote(mac)}: ${describe(passthru)}`;
  return [
    offered.every(({ mode }) => mode === 'passthru')
      ? deny('PassthruMac', path, `${detail}; leave mac out, and exclude the machine from MAC pools`)
      : warn('PassthruMac', path, `${detail}, and the pod does not start there`),
  ];
}

function describe({ policy, source }: Offer): string {
  return `${policy === undefined ? `source ${source}` : `policy ${policy}`} offers it in mode passthru`;
}
