// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { recreatePod } from '../suggested-commands.ts';

/** Codes that other rules report. */
const others: readonly (string | undefined)[] = [
  'ParentChanged',
  'PassthruExclusive',
  'UpstreamPluginRunning',
  'MacvtapUnsupported',
  'VlanUnsupported',
  'VlanFailed',
  'VlanMissing',
];

/**
 * Checks that the parent of a served resource still exists and can carry macvtaps. When a parent is deleted, the kernel
 * also deletes the pods' macvtaps on it. A running pod cannot get another macvtap.
 */
export const findParentVanished: CauseRule = (scope, facts) =>
  listResources(scope, facts, ({ health, code }) => health === 'Unhealthy' && !others.includes(code)).map(
    (found): Cause => {
      const { name, parent, held = 0, code } = found.resource;
      const pods =
        held === 0
          ? ''
          : `; ${held} ${held === 1 ? 'device is' : 'devices are'} held, and pods had their macvtaps on it`;
      return {
        code: 'ParentVanished',
        isNote: false,
        ...locateResource(found),
        detail: `${name} was on ${parent}, which cannot carry it anymore: ${code}${pods}`,
        fix: {
          text: `bring ${parent} back on the node; then recreate the pods that had a macvtap on it`,
          onNode: [`ip link show ${parent}`],
          commands: scope.pod === undefined ? [] : [recreatePod(scope.pod)],
        },
      };
    },
  );
