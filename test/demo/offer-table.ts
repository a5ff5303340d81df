// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { textTable } from '../../runtime/terminal-text.ts';
import type { Kubelet } from '../kubelet/start-kubelet.ts';
import type { Expected, Host } from './hosts.ts';
import type { StagedHost } from './stage.ts';

/** Returns the number of healthy devices that kubelet received over gRPC for each connected resource. */
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

/** Returns whether kubelet received exactly the devices that the policy promises for its host. */
export function isOffered(kubelet: Kubelet, expected: Expected[Host]): boolean {
  return isDeepStrictEqual(offersOf(kubelet), expected);
}

/** Returns a table of the hosts' resources as their kubelets see them. */
export function offerTable(staged: ReadonlyMap<Host, StagedHost>): string {
  const rows = [...staged].flatMap(([host, { kubelet }]) => {
    const offers = Object.entries(offersOf(kubelet));
    if (offers.length === 0) return [[host, '-', '-']];
    return offers.map(([name, devices]) => [host, `${resourcePrefix}${name}`, String(devices)]);
  });
  return textTable(['NODE', 'RESOURCE', 'DEVICES'], rows);
}
