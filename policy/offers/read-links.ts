// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { type ReportedInterface, readInterface } from '../plan/interface-facts.ts';
import { type Interfaces, indexInterfaces } from '../plan/interfaces.ts';

/** The interfaces that a node reports. */
export interface Links {
  readonly reported: readonly ReportedInterface[];
  /** The same for selectors; made when it is first asked for, since it is dear. */
  index(): Interfaces;
}

export function readLinks({ status }: MacvtapNetworkNodeState): Links {
  const reported = status?.interfaces ?? [];
  let interfaces: Interfaces | undefined;
  return {
    reported,
    index: () => {
      interfaces ??= indexInterfaces(reported.map(readInterface));
      return interfaces;
    },
  };
}
