// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { listResources, wayTo } from './list-resources.ts';
import { recreatePod } from './recreate-pod.ts';

/** These are told of as causes of their own. */
const others: readonly (string | undefined)[] = [
  'ParentChanged',
  'PassthruExclusive',
  'UpstreamPluginRunning',
  'MacvtapUnsupported',
];

/**
 * The interface below a resource that was served is still there and can carry macvtaps. When it goes the kernel takes the
 * macvtaps of pods along, and nobody can give a running pod another one.
 */
export const findParentVanished: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Unhealthy' && !others.includes(code)).map(
    (found): Cause => {
      const { name, parent, held = 0, code } = found.resource;
      const pods =
        held === 0 ? '' : `; ${held} ${held === 1 ? 'device is' : 'devices are'} held, and pods had their links on it`;
      return {
        code: 'ParentVanished',
        isNote: false,
        ...wayTo(found),
        detail: `${name} stood on ${parent}, which cannot carry it any more: ${code}${pods}`,
        fix: {
          text: `bring ${parent} back on the node; then make anew what had a macvtap on it`,
          onNode: [`ip link show ${parent}`],
          commands: scope.pod === undefined ? [] : [recreatePod(scope.pod)],
        },
      };
    },
  );
