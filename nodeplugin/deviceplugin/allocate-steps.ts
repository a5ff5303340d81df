// SPDX-License-Identifier: Apache-2.0

/**
 * The parts of an Allocate that take time: `wait` for the locks of its devices; then for each of them `make` its link with
 * its node, whatever has to be removed for that, and `record` it in the ledger.
 */
export const allocateSteps = ['wait', 'make', 'record'] as const;
export type AllocateStep = (typeof allocateSteps)[number];
