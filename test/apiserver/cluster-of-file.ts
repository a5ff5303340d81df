// SPDX-License-Identifier: Apache-2.0
import { after } from 'node:test';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { install } from './install.ts';

/** A control plane with our kinds, policies and rights installed, that lives as long as the tests of a file run. */
export async function clusterOfFile(): Promise<ControlPlane> {
  const cluster = await startControlPlane();
  after(() => cluster[Symbol.asyncDispose]());
  await install(cluster);
  return cluster;
}
