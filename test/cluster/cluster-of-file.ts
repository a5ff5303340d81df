// SPDX-License-Identifier: Apache-2.0
import { after, afterEach } from 'node:test';
import { createProgress } from '../demo/progress.ts';
import { bringDown } from './bring-down.ts';
import { bringUp, type ClusterOptions } from './bring-up.ts';
import { claimCluster } from './claim-cluster.ts';
import type { Cluster } from './cluster.ts';
import type { NodeSpec } from './layout.ts';
import { keepLogs } from './logs.ts';

/** Brings up a cluster for as long as the tests of a file run. If a test fails, the cluster's logs are kept. */
export async function clusterOfFile(nodes: readonly NodeSpec[], options?: ClusterOptions): Promise<Cluster> {
  await claimCluster('a run of tests', { takesKept: false });
  let hasFailed = false;
  const quiet = createProgress(() => {}, new AbortController().signal);
  after(async () => {
    if (hasFailed) await tellLogs();
    await bringDown();
  });
  afterEach((context) => {
    if ('passed' in context && !context.passed) hasFailed = true;
  });
  try {
    const cluster = await bringUp(nodes, quiet, options);
    after(() => cluster[Symbol.asyncDispose]());
    return cluster;
  } catch (thrown) {
    await tellLogs();
    throw thrown;
  }
}

async function tellLogs(): Promise<void> {
  console.error(`the logs of all components are in ${await keepLogs()}`);
}
