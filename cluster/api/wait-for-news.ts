// SPDX-License-Identifier: Apache-2.0

/** Waits until there is news, for that long at most where a time is given, and ends early, and well, with the signal. */
export async function waitForNews(
  news: Promise<void> | undefined,
  ms: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const timer = ms === undefined ? undefined : setTimeout(end, Math.max(0, ms));
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  void news?.then(end);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}
