// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/** The end of one request: its own deadline, or its caller's signal. Disposing of it takes back its timer and listener. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  /** Why it ended, if it did. */
  readonly reason: MacvtapError | undefined;
  /** The deadline counts no more; the caller's signal does. */
  lift(): void;
  /** The promise, unless the limit comes first. */
  race<Value>(promise: Promise<Value>): Promise<Value>;
}

/** `what` names the request: `GET https://…`. */
export function limitTime(what: string, timeoutMs: number, outer: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController();
  let reason: MacvtapError | undefined;
  const end = (error: MacvtapError): void => {
    reason ??= error;
    controller.abort(error);
  };
  const onAbort = () => end(new MacvtapError('Aborted', `${what}: given up`, { cause: outer?.reason }));
  const onTime = () =>
    end(
      new MacvtapError(
        'DeadlineExceeded',
        `${what}: no whole answer in ${timeoutMs} ms; see whether the API server is up and can be reached`,
      ),
    );
  const timer = setTimeout(onTime, timeoutMs);
  outer?.addEventListener('abort', onAbort, { once: true });
  if (outer?.aborted) onAbort();
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    lift: () => clearTimeout(timer),
    async race(promise) {
      const { promise: ended, reject } = Promise.withResolvers<never>();
      const onEnd = () => reject(reason);
      controller.signal.addEventListener('abort', onEnd, { once: true });
      if (controller.signal.aborted) onEnd();
      try {
        return await Promise.race([promise, ended]);
      } finally {
        controller.signal.removeEventListener('abort', onEnd);
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}
