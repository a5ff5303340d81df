// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { textTable } from '../../runtime/text-table.ts';
import type { Kubelet } from '../kubelet/start-kubelet.ts';
import type { Expected, Host } from './hosts.ts';
import type { StagedHost } from './stage.ts';

/** What a kubelet was told of, over gRPC: how many healthy devices each connected resource lists. */
export function offersOf(kubelet: Kubelet): Readonly<Record<string, number>> {
  const offers = kubelet
    .resources()
    .filter(({ connected }) => connected)
    .map(({ name, devices }) => [
      name.slice(resourcePrefix.length),
      devices.filter(({ health }) => health === 'Healthy').length,
    ]);
  return Object.fromEntries(offers.sort());
}

/** Whether a kubelet was told exactly what the policy promises for its host. */
export function isOffered(kubelet: Kubelet, expected: Expected[Host]): boolean {
  return isDeepStrictEqual(offersOf(kubelet), expected);
}

/** The hosts' resources as their kubelets know them. */
export function offerTable(staged: ReadonlyMap<Host, StagedHost>): string {
  const rows = [...staged].flatMap(([host, { kubelet }]) => {
    const offers = Object.entries(offersOf(kubelet));
    if (offers.length === 0) return [[host, '-', '-']];
    return offers.map(([name, devices]) => [host, `${resourcePrefix}${name}`, String(devices)]);
  });
  return textTable(['NODE', 'RESOURCE', 'DEVICES'], rows);
}
