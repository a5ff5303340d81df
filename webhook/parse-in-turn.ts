// SPDX-License-Identifier: Apache-2.0

import type { WebhookApp } from './app.ts';
import { createBodyGate, type LeaveGate } from './body-gate.ts';
import { parseBody } from './parse-body.ts';

/** Larger than nearly every review. */
const smallLength = 128 * 1024;

/** Too many large bodies wait for another to be taken. */
export class TooMuchWaits extends Error {}

/**
 * Has bodies parsed as JSON, and nothing else taken: small ones as they come, large ones as long as those under review are
 * not too large together, see body-gate. A review is over when its answer is text, whether or not anybody reads that; one
 * whose client gave it up before its turn is dropped. Raises TooMuchWaits.
 */
export function parseInTurn(app: WebhookApp): void {
  const gate = createBodyGate();
  const leaving = new WeakMap<object, LeaveGate>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length <= smallLength) return done(null, parseBody(body));
    const { socket } = request.raw;
    const giveUp = (): void => place?.();
    socket.once('close', giveUp);
    const place = gate.enter(body.length, (leave) => {
      socket.off('close', giveUp);
      if (socket.destroyed) return leave();
      leaving.set(request, leave);
      let value: unknown;
      try {
        value = parseBody(body);
      } catch (thrown) {
        // Not thrown: it would be another request that fails, the one by whose end this one's turn came.
        return done(thrown as SyntaxError);
      }
      return done(null, value);
    });
    if (place !== undefined) return;
    socket.off('close', giveUp);
    done(new TooMuchWaits('too many large reviews wait'));
  });
  app.addHook('onSend', (request, _reply, _payload, done) => {
    const leave = leaving.get(request);
    if (leave !== undefined) {
      request.body = undefined;
      // Not before this one's answer is on its way, and nothing of it on the stack: the next is parsed at once.
      setImmediate(leave);
    }
    done();
  });
}
