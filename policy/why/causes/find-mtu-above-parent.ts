// SPDX-License-Identifier: Apache-2.0
import { givenValue } from '../../json.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { setConfigKey } from '../suggested-commands.ts';

/** Checks that a network's MTU does not exceed that of the parent. CNI ADD fails on nodes where it does. */
export const findMtuAboveParent: CauseRule = (scope, facts) => {
  if (scope.pod?.isReady) return [];
  const byNode = new Map<string, ReadonlyMap<string, number | undefined>>();
  const mtusOf = (node: string) =>
    new Map((facts.nodeStates.get(node)?.status?.interfaces ?? []).map(({ name, mtu }) => [name, mtu]));
  const mtuOf = (node: string, parent: string) =>
    byNode.getOrInsertComputed(node, () => mtusOf(node)).get(parent) ?? 1500;
  return scope.networks.flatMap(({ key, facts: nad, resource }) =>
    (nad?.plugins ?? []).flatMap(({ conf, object }): readonly Cause[] => {
      const mtu = givenValue(conf, 'mtu');
      if (typeof mtu !== 'number') return [];
      return listResources(scope, facts, (one, node) => one.name === resource && mtu > mtuOf(node, one.parent)).map(
        (found) => {
          const { parent } = found.resource;
          const least = Math.min(...found.nodes.map((node) => mtuOf(node, parent)));
          return {
            code: 'MtuAboveParent',
            isNote: false,
            ...locateResource(found),
            network: key,
            detail: `the network has MTU ${mtu}, but ${parent} below ${resource} has ${least}`,
            fix: {
              text: `lower the network's MTU to ${least}, or raise that of ${parent} on the node`,
              commands: [setConfigKey(key, facts, object, 'mtu', least)],
            },
          };
        },
      );
    }),
  );
};
