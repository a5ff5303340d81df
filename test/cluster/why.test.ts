// SPDX-License-Identifier: Apache-2.0
// Tests each cause of docs/reference/why.md that can be produced here. A test breaks something, and `why` must name the
// cause first. The test applies the printed fix unchanged, and then `why` must find nothing wrong.
import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'node:test';
import { makePair } from '../../certs/serving-pair.ts';
import type { WhyReport } from '../../cli/why/render-explanation.ts';
import type { CauseCode } from '../../policy/why/cause.ts';
import { makeAsker } from '../control-plane/ask-why.ts';
import { until } from '../process/until.ts';
import { installationNamespace as namespace } from './install/release.ts';
import { clusterFolder } from './layout.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, makePod, runPod, untilPodReady } from './pods.ts';
import { startUpstream } from './upstream/start-upstream.ts';

// By default, the webhook would refuse networks with a misspelled resource. Here, `why` must find them later.
const cluster = await macvtapClusterOfFile({ webhook: { unknownResource: 'Warn' } });
const asker = await makeAsker(cluster.kubeconfig, clusterFolder);
/** Only a failing test waits this long. The slowest steps are a roll-out, and kubelet's next report of its devices. */
const guardMs = 50_000;
const group = 'macvtap.network.kubevirt.io';

const policy = (name: string, spec: object) => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name, namespace },
  spec,
});
const aware = { matchLabels: { macvtapAware: 'true' } };
const entry = { parentIface: 'eth1', resourceName: 'data', quantity: 2 };
/** Offers `data` on h1. The policy also selects h2, which has no eth1. */
const data = policy('data', { parentSelector: [entry], nodeSelector: aware });
/**
 * Names every NIC of h1. A node state lists an end of a veth pair only if a resource or a finding names it. bond1 is
 * free, and eth1 is free unless `data` uses it.
 */
const base = policy('base', {
  parentSelector: ['eth0', 'bond1', 'eth1'].map((parentIface) => ({ parentIface, resourceName: 'other' })),
});
const network = (name: string, resource: string, config: object = {}) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name,
    namespace: 'default',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': `${group}/${resource}` },
  },
  spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, type: 'macvtap', ...config }) },
});

async function untilFound(code: CauseCode, ...args: readonly string[]): Promise<WhyReport['causes'][number]> {
  const isFirst = (report: WhyReport) => report.causes[0]?.code === code;
  const { causes } = await until(() => asker.report(...args), isFirst, guardMs);
  return causes[0] as WhyReport['causes'][number];
}

async function untilWell(...args: readonly string[]): Promise<void> {
  await until(
    () => asker.report(...args),
    ({ isWell }) => isWell,
    guardMs,
  );
}

/** Applies a cause's printed fix unchanged. Fails if no fix was printed. */
async function applyFix({ code, nodes = [], fix }: WhyReport['causes'][number]): Promise<void> {
  const { onNode = [], commands } = fix;
  assert.ok(onNode.length + commands.length > 0, `${code} has no printed fix`);
  for (const node of nodes) for (const line of onNode) await cluster.run(node, 'sh', '-c', line);
  for (const line of commands) await asker.copy(line);
}

/** Waits until an object's first cause is this one, applies the printed fix, and waits until nothing is wrong. */
async function heal(code: CauseCode, ...args: readonly string[]): Promise<WhyReport['causes'][number]> {
  const cause = await untilFound(code, ...args);
  await applyFix(cause);
  await untilWell(...args);
  return cause;
}

async function replace(...objects: readonly object[]): Promise<void> {
  for (const object of objects) await cluster.mustKubectl(['replace', '-f', '-'], JSON.stringify(object));
}

const inPolicy = ['policy/data'] as const;
const onEntry = (change: object, spec: object = {}) =>
  policy('data', { parentSelector: [{ ...entry, ...change }], nodeSelector: aware, ...spec });

before(async () => {
  await cluster.apply([base, data, network('net', 'data')]);
  for (const subject of ['policy/data', 'nad/net', 'node/h1']) await untilWell(subject);
});

describe('errors of a policy or a network are named, and the printed fix works', () => {
  afterEach(async () => {
    await cluster.mustKubectl(['delete', 'mvnnp', 'other', '-n', namespace, '--ignore-not-found']);
    await replace(data);
    await untilWell(...inPolicy);
  });

  it('an object without errors is reported as such, with the checks', async () => {
    const { code, stdout } = await asker.ask('nad/net');
    assert.equal(code, 0);
    assert.match(stdout, /^Nothing is wrong with NetworkAttachmentDefinition default\/net\.\nChecked:\n/);
    assert.match(stdout, /node plugin: is Ready on 3 of 3 nodes/);
    assert.match(stdout, /webhook: 2 of 2 pods are Ready, it answers the API server, its certificate is valid for \d+/);
  });

  it('InterfaceAbsent, for a misspelled interface', async () => {
    await replace(onEntry({ parentIface: 'etg1' }));
    const { detail } = await heal('InterfaceAbsent', ...inPolicy);
    assert.match(detail, /no interface etg1/);
  });

  it('Enslaved, for an interface that became a port of a bridge', async () => {
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => {
      await cluster.run('h1', 'ip', 'link', 'set', 'eth1', 'nomaster');
      await cluster.run('h1', 'ip', 'link', 'delete', 'br9');
    });
    await cluster.run(
      'h1',
      'sh',
      '-c',
      'ip link add br9 type bridge && ip link set br9 up && ip link set eth1 master br9',
    );
    await heal('Enslaved', ...inPolicy);
  });

  it('ConflictLost, to a policy of a lower priority value', async () => {
    const rival = {
      parentSelector: [{ parentIface: 'bond1', resourceName: 'data' }],
      priority: 10,
      nodeSelector: aware,
    };
    await cluster.apply([policy('other', rival)]);
    await heal('ConflictLost', ...inPolicy);
  });

  it('PassthruExclusive, next to a passthru resource on the same interface', async () => {
    const fast = { parentSelector: [{ parentIface: 'eth1', resourceName: 'fast', mode: 'passthru' }], priority: 10 };
    await cluster.apply([policy('other', fast)]);
    await heal('PassthruExclusive', ...inPolicy);
  });

  it('NamespaceNotAdmitted, for a namespace without the label', async () => {
    await replace(onEntry({}, { namespaceSelector: { matchLabels: { vms: 'true' } } }));
    await heal('NamespaceNotAdmitted', 'nad/net');
  });

  it('ModeConflict, after the policy got another mode', async () => {
    await cluster.apply([network('modal', 'data', { mode: 'bridge' })]);
    await replace(onEntry({ mode: 'private' }));
    await heal('ModeConflict', 'nad/modal');
  });

  it('MtuAboveParent, for a network whose MTU is above that of its parent', async () => {
    await cluster.apply([network('wide', 'data', { mtu: 9600 })]);
    const { fix } = await heal('MtuAboveParent', 'nad/wide');
    assert.match(fix.text, /to 9000/);
  });

  it('LinkDown, for an interface that was set down', async () => {
    await cluster.run('h1', 'ip', 'link', 'set', 'eth1', 'down');
    await heal('LinkDown', 'node/h1');
  });
});

describe('errors of a pod are named, and the pod runs after the printed fix', () => {
  it('NodeNotSelected, with the path from the pod to the node', async () => {
    await makePod(cluster, { name: 'vm', node: 'h3', networks: 'net' });
    const cause = await untilFound('NodeNotSelected', 'pod/vm');
    const objects = [
      'Pod default/vm',
      'NetworkAttachmentDefinition default/net',
      'MacvtapNetworkNodePolicy macvtap-cni/data',
      'Node h3',
    ];
    assert.deepEqual(
      cause.steps.map(({ object }) => object),
      objects,
    );
    const { stdout } = await asker.ask('pod/vm');
    assert.match(stdout, /NodeNotSelected: its nodeSelector asks for macvtapAware=true/);
    assert.ok(stdout.includes('\n    kubectl label node h3 macvtapAware=true\n'), stdout);
    await applyFix(cause);
    await untilPodReady(cluster, 'vm');
    await untilWell('pod/vm');
    await deletePod(cluster, 'vm');
    await cluster.mustKubectl(['label', 'node', 'h3', 'macvtapAware-']);
  });

  it('AllDevicesHeld, with the pods that hold them', async () => {
    for (const name of ['a', 'b']) await runPod(cluster, { name, node: 'h1', networks: 'net' });
    await makePod(cluster, { name: 'c', node: 'h1', networks: 'net' });
    const cause = await untilFound('AllDevicesHeld', 'pod/c');
    assert.match(cause.detail, /held by default\/a, default\/b/);
    await applyFix(cause);
    await untilPodReady(cluster, 'c');
    await untilWell('pod/c');
    for (const name of ['b', 'c']) await deletePod(cluster, name);
  });

  it('ParentVanished and LinksLost, under a running pod', async () => {
    await cluster.run('h1', 'ip', 'link', 'delete', 'eth1');
    const { fix } = await untilFound('ParentVanished', 'pod/a');
    assert.match(fix.text, /^bring eth1 back on the node/);
    const add =
      'ip link add eth1 mtu 9000 type veth peer name far9 mtu 9000 && ip link set far9 up && ip link set eth1 up';
    await cluster.run('h1', 'sh', '-c', add);
    await heal('LinksLost', 'pod/a');
    await untilPodReady(cluster, 'a');
    await deletePod(cluster, 'a');
    await replace(data);
  });

  it('ResourceUnknown, for a misspelled resource in a network', async () => {
    await cluster.apply([network('slip', 'dtaa')]);
    await makePod(cluster, { name: 'typed', node: 'h1', networks: 'slip' });
    await heal('ResourceUnknown', 'pod/typed');
    await untilPodReady(cluster, 'typed');
    await deletePod(cluster, 'typed');
  });

  it('NetworkMissing, for a misspelled network in a pod', async () => {
    await makePod(cluster, { name: 'lost', node: 'h1', networks: 'nte' });
    await heal('NetworkMissing', 'pod/lost');
    await untilPodReady(cluster, 'lost');
    await deletePod(cluster, 'lost');
  });
});

describe('errors of the installation are named, and the printed fix works', () => {
  it('WebhookDown, CertificateExpired and NotInjected (for a pod that was created in the meantime), in this order', async () => {
    await cluster.mustKubectl(['scale', 'deployment/kube-macvtap-webhook', '-n', namespace, '--replicas=0']);
    await untilFound('WebhookDown', 'nad/net');
    await until(
      () =>
        cluster.mustKubectl([
          'get',
          'pods',
          '-n',
          namespace,
          '-l',
          'app.kubernetes.io/component=webhook',
          '-o',
          'name',
        ]),
      (names) => names === '',
      guardMs,
    );
    const expired = await makePair({
      names: ['x'],
      notBeforeMs: Date.now() - 7_200_000,
      notAfterMs: Date.now() - 3_600_000,
    });
    const caBundle = Buffer.from(expired.authority.pem).toString('base64');
    for (const kind of ['mutating', 'validating']) {
      const path = `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/webhook.${group}`;
      const { webhooks } = await cluster.admin.must<{ webhooks: readonly object[] }>('GET', path);
      const edits = webhooks.map((_, index) => ({
        op: 'add',
        path: `/webhooks/${index}/clientConfig/caBundle`,
        value: caBundle,
      }));
      await cluster.admin.must('PATCH', path, { body: edits, contentType: 'application/json-patch+json' });
    }
    await makePod(cluster, { name: 'bare', node: 'h1', networks: 'net' });
    const { causes } = await until(
      () => asker.report('pod/bare'),
      (report) => report.causes.some(({ code }) => code === 'NotInjected'),
      guardMs,
    );
    assert.deepEqual(
      causes.map(({ code }) => code),
      ['WebhookDown', 'CertificateExpired', 'NotInjected'],
    );
    await applyFix(causes[1] as WhyReport['causes'][number]);
    await cluster.untilRolledOut();
    await untilWell('nad/net');
    await heal('NotInjected', 'pod/bare');
    await untilPodReady(cluster, 'bare');
    await deletePod(cluster, 'bare');
  });

  it('PluginNotReady, for an image that does not exist', async () => {
    const daemonSet = 'daemonset/kube-macvtap-nodeplugin';
    await cluster.mustKubectl(['set', 'image', daemonSet, '-n', namespace, 'nodeplugin=localhost/none:0']);
    const pods = [
      'pods',
      '-n',
      namespace,
      '-l',
      'app.kubernetes.io/component=node',
      '--field-selector=spec.nodeName=h1',
    ];
    await cluster.mustKubectl(['delete', ...pods, '--wait=false']);
    // At first, the cause is that the node has no pod of the plugin.
    const { causes } = await until(
      () => asker.report('node/h1'),
      (report) => report.causes[0]?.detail.includes('ErrImageNeverPull') === true,
      guardMs,
    );
    assert.equal(causes[0]?.code, 'PluginNotReady');
    await applyFix(causes[0] as WhyReport['causes'][number]);
    await untilWell('node/h1');
    await cluster.untilRolledOut();
  });

  it('PluginNotOnNode, for a label that the DaemonSet requires', async () => {
    const patch = { spec: { template: { spec: { nodeSelector: { macvtaps: 'yes' } } } } };
    const place = ['daemonset/kube-macvtap-nodeplugin', '-n', namespace];
    for (const node of ['h1', 'h2']) await cluster.mustKubectl(['label', 'node', node, 'macvtaps=yes']);
    await cluster.mustKubectl(['patch', ...place, '--type=strategic', '-p', JSON.stringify(patch)]);
    await heal('PluginNotOnNode', 'node/h3');
    await cluster.untilRolledOut();
  });

  it('UpstreamPluginRunning, with the DaemonSet to delete', async () => {
    const old = { name: 'macvtap-cni', namespace: 'kube-system' };
    const labels = { app: 'macvtap-cni' };
    const template = {
      metadata: { labels },
      // This DaemonSet has no pods, because no node matches. `startUpstream` plays its plugin on the node.
      spec: { nodeSelector: { nobody: 'here' }, containers: [{ name: 'old', image: 'localhost/macvtap-cni:0' }] },
    };
    const daemonSet = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: old,
      spec: { selector: { matchLabels: labels }, template },
    };
    await cluster.apply([daemonSet]);
    const upstream = await startUpstream(cluster, 'h2', {
      name: 'old',
      lowerDevice: 'ens3',
      mode: 'bridge',
      capacity: 1,
    });
    await cluster.apply([
      policy('old', { parentSelector: [{ parentIface: 'ens3', resourceName: 'old' }], nodeSelector: aware }),
    ]);
    const cause = await untilFound('UpstreamPluginRunning', 'policy/old');
    await applyFix(cause);
    assert.equal((await cluster.kubectl(['get', 'daemonset', old.name, '-n', old.namespace])).code, 1);
    await upstream[Symbol.asyncDispose]();
    await untilWell('policy/old');
  });
});
