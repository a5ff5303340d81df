// SPDX-License-Identifier: Apache-2.0
import type { Lookups } from '../cluster/lookups.ts';
import type { Source } from '../cluster/source.ts';
import type { NadContext } from '../policy/nad/rule.ts';
import type { ImplicitExposure } from '../policy/plan/from-implicit.ts';
import type { OffersView } from './offers-view.ts';

/** What objects are judged by. */
export interface ReviewDeps {
  readonly source: Pick<Source, 'snapshot' | 'synced'>;
  readonly offers: Pick<OffersView, 'current' | 'withPolicies'>;
  /** For what the snapshot has not seen. */
  readonly lookups: Lookups;
  /** The installation's namespace. */
  readonly policyNamespace: string;
  /** Where Multus looks for a pod's default network. */
  readonly multusNamespace: string;
  readonly unknownResource: NadContext['unknownResource'];
  readonly exposure: ImplicitExposure | undefined;
}
