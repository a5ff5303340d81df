// SPDX-License-Identifier: Apache-2.0
// The rights of the product's programs that the API server saw in use, from the installation to the end.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { until } from '../process/until.ts';
import { helm } from './helm.ts';
import { release } from './install/release.ts';
import { uninstall } from './install/uninstall.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, makePod, runPod, untilPodReady } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed } from './seed-objects.ts';
import { auditLog } from './start-control-plane.ts';
import { deleteStatefulSet, makeStatefulSet } from './stateful-set.ts';

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly apiGroup?: string; readonly resource: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
}

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const guardMs = 180_000;

/** Rights in use that do not show up here. */
const unseen = [
  // The API server asks for it where what is applied is not there; noted is the patch.
  'kube-macvtap-nodeplugin: create macvtap.network.kubevirt.io/macvtapnetworknodestates',
  // Only of a namespace that is younger than the watch is quick.
  'kube-macvtap-webhook: get /namespaces',
];
const short = ['--certificate-lifetime=60s', '--certificate-renew-before=40s', '--certificate-overlap=5s'];
const cluster = await macvtapClusterOfFile({ webhook: { extraArgs: short } });

const events = async (): Promise<readonly AuditEvent[]> =>
  (await readFile(auditLog, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** The roles that the release has, each named like the service account that it is bound to. */
async function roles(): Promise<readonly Role[]> {
  const documents = parseAllDocuments(await helm(cluster, ['get', 'manifest', ...release]));
  return documents.map((document) => document.toJS()).filter((object) => /^(Cluster)?Role$/.test(object?.kind));
}

/** `kube-macvtap-webhook: get apps/deployments`, for each pair that a role allows. */
function rightsOf({ metadata, rules }: Role): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${metadata.name}: ${verb} ${group}/${resource}`)),
    ),
  );
}

function usedRight({ user, verb, objectRef }: AuditEvent): string {
  const resource = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
  return `${user.username.split(':').at(-1)}: ${verb} ${objectRef?.apiGroup ?? ''}/${resource}`;
}

/** Comes behind the proposal's policy, which has the name on all of these nodes, and has pods' namespaces read. */
const loser = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'policy-2', namespace: 'macvtap-cni' },
  spec: {
    nodeSelector: { matchLabels: { macvtapAware: 'true' } },
    parentSelector: [{ parentIface: 'bond1', resourceName: 'bondedIface' }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
  },
};

/** Resolves when an event of the reason has happened so often, by its count. */
async function untilCounted(reason: string, times: number): Promise<void> {
  await until(
    () => cluster.mustKubectl(['get', 'events', '-A', `--field-selector=reason=${reason}`, '-o', 'jsonpath={..count}']),
    (counts) => counts.split(' ').some((count) => Number(count) >= times),
    guardMs,
  );
}

describe("the product's requests to the API server", () => {
  let allowed: readonly string[] = [];

  it('is never forbidden: over the installation, a rotated certificate, pods and an upgrade', async () => {
    allowed = (await roles()).flatMap(rightsOf);
    await applySeed(cluster);
    await runPod(cluster, { name: 'one', node: 'h1', networks: 'macvtap0' });
    await deletePod(cluster, 'one');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
    // The MAC address of a StatefulSet's pod depends on its owner.
    await makeStatefulSet(cluster, { name: 'web', node: 'h1', networks: 'macvtap0' });
    await untilPodReady(cluster, 'web-0');
    await deleteStatefulSet(cluster, 'web');
    // Migrations are followed where a machine's pod runs; by its name this could be one.
    await runPod(cluster, { name: 'virt-launcher-none-aaaaa', node: 'h1', networks: 'macvtap0' });
    await deletePod(cluster, 'virt-launcher-none-aaaaa');
    // A conflict of policies is an event, which the next holder of the Lease counts up.
    await cluster.apply([loser]);
    // An ADD that fails again and again is an event on the pod, and then counted up.
    await makePod(cluster, { name: 'bad', node: 'h1', networks: '[{"name":"macvtap0","cni-args":{"mac":"no mac"}}]' });
    const bundle = () => cluster.mustKubectl(['get', 'mutatingwebhookconfigurations', '-o', 'jsonpath={..caBundle}']);
    const first = await bundle();
    await until(bundle, (now) => now !== first, guardMs);
    await untilCounted('AttachFailed', 2);
    await untilCounted('PolicyConflict', 1);
    await deletePod(cluster, 'bad');
    await cluster.upgrade({ logLevel: 'debug' });
    await cluster.untilRolledOut();
    await untilCounted('PolicyConflict', 2);
    // An unknown network is looked up by its name.
    await makePod(cluster, { name: 'two', networks: 'nowhere' });
    await deletePod(cluster, 'two');
    const forbidden = (await events()).filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(
      forbidden.map((event) => `${usedRight(event)} (${event.requestURI})`),
      [],
    );
  });

  it('is forbidden nothing but what the end of the release takes from who still drains', async () => {
    const before = (await events()).length;
    await uninstall(cluster);
    const late = (await events()).slice(before).filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(
      late.map(usedRight).filter((right) => !allowed.includes(right)),
      [],
    );
  });

  it('takes every right that they were given', async () => {
    const used = new Set([...(await events()).map(usedRight), ...unseen]);
    assert.deepEqual(
      allowed.filter((right) => !used.has(right)),
      [],
    );
  });
});
