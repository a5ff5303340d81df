// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { nodeCentric, resourceCentric } from '../demo/hosts.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { untilAllocatable } from './resources.ts';

const cluster = await macvtapClusterOfFile();
const policy = (form: string) => readFileSync(new URL(`../fixtures/seed/${form}/policy.yaml`, import.meta.url), 'utf8');
const implicit = {
  h1: { bond1: 100, eth0: 100, eth1: 100 },
  h2: { bond1: 100, ens3: 100, ens4: 100, ens5: 100, ens6: 100 },
  h3: { eth0: 100, eth1: 100 },
};

// Each test continues with the cluster that the previous test left. No program is restarted.
describe("the proposal's three hosts, in their Nodes' allocatable", () => {
  it('expose everything without a policy', () => untilAllocatable(cluster, implicit));

  it('expose exactly the node-centric policy; the host that is not selected exposes everything', async () => {
    await cluster.mustKubectl(['apply', '-f', '-'], policy('node-centric'));
    await untilAllocatable(cluster, nodeCentric);
  });

  it('follow an edit of the policy to the resource-centric form', async () => {
    await cluster.mustKubectl(['apply', '-f', '-'], policy('resource-centric'));
    await untilAllocatable(cluster, resourceCentric);
  });

  it('expose everything again when the label is removed, and follow the policy when the label is added', async () => {
    await cluster.mustKubectl(['label', 'node', 'h1', 'macvtapAware-']);
    await cluster.mustKubectl(['label', 'node', 'h3', 'macvtapAware=true']);
    await untilAllocatable(cluster, { ...resourceCentric, h1: implicit.h1, h3: { dataplane: 100 } });
    await cluster.mustKubectl(['label', 'node', 'h1', 'macvtapAware=true']);
    await cluster.mustKubectl(['label', 'node', 'h3', 'macvtapAware-']);
    await untilAllocatable(cluster, resourceCentric);
  });

  it('expose everything again when the policy is deleted', async () => {
    await cluster.mustKubectl(['delete', '-n', 'macvtap-cni', 'macvtapnetworknodepolicies', '--all']);
    await untilAllocatable(cluster, implicit);
  });
});
