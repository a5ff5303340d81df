// SPDX-License-Identifier: Apache-2.0
import { decodeNetConf, valueAt } from './net-conf.ts';

/** What a request names, each as far as it does. Any of it may be anything, but is short and printable here. */
export interface RequestFacts {
  readonly command?: string;
  readonly ifname?: string;
  readonly pod?: { readonly namespace: string; readonly name: string };
  readonly network?: string;
  readonly device?: string;
}

/** Reads the names in a request that may be malformed in every way. */
export function readRequestFacts(variables: ReadonlyMap<string, string>, stdin: Uint8Array): RequestFacts {
  const args = variables.get('CNI_ARGS') ?? '';
  const namespace = clip(/(?:^|;)K8S_POD_NAMESPACE=([^;]*)/.exec(args)?.[1]);
  const name = clip(/(?:^|;)K8S_POD_NAME=([^;]*)/.exec(args)?.[1]);
  const command = clip(variables.get('CNI_COMMAND'));
  const ifname = clip(variables.get('CNI_IFNAME'));
  return {
    ...(command !== undefined && { command }),
    ...(ifname !== undefined && { ifname }),
    ...(namespace !== undefined && name !== undefined && { pod: { namespace, name } }),
    ...readNames(stdin),
  };
}

function readNames(stdin: Uint8Array): Pick<RequestFacts, 'network' | 'device'> {
  try {
    const object = decodeNetConf(stdin);
    const text = (key: string) => {
      const value = valueAt(object, key);
      return typeof value === 'string' ? clip(value) : undefined;
    };
    const [network, device] = [text('name'), text('deviceID') ?? text('runtimeConfig.deviceID')];
    return { ...(network !== undefined && { network }), ...(device !== undefined && { device }) };
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
