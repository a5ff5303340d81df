// SPDX-License-Identifier: Apache-2.0

/**
 * How long to wait before the next piece of work is measured: a deletion goes on in the kernel for about 15 ms after it
 * was answered, and keeps others waiting.
 */
export const quietMs = 25;
