// SPDX-License-Identifier: Apache-2.0
import { parseDeviceID } from '../../policy/device/device-id.ts';
import type { CNIContext } from './cni-context.ts';
import { readRequestFacts } from './request-facts.ts';

/**
 * Names what a request is about, for an error that a person reads on a pod.
 *
 * @example 'ADD of net1 for pod vms/a, network blue, device dataplaneMvp3 of resource dataplane'
 */
export function describeRequest(
  variables: ReadonlyMap<string, string>,
  stdin: Uint8Array,
  { ledger }: Pick<CNIContext, 'ledger'>,
): string {
  const { command = 'a command', ifname, pod, network, device } = readRequestFacts(variables, stdin);
  // The ID tells it too, of a device that was never given out or that the ledger lost.
  const resource = device && (ledger.get(device)?.resource ?? parseDeviceID(device)?.resourceName);
  return [
    command,
    ifname === undefined ? '' : ` of ${ifname}`,
    pod === undefined ? '' : ` for pod ${pod.namespace}/${pod.name}`,
    network === undefined ? '' : `, network ${network}`,
    device === undefined ? '' : `, device ${device}`,
    resource === undefined ? '' : ` of resource ${resource}`,
  ].join('');
}
