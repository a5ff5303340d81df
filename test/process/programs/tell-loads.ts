// SPDX-License-Identifier: Apache-2.0
// Preloaded by --import. Prints each module before it is loaded, synchronously.
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  load(url, context, nextLoad) {
    writeSync(2, `loading ${url}\n`);
    return nextLoad(url, context);
  },
});
