// SPDX-License-Identifier: Apache-2.0
import { signalScope } from '../../../runtime/run-command.ts';

/** Ends in an orderly way at the first signal. With `hangs`, it ends only at the second. */
const [, , hangs] = process.argv;

using scope = signalScope();
const { promise, resolve } = Promise.withResolvers<void>();
const keepAlive = setInterval(() => {}, 60_000);
scope.signal.addEventListener('abort', () => {
  console.log(`aborted by ${scope.signal.reason}`);
  if (hangs === undefined) resolve();
});
console.log('waiting');
await promise;
clearInterval(keepAlive);
console.log('ended in order');
