// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { readInterface } from '../../policy/plan/interfaces.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import { ManifestsDirectory } from '../../test/fixtures/manifests-directory.ts';
import { brief, exposeAll } from '../../test/fixtures/plan/build-example.ts';
import { wantedFrom } from '../cluster-flags.ts';

/**
 * The resources of the three hosts in test/fixtures/seed: without a policy, with the node-centric policy, and with the
 * resource-centric policy.
 */
const table = [
  {
    policies: undefined,
    h1: ['bond1=bond1/bridge/100', 'eth0=eth0/bridge/100', 'eth1=eth1/bridge/100'],
    h2: ['bond1', 'ens3', 'ens4', 'ens5', 'ens6'].map((name) => `${name}=${name}/bridge/100`),
    h3: ['eth0=eth0/bridge/100', 'eth1=eth1/bridge/100'],
    sources: ['implicit', 'implicit', 'implicit'],
  },
  {
    policies: 'node-centric/policy.yaml',
    h1: ['bondedIface=bond1/private/25', 'quickDataplane=eth1/vepa/100'],
    h2: ['bondedIface=bond1/private/25'],
    h3: ['eth0=eth0/bridge/100', 'eth1=eth1/bridge/100'],
    sources: ['policy', 'policy', 'implicit'],
  },
  {
    policies: 'resource-centric/policy.yaml',
    h1: ['dataplane=bond1/private/25'],
    h2: ['dataplane=bond1/private/25'],
    h3: ['eth0=eth0/bridge/100', 'eth1=eth1/bridge/100'],
    sources: ['policy', 'policy', 'implicit'],
  },
] as const;

const readSeed = (file: string) => readFile(new URL(`../../test/fixtures/seed/${file}`, import.meta.url), 'utf8');

describe('the three hosts of the proposal, read from files', () => {
  for (const { policies, sources, ...expected } of table) {
    it(`expose the resources of the proposal with ${policies ?? 'no policy'}`, async () => {
      await using directory = await ManifestsDirectory.make({ 'nodes.yaml': await readSeed('nodes.yaml') });
      if (policies !== undefined) await directory.write('policies.yaml', await readSeed(policies));
      await using source = await directory.open();
      assert.deepEqual(source.faults, []);
      const { snapshot } = source;
      const plans = ['h1', 'h2', 'h3'].map((name) => {
        const facts = (snapshot.nodeStates.get(name)?.status?.interfaces ?? []).map(readInterface);
        return planNode(
          snapshot.nodes.get(name) ?? assert.fail(`no node ${name}`),
          facts,
          wantedFrom(snapshot, exposeAll),
        );
      });
      assert.deepEqual(Object.fromEntries(plans.map((plan) => [plan.node, brief(plan)])), expected);
      assert.deepEqual(
        plans.map(({ source: name }) => name),
        sources,
      );
      assert.deepEqual(
        plans.flatMap(({ conflicts }) => conflicts),
        [],
      );
    });
  }
});
