// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { PluginNode } from './plugin-node.ts';
import { until } from './until.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;

/** Resolves with the state that the node plugin wrote next to the manifests, as soon as `isWanted` accepts it. */
export async function untilState(
  { manifests, name }: Pick<PluginNode, 'manifests' | 'name'>,
  isWanted: (status: Status) => boolean,
): Promise<Status> {
  const read = async (): Promise<Status> => {
    const text = await readFile(join(manifests, `macvtapnetworknodestate-${name}.yaml`), 'utf8').catch(() => '');
    return parse(text)?.status ?? {};
  };
  return await until(read, isWanted);
}

/** Returns the health of a resource and its reason, such as `Degraded LinkDown`. */
export function statedAs(resources: Status['resources'], name: string): string | undefined {
  const resource = resources?.find((each) => each.name === name);
  return resource && [resource.health, resource.code].filter(Boolean).join(' ');
}
