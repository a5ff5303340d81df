// SPDX-License-Identifier: Apache-2.0
// All tests with a node that is a machine: they share one cluster, which takes minutes to bring up.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findNodePlugin } from '../cluster/install/node-plugin-pod.ts';
import { bondTests } from './bond-tests.ts';
import { machine, machineClusterOfFile } from './machine-cluster.ts';
import { parentTests } from './parent-tests.ts';
import { rebootTests } from './reboot-tests.ts';
import { selectorTests } from './selector-tests.ts';
import { unplugTests } from './unplug-tests.ts';
import { vlanTests } from './vlan-tests.ts';

const cluster = await machineClusterOfFile();

describe('a node that is a machine', () => {
  it('has its own kernel with cgroup v2 and systemd, and runs the node plugin from its image', async () => {
    const { status } = await cluster.admin.must<{
      readonly status: { readonly nodeInfo: Readonly<Record<'kernelVersion' | 'osImage', string>> };
    }>('GET', `/api/v1/nodes/${machine}`);
    assert.match(status.nodeInfo.kernelVersion, /^6\.1\..*-amd64$/);
    assert.match(status.nodeInfo.osImage, /^Debian GNU\/Linux 12/);
    assert.equal((await cluster.run(machine, 'stat', '-fc', '%T', '/sys/fs/cgroup')).trim(), 'cgroup2fs');
    assert.equal((await cluster.run(machine, 'cat', '/proc/1/comm')).trim(), 'systemd');
    assert.equal((await findNodePlugin(cluster, machine)).isReady, true);
  });
});
bondTests(cluster);
selectorTests(cluster);
unplugTests(cluster);
vlanTests(cluster);
parentTests(cluster);
// Last: everything else has to start again.
rebootTests(cluster);
