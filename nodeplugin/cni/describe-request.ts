// SPDX-License-Identifier: Apache-2.0
import { parseDeviceID } from '../../policy/device/device-id.ts';
import type { CNIContext } from './cni-context.ts';
import { decodeNetConf, valueAt } from './net-conf.ts';

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
  const value = (name: string) => clip(variables.get(name));
  const pod = /(?:^|;)K8S_POD_NAMESPACE=([^;]*)/.exec(variables.get('CNI_ARGS') ?? '')?.[1];
  const podName = /(?:^|;)K8S_POD_NAME=([^;]*)/.exec(variables.get('CNI_ARGS') ?? '')?.[1];
  const { network, device } = readNames(stdin);
  // The ID tells it too, of a device that was never given out or that the ledger lost.
  const resource = device && (ledger.get(device)?.resource ?? parseDeviceID(device)?.resourceName);
  return [
    value('CNI_COMMAND') ?? 'a command',
    value('CNI_IFNAME') === undefined ? '' : ` of ${value('CNI_IFNAME')}`,
    pod === undefined || podName === undefined ? '' : ` for pod ${clip(pod)}/${clip(podName)}`,
    network === undefined ? '' : `, network ${network}`,
    device === undefined ? '' : `, device ${device}`,
    resource === undefined ? '' : ` of resource ${resource}`,
  ].join('');
}

function readNames(stdin: Uint8Array): { readonly network?: string | undefined; readonly device?: string | undefined } {
  try {
    const object = decodeNetConf(stdin);
    const text = (key: string) => {
      const value = valueAt(object, key);
      return typeof value === 'string' ? clip(value) : undefined;
    };
    return { network: text('name'), device: text('deviceID') ?? text('runtimeConfig.deviceID') };
  } catch {
    return {};
  }
}

/** What a request holds may be anything; a name in a message is short and has no line breaks. */
function clip(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > 80 ? `${printable.slice(0, 80)}…` : printable;
}
