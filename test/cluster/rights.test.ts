// SPDX-License-Identifier: Apache-2.0
// Compares the RBAC rules of the product's programs with the requests that the API server logged, from the installation
// to the uninstallation.
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

/** Rights that are used, although the audit log does not show them. */
const unseen = [
  // A server-side apply of a missing object also needs this right. The log shows only the patch.
  'kube-macvtap-nodeplugin: create macvtap.network.kubevirt.io/macvtapnetworknodestates',
  // Used only for a namespace that is so new that the watch has not delivered it yet.
  'kube-macvtap-webhook: get /namespaces',
];
const short = ['--certificate-lifetime=60s', '--certificate-renew-before=40s', '--certificate-overlap=5s'];
const cluster = await macvtapClusterOfFile({ webhook: { extraArgs: short } });

const events = async (): Promise<readonly AuditEvent[]> =>
  (await readFile(auditLog, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Returns the roles of the release. Each has the same name as its service account. */
async function roles(): Promise<readonly Role[]> {
  const documents = parseAllDocuments(await helm(cluster, ['get', 'manifest', ...release]));
  return documents.map((document) => document.toJS()).filter((object) => /^(Cluster)?Role$/.test(object?.kind));
}

/** Returns one text such as `kube-macvtap-webhook: get apps/deployments` for each right of a role. */
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

/**
 * A policy that loses to the policy of the API proposal, which offers a resource with the same name on the same nodes.
 * Because of the namespaceSelector in `loser`, the programs read the namespaces of pods.
 */
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

/** Resolves when the count of an event with this reason has reached a number. */
async function untilCounted(reason: string, times: number): Promise<void> {
  await until(
    () => cluster.mustKubectl(['get', 'events', '-A', `--field-selector=reason=${reason}`, '-o', 'jsonpath={..count}']),
    (counts) => counts.split(' ').some((count) => Number(count) >= times),
    guardMs,
  );
}

describe("the product's requests to the API server", () => {
  let allowed: readonly string[] = [];

  it('are never forbidden, during the installation, a certificate rotation, pods and an upgrade', async () => {
    allowed = (await roles()).flatMap(rightsOf);
    await applySeed(cluster);
    await runPod(cluster, { name: 'one', node: 'h1', networks: 'macvtap0' });
    await deletePod(cluster, 'one');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
    // To derive the MAC address of a StatefulSet's pod, the plugin reads the pod's owner.
    await makeStatefulSet(cluster, { name: 'web', node: 'h1', networks: 'macvtap0' });
    await untilPodReady(cluster, 'web-0');
    await deleteStatefulSet(cluster, 'web');
    // The plugin watches migrations on nodes with virtual machines. By its name, this pod could belong to a virtual
    // machine.
    await runPod(cluster, { name: 'virt-launcher-none-aaaaa', node: 'h1', networks: 'macvtap0' });
    await deletePod(cluster, 'virt-launcher-none-aaaaa');
    // A policy conflict causes an event, whose count the next holder of the Lease increases.
    await cluster.apply([loser]);
    // A repeatedly failing ADD causes an event on the pod, whose count then increases.
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
    // The webhook looks up an unknown network by its name.
    await makePod(cluster, { name: 'two', networks: 'nowhere' });
    await deletePod(cluster, 'two');
    const forbidden = (await events()).filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(
      forbidden.map((event) => `${usedRight(event)} (${event.requestURI})`),
      [],
    );
  });

  it('are forbidden during the uninstallation only for rights that were just removed from pods that still drain', async () => {
    const before = (await events()).length;
    await uninstall(cluster);
    const late = (await events()).slice(before).filter(({ responseStatus }) => responseStatus?.code === 403);
    assert.deepEqual(
      late.map(usedRight).filter((right) => !allowed.includes(right)),
      [],
    );
  });

  it('use every right of the roles', async () => {
    const used = new Set([...(await events()).map(usedRight), ...unseen]);
    assert.deepEqual(
      allowed.filter((right) => !used.has(right)),
      [],
    );
  });
});
