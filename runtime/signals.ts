// SPDX-License-Identifier: Apache-2.0

/** Exit codes of a process that a signal ends, as shells tell them: 128 + the signal's number (signal(7)). */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * A scope that SIGINT or SIGTERM ends: the first one aborts the signal, for everything to close in order; a second one
 * ends the process at once.
 */
export function signalScope(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onSignal = (name: keyof typeof exitCodes) => {
    if (controller.signal.aborted) process.exit(exitCodes[name]);
    controller.abort(name);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
