// SPDX-License-Identifier: Apache-2.0
import { after } from 'node:test';
import { type ControlPlane, type PrepareApiServer, startControlPlane } from './control-plane.ts';
import { install } from './install.ts';

/**
 * Starts a control plane with the product's CRDs, policies and RBAC rules installed. It runs as long as the tests of a
 * file.
 */
export async function clusterOfFile(prepare?: PrepareApiServer): Promise<ControlPlane> {
  const cluster = await startControlPlane(prepare);
  after(() => cluster[Symbol.asyncDispose]());
  await install(cluster);
  return cluster;
}
