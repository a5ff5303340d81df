// SPDX-License-Identifier: Apache-2.0

/**
 * The parts of an ADD and a DEL that take time: `wait` for the device's lock, `free` its index and node, `record` in the
 * ledger, `create` the link, `own` its node (by the shim); `delete` the link.
 */
export const cniSteps = ['wait', 'free', 'record', 'create', 'own', 'delete'] as const;
export type CNIStep = (typeof cniSteps)[number];
