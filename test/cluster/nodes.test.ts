// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readVersion, recipes } from '../binaries/recipes.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apiServerAddress } from './layout.ts';
import { deletePod, runInPod, runPod } from './pods.ts';
import { seedNodes } from './seed-nodes.ts';

const cluster = await clusterOfFile(seedNodes);
const nodes = seedNodes.map(({ name }) => name);

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
    readonly status: {
      readonly nodeInfo: { readonly kubeletVersion: string };
      readonly addresses: readonly { readonly type: string; readonly address: string }[];
    };
  }[];
}

describe('a cluster of three nodes', () => {
  it('has each node with its own kubelet, address and labels', async () => {
    const { items } = await cluster.admin.must<NodeList>('GET', '/api/v1/nodes');
    assert.deepEqual(
      items.map(({ metadata, status }) => [
        metadata.name,
        metadata.labels.macvtapAware,
        status.nodeInfo.kubeletVersion,
        status.addresses.find(({ type }) => type === 'InternalIP')?.address,
      ]),
      [
        ['h1', 'true', readVersion(recipes.kubelet), '10.99.0.11'],
        ['h2', 'true', readVersion(recipes.kubelet), '10.99.0.12'],
        ['h3', undefined, readVersion(recipes.kubelet), '10.99.0.13'],
      ],
    );
  });

  it('gives each node the interfaces that were asked for, an uplink, and nothing of the others', async () => {
    for (const { name, interfaces } of seedNodes) {
      const links = (await cluster.run(name, 'ls', '/sys/class/net')).trim().split('\n');
      assert.deepEqual(
        links.filter((link) => !/^(lo|k0|cni0|veth.*)$/.test(link)),
        interfaces,
      );
    }
  });

  it('runs a pod on each; pods are reached across nodes and from the machine, and reach the API server', async () => {
    const script = 'echo here > /tmp/index.html; exec httpd -f -p 8080 -h /tmp';
    const pods = await Promise.all(nodes.map((node) => runPod(cluster, { name: `on-${node}`, node, script })));
    assert.deepEqual(
      pods.map(({ spec }) => spec.nodeName),
      nodes,
    );
    for (const { status } of pods) {
      // A pod is Running before its program listens.
      const read = async () => await (await fetch(`http://${status.podIP}:8080/`)).text();
      await until(
        () => read().catch(String),
        (text) => text === 'here\n',
      );
    }
    for (const from of nodes) {
      for (const { status } of pods) await runInPod(cluster, `on-${from}`, `ping -c 1 -W 5 ${status.podIP}`);
      await runInPod(cluster, `on-${from}`, `nc -w 5 ${apiServerAddress} 443 </dev/null`);
    }
    for (const name of nodes) await deletePod(cluster, `on-${name}`);
  });

  it("lets the scheduler choose a node, and prints a pod's output", async () => {
    await runPod(cluster, { name: 'speaker', script: 'echo spoken; exec sleep infinity' });
    assert.equal(await cluster.mustKubectl(['logs', 'speaker']), 'spoken\n');
    await deletePod(cluster, 'speaker');
  });

  it('attaches a second network by Multus', async () => {
    await cluster.apply([
      {
        apiVersion: 'k8s.cni.cncf.io/v1',
        kind: 'NetworkAttachmentDefinition',
        metadata: { name: 'second', namespace: 'default' },
        spec: { config: JSON.stringify({ cniVersion: '1.0.0', name: 'second', type: 'bridge', bridge: 'second0' }) },
      },
    ]);
    const pod = await runPod(cluster, { name: 'two-networks', networks: 'second' });
    const links = await runInPod(cluster, 'two-networks', 'ls /sys/class/net');
    assert.deepEqual(links.trim().split('\n'), ['eth0', 'lo', 'net1']);
    const [first, second] = JSON.parse(pod.metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]');
    assert.deepEqual([first.name, second.name, second.interface], ['pods', 'default/second', 'net1']);
    await deletePod(cluster, 'two-networks');
  });
});
