// SPDX-License-Identifier: Apache-2.0

/**
 * What Node.js is started with in the webhook's container. None of what a review makes outlives its answer, but V8 lets the
 * space for new objects grow to tens of megabytes while they keep coming; with 1 MB it is emptied more often and holds
 * nothing. The second asks the collector for memory before speed; reviews are answered no slower.
 */
export const podNodeFlags: readonly string[] = ['--max-semi-space-size=1', '--optimize-for-size'];

/** glibc gives every thread a heap of its own that is not given back (mallopt(3), M_ARENA_MAX); V8 has four of them. */
export const podEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };
