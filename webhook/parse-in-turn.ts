// SPDX-License-Identifier: Apache-2.0

import type { WebhookApp } from './app.ts';
import { createBodyGate } from './body-gate.ts';
import { parseBody } from './parse-body.ts';

/** Larger than nearly every review. */
const smallLength = 128 * 1024;

/**
 * Has bodies parsed as JSON, and nothing else taken: small ones as they come, large ones as long as those under review are
 * not too large together, see body-gate. One whose client gave it up meanwhile is left alone.
 */
export function parseInTurn(app: WebhookApp): void {
  const gate = createBodyGate();
  const leaving = new WeakMap<object, () => void>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length <= smallLength) return done(null, parseBody(body));
    gate.enter(body.length, (leave) => {
      const { socket } = request.raw;
      if (socket.destroyed) return leave();
      const end = (): void => {
        socket.off('close', end);
        leave();
      };
      socket.once('close', end);
      leaving.set(request, end);
      let value: unknown;
      try {
        value = parseBody(body);
      } catch (thrown) {
        // Not thrown: it would be another request that fails, the one by whose end this one's turn came.
        return done(thrown as SyntaxError);
      }
      return done(null, value);
    });
  });
  app.addHook('onResponse', (request, _, done) => {
    leaving.get(request)?.();
    done();
  });
}
