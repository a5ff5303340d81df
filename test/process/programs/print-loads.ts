// SPDX-License-Identifier: Apache-2.0
// Loaded with --import before the program. Prints the URL of each module before the module is loaded, synchronously.
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  load(url, context, nextLoad) {
    writeSync(2, `loading ${url}\n`);
    return nextLoad(url, context);
  },
});
