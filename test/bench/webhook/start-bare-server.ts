// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { readStart } from '../../images/read-start.ts';
import { startProcess } from '../../process/start-process.ts';
import type { ReviewServer, WebhookSite } from './start-webhook.ts';

const program = fileURLToPath(new URL('./bare-server-process.ts', import.meta.url));

/**
 * Starts a bare node:https server with the webhook's certificate. Node.js is started in the same way as for the
 * webhook.
 */
export async function startBareServer({ certFolder }: Pick<WebhookSite, 'certFolder'>): Promise<ReviewServer> {
  await using undo = new AsyncDisposableStack();
  const { nodeFlags, environment } = readStart('webhook');
  const bare = undo.use(
    startProcess({
      name: 'bare node:https',
      command: [process.execPath, ...nodeFlags, program, certFolder],
      environment,
    }),
  );
  const line = await bare.waitForLine(/^listening on \d+$/);
  const scope = undo.move();
  return { process: bare, port: Number(line.split(' ').at(-1)), [Symbol.asyncDispose]: () => scope.disposeAsync() };
}
