// SPDX-License-Identifier: Apache-2.0
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createDirectoryStore } from '../../certs/directory-store.ts';
import { keepCertificate } from '../../certs/keep-certificate.ts';
import { publishToFile } from '../../certs/publish-to-file.ts';

/**
 * A process that keeps a certificate in a directory: `certificate-keeper.ts <directory> <beginsAt> [<dueAfterMs>]`. Waits for
 * the time (so that several begin together), says every step as `<what> <serial>`, and goes on until it is ended.
 */
const [directory = '', beginsAt = '0', dueAfterMs] = process.argv.slice(2);

// Synchronous: what was said before the process is killed must arrive.
const say = (line: string) => writeSync(1, `${line}\n`);

const lifetimeMs = 3_600_000;
while (Date.now() < Number(beginsAt)) await new Promise((resolve) => setImmediate(resolve));
await using kept = await keepCertificate({
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
  for (const { code, message } of kept.faults) say(`fault ${code} ${message}`);
});
await new Promise((resolve) => process.once('SIGTERM', resolve));
