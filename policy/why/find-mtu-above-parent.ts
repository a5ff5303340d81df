// SPDX-License-Identifier: Apache-2.0
import { givenValue } from '../json-object.ts';
import type { Cause, CauseRule } from './cause.ts';
import { listResources, wayTo } from './list-resources.ts';
import { setConfigKey } from './patch-network.ts';

/** A network's MTU is not above that of the interface below, or pods fail at ADD on such nodes. */
export const findMtuAboveParent: CauseRule = (scope, facts) => {
  if (scope.pod?.isReady) return [];
  const mtuOf = (node: string, parent: string) =>
    facts.nodeStates.get(node)?.status?.interfaces?.find(({ name }) => name === parent)?.mtu ?? 1500;
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
            ...wayTo(found),
            network: key,
            detail: `the network wants MTU ${mtu}, and ${parent} below ${resource} has ${least}`,
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
