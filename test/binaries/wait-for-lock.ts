// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { lockDirectory } from '../../nodeplugin/ledger/state-directory.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/** How often a message is printed during the wait. */
const noticeMs = 30_000;
const lockPollMs = 200;

/** Waits until no other process builds into the folder. From time to time, prints which process does. */
export async function waitForLock(folder: string, print: (line: string) => void): Promise<AsyncDisposable> {
  for (let waited = 0; ; waited += lockPollMs) {
    try {
      return await lockDirectory(folder);
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      if (error.code !== 'LedgerLocked') throw error;
      if (waited % noticeMs === 0) print(`waiting for process ${error.facts.holder ?? '?'}, which builds the same`);
      await sleep(lockPollMs);
    }
  }
}
