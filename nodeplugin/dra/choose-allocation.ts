// SPDX-License-Identifier: Apache-2.0
import { refused } from '../../cluster/api/api-errors.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import type { LiveSource } from '../../cluster/source.ts';
import { allocationLabel } from '../../policy/device/dra-names.ts';
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createBackOff, createSleeper } from '../../runtime/pause.ts';
import type { NodePluginConfig } from '../config.ts';

/** The API through which new pods get devices. */
export type Allocation = NodePluginConfig['allocation'];

export interface AllocationChoice extends AsyncDisposable {
  /** Undefined until it is known which API the node must use, and whether the cluster supports it. */
  readonly current: Allocation | undefined;
  /** Why the node does not use the API that is configured. */
  readonly trouble: string | undefined;
}

export interface ChooseAllocationOptions {
  readonly config: Pick<NodePluginConfig, 'node-name' | 'allocation' | 'allocation-by-label'>;
  readonly source: Pick<LiveSource, 'origin' | 'snapshot' | 'onChange'>;
  /** Called when `current` or `trouble` may have changed. */
  readonly onChange: () => void;
}

/** Returns whether the installation allows DRA on this node: only then does the chart create its rights. */
export function mayUseDra(config: ChooseAllocationOptions['config'], { origin }: Pick<LiveSource, 'origin'>): boolean {
  return origin.kind === 'cluster' && (config.allocation === 'DRA' || config['allocation-by-label'] === 'On');
}

/**
 * Follows which API the node uses: the flag's, or that of the node's label. If the cluster does not support DRA, the
 * node keeps the device plugin API, and the cluster is checked again from time to time.
 */
export function chooseAllocation({ config, source, onChange }: ChooseAllocationOptions): AllocationChoice {
  const { origin } = source;
  if (!mayUseDra(config, source) || origin.kind !== 'cluster') {
    const trouble =
      config.allocation === 'DRA' ? 'DRA needs an API server, and objects are read from files' : undefined;
    return { current: 'DevicePlugin', trouble, async [Symbol.asyncDispose]() {} };
  }
  const scope = new AbortController();
  const sleeper = createSleeper(scope.signal);
  let support: Support = {};
  const wanted = () => readWanted(config, source);
  const running = (async () => {
    for (let failures = 0; !scope.signal.aborted; ) {
      if (wanted()?.allocation !== 'DRA' || support.isThere) {
        await sleeper.sleep();
        continue;
      }
      const failed = (thrown: unknown) => ({ ...support, lacks: MacvtapError.from(thrown).message });
      support = await checkSupport(origin.client, scope.signal).catch(failed);
      failures = support.isThere === undefined ? failures + 1 : 0;
      onChange();
      if (!support.isThere) await sleeper.sleep(failures === 0 ? recheckMs : backOffMs(failures));
    }
  })();
  const changes = source.onChange(() => {
    sleeper.wake();
    onChange();
  });
  return {
    get current() {
      const choice = wanted();
      if (choice?.allocation !== 'DRA') return choice?.allocation;
      if (support.isThere === undefined) return undefined;
      return support.isThere ? 'DRA' : 'DevicePlugin';
    },
    get trouble() {
      const choice = wanted();
      return choice?.trouble ?? (choice?.allocation === 'DRA' ? support.lacks : undefined);
    },
    async [Symbol.asyncDispose]() {
      using _changes = changes;
      scope.abort();
      await running;
    },
  };
}

/** How long a cluster without DRA is not checked again. It changes only with an upgrade of the control plane. */
const recheckMs = 60_000;
const backOffMs = createBackOff({ firstMs: 500, longestMs: 15_000 });

function readWanted(
  config: ChooseAllocationOptions['config'],
  { snapshot }: Pick<LiveSource, 'snapshot'>,
): { readonly allocation: Allocation; readonly trouble?: string } | undefined {
  const { allocation } = config;
  if (config['allocation-by-label'] === 'Off') return { allocation };
  const node = snapshot.nodes.get(config['node-name']);
  if (node === undefined) return undefined;
  const label = node.labels[allocationLabel];
  if (label === undefined || label === 'DRA' || label === 'DevicePlugin') return { allocation: label ?? allocation };
  const text = `the node's label ${allocationLabel} is "${label.slice(0, 63)}": write DevicePlugin or DRA; until then`;
  return { allocation, trouble: `${text}, the node uses ${allocation}` };
}

/** `isThere` is undefined until the API server has answered. */
type Support = { readonly isThere?: boolean; readonly lacks?: string };

/** The first version in which pods with extended resources get devices of a DeviceClass by default (KEP-5004). */
const firstMinor = 36;

/** Checks whether the cluster supports DRA and the mapping of extended resources. */
async function checkSupport(client: ApiClient, signal: AbortSignal): Promise<Support> {
  const group = await client.request('GET', '/apis/resource.k8s.io/v1', undefined, { signal });
  const keeps = '; the node keeps the device plugin API';
  if (group.status === 404) return { isThere: false, lacks: `the API server has no resource.k8s.io/v1${keeps}` };
  if (group.status !== 200) throw refused('GET /apis/resource.k8s.io/v1', group);
  const answer = await client.request('GET', '/version', undefined, { signal });
  if (answer.status !== 200 || !isJsonObject(answer.body)) throw refused('GET /version', answer);
  const { major, minor } = answer.body;
  if (Number(major) > 1 || Number.parseInt(String(minor), 10) >= firstMinor) return { isThere: true };
  const lacks = `Kubernetes ${major}.${minor} does not map extended resources to DeviceClasses, which needs 1.${firstMinor}${keeps}`;
  return { isThere: false, lacks };
}
