// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../../policy/nearest-names.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { textFlag } from '../../runtime/flag-types.ts';
import type { View } from '../view/view.ts';

export const nodeFlag = { node: textFlag('NAME', 'only this node') } as const;

/** Raises InvalidFlags, with the names that may have been meant, where there is neither Node nor state of the name. */
export function requireNode({ snapshot, missing, where }: View, name: string | undefined): void {
  const { nodes, nodeStates } = snapshot;
  if (name === undefined || nodes.has(name) || nodeStates.has(name)) return;
  // What could not be read may be there.
  if (missing.some(({ what }) => what === 'Nodes')) return;
  const near = nearestNames(name, [...nodes.keys()]);
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  throw new MacvtapError('InvalidFlags', `--node ${name}: no such Node in ${where}${hint}`);
}
