// SPDX-License-Identifier: Apache-2.0

/**
 * The pause before the next measurement. The kernel continues a deletion for about 15 ms after it has answered the
 * request, and other requests wait until then.
 */
export const quietMs = 25;
