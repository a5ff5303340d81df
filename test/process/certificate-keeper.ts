// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createDirectoryStore, publishToFile } from '../../certs/directory-store.ts';
import { renewCertificate } from '../../certs/renew-certificate.ts';

/**
 * Maintains a certificate in a directory: `certificate-keeper.ts <directory> <beginsAt> [<dueAfterMs>]`. Waits until
 * the given time, so that several processes begin together. Prints every step as `<what> <serial>`, and runs until a
 * signal.
 */
const [directory = '', beginsAt = '0', dueAfterMs] = process.argv.slice(2);

// Writes synchronously, because the output before a kill must arrive.
const say = (line: string) => writeSync(1, `${line}\n`);

const lifetimeMs = 3_600_000;
while (Date.now() < Number(beginsAt)) await new Promise((resolve) => setImmediate(resolve));
await using kept = await renewCertificate({
  store: createDirectoryStore(directory),
  publisher: publishToFile(join(directory, 'ca.crt')),
  names: ['localhost'],
  pollMs: 100,
  ...(dueAfterMs !== undefined && {
    settings: { lifetimeMs, renewBeforeMs: lifetimeMs - Number(dueAfterMs), overlapMs: 50 },
  }),
  onEvent: ({ what, pair }) => say(`${what} ${pair?.serial}`),
});
say('ready');
using _listening = kept.onChange(() => {
  for (const { code, message } of kept.problems) say(`problem ${code} ${message}`);
});
await new Promise((resolve) => process.once('SIGTERM', resolve));
