// SPDX-License-Identifier: Apache-2.0
import type { StatusFacts } from './build-status.ts';

/** What a status rests on, followed. */
export interface StatusFeed extends AsyncDisposable {
  /** As it is now. */
  read(): Promise<StatusFacts>;
  /** Why it may not be the newest; each a line for a person. */
  readonly troubles: readonly string[];
}
