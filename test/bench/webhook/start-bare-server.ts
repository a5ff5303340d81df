// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStart } from '../../images/read-start.ts';
import { startProcess } from '../../process/start-process.ts';
import type { PreparedReview } from './prepare-reviews.ts';
import type { ReviewServer, WebhookSite } from './start-webhook.ts';

const program = fileURLToPath(new URL('./bare-server-process.ts', import.meta.url));

/**
 * Starts a bare node:https server with the webhook's certificate. Node.js is started in the same way as for the
 * webhook. The server answers each of `reviews` with the same bytes as the webhook, and allows everything else.
 */
export async function startBareServer(
  { certFolder }: Pick<WebhookSite, 'certFolder'>,
  reviews: readonly PreparedReview[] = [],
): Promise<ReviewServer> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-bare-')));
  const file = join(folder.path, 'responses.json');
  await writeFile(file, JSON.stringify(reviews.map(({ uid, response }) => [uid, response])));
  const { nodeFlags, environment } = readStart('webhook');
  const bare = undo.use(
    startProcess({
      name: 'bare node:https',
      command: [process.execPath, ...nodeFlags, program, certFolder, file],
      environment,
    }),
  );
  const line = await bare.waitForLine(/^listening on \d+$/);
  const scope = undo.move();
  return { process: bare, port: Number(line.split(' ').at(-1)), [Symbol.asyncDispose]: () => scope.disposeAsync() };
}
