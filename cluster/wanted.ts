// SPDX-License-Identifier: Apache-2.0
import type { ImplicitExposure } from '../policy/plan/from-implicit.ts';
import { compileGlob } from '../policy/plan/match-glob.ts';
import type { Wanted } from '../policy/plan/sources.ts';
import { MacvtapError } from '../runtime/errors.ts';
import type { FlagValues } from '../runtime/flags.ts';
import type { exposureFlags } from './common-flags.ts';
import type { Snapshot } from './snapshot.ts';

/** What the flags say of implicit exposure; undefined for None. Raises InvalidFlags for a broken glob. */
export function readExposure(values: FlagValues<typeof exposureFlags>): ImplicitExposure | undefined {
  const exclude = values['implicit-exclude'].map(compileGlob);
  const fault = exclude.find((glob) => 'fault' in glob);
  if (fault !== undefined) throw new MacvtapError('InvalidFlags', `--implicit-exclude: ${fault.fault}`);
  return values['implicit-exposure'] === 'None' ? undefined : { linkKinds: values['link-kinds'], exclude };
}

/** Everything of a snapshot that can cause resources on a node. */
export function wantedFrom({ policies, explicit }: Snapshot, implicit: ImplicitExposure | undefined): Wanted {
  return { policies, explicit, implicit };
}
