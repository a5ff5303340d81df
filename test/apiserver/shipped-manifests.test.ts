// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, toText } from './install.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';

const cluster = await clusterOfFile();

describe("the chart's manifests", () => {
  const shipped = shippedObjects();
  const titleOf = ({ kind, metadata }: (typeof shipped)[number]) => `${kind} ${metadata.name}`;

  for (const object of shipped) {
    it(`is accepted without a warning: ${titleOf(object)}`, async () => {
      const { code, stderr } = await cluster.kubectl(
        ['create', '--dry-run=server', '--validate=strict', '-f', '-'],
        toText([object]),
      );
      // Everything except the webhook configurations is already installed. Only this error is expected.
      const unexpected = stderr.replace(/^Error from server \(AlreadyExists\): .* already exists\n$/, '');
      assert.deepEqual({ unexpected, exists: code === 1 }, { unexpected: '', exists: !isWebhookConfiguration(object) });
    });

    it(`is applied again, by client and by server, without a warning or a conflict: ${titleOf(object)}`, async () => {
      for (const how of [[], ['--server-side'], ['--server-side', '--field-manager=helm'], []]) {
        const args = ['apply', ...how, '--validate=strict', '-f', '-'];
        const { code, stderr } = await cluster.kubectl(args, toText([object]));
        assert.deepEqual({ how, code, stderr }, { how, code: 0, stderr: '' });
      }
    });
  }

  it('have structural schemas, and no field of an object is dropped', async () => {
    const { items } = JSON.parse(await cluster.mustKubectl(['get', 'crd', '-o', 'json']));
    for (const { metadata, spec, status } of items) {
      const conditions = Object.fromEntries(status.conditions.map((one: Condition) => [one.type, one.status]));
      assert.deepEqual(conditions, { NamesAccepted: 'True', Established: 'True' }, metadata.name);
      const object = shipped.find(
        ({ kind, metadata: { name } }) => kind === 'CustomResourceDefinition' && name === metadata.name,
      );
      if (object === undefined) continue;
      const written = (object.spec as { versions: readonly { schema: unknown }[] }).versions.map(
        ({ schema }) => schema,
      );
      assert.deepEqual(
        spec.versions.map(({ schema }: { schema: unknown }) => schema),
        written,
      );
    }
  });

  it('describe every field that users may read or write, for kubectl explain', async () => {
    const crds = shipped.filter(({ kind }) => kind === 'CustomResourceDefinition');
    for (const { spec } of crds as unknown as readonly Crd[]) {
      const [{ schema }] = spec.versions;
      const paths = undescribed(schema.openAPIV3Schema, []).filter(
        (path) => !/^(apiVersion|kind|metadata)$/.test(path),
      );
      assert.deepEqual(paths, [], spec.names.plural);
      assert.match(await cluster.mustKubectl(['explain', spec.names.plural]), /DESCRIPTION:\n {4}\S/);
    }
  });

  it('grant changes of objects outside the CRDs only by name', () => {
    const wide = shipped
      .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
      .flatMap(({ kind, metadata, rules }) =>
        (rules as readonly Rule[]).map((rule) => ({ kind, name: metadata.name, ...rule })),
      )
      .filter(({ apiGroups, resources, verbs, resourceNames = [] }) => {
        const all = [...apiGroups, ...resources, ...verbs, ...resourceNames];
        const changes = verbs.some((verb) => !['get', 'list', 'watch'].includes(verb));
        const secret = resources.includes('secrets');
        const ours = apiGroups.every((group) => group === 'macvtap.network.kubevirt.io');
        return all.includes('*') || ((secret || (changes && !ours)) && resourceNames.length === 0);
      });
    // The names of events are unknown in advance. An admission policy restricts them instead.
    assert.deepEqual(
      wide.map(({ name, apiGroups, resources, verbs }) => [name, ...apiGroups, ...resources, ...verbs]),
      [
        ['kube-macvtap-nodeplugin', '', 'events', 'create', 'patch'],
        ['kube-macvtap-webhook', '', 'events', 'create', 'patch'],
      ],
    );
    const limited = shipped.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding');
    assert.ok(limited.some(({ metadata }) => metadata.name === 'own-events.macvtap.network.kubevirt.io'));
  });

  it('keep what the webhook wrote into its Secret and its configurations when they are applied again', async () => {
    const kept = shipped.filter((object) => object.kind === 'Secret' || isWebhookConfiguration(object));
    await apply(cluster, kept);
    const bundle = Buffer.from(await certificateText()).toString('base64');
    await cluster.mustKubectl([
      'patch',
      'secret',
      '-n',
      'macvtap-cni',
      'kube-macvtap-webhook-tls',
      '-p',
      JSON.stringify({ data: { 'tls.crt': bundle } }),
    ]);
    for (const kind of ['mutatingwebhookconfiguration', 'validatingwebhookconfiguration']) {
      const patch = [{ op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: bundle }];
      await cluster.mustKubectl([
        'patch',
        kind,
        'webhook.macvtap.network.kubevirt.io',
        '--type=json',
        '-p',
        JSON.stringify(patch),
      ]);
    }
    for (const how of [['--server-side', '--field-manager=helm'], []]) {
      await cluster.mustKubectl(['apply', ...how, '-f', '-'], toText(kept));
      const { items } = JSON.parse(
        await cluster.mustKubectl([
          'get',
          'mutatingwebhookconfiguration,validatingwebhookconfiguration,secret',
          '-n',
          'macvtap-cni',
          '-o',
          'json',
        ]),
      );
      assert.deepEqual(
        items.map(({ data, webhooks }: Kept) => data?.['tls.crt'] ?? webhooks?.[0]?.clientConfig.caBundle),
        [bundle, bundle, bundle],
        how.join(' '),
      );
    }
  });
});

interface Crd {
  readonly spec: {
    readonly names: { readonly plural: string };
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Returns the paths of fields without a description. */
function undescribed({ properties = {}, items }: Schema, path: readonly string[]): readonly string[] {
  const fields = Object.entries(properties).flatMap(([name, field]) => [
    ...(field.description === undefined ? [[...path, name].join('.')] : []),
    ...undescribed(field, [...path, name]),
  ]);
  return [...fields, ...(items === undefined ? [] : undescribed(items, [...path, '[]']))];
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Kept {
  readonly data?: Readonly<Record<string, string>>;
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

/**
 * Returns the certificate of the control plane's CA. Any certificate would do: the API server refuses a bundle without
 * one.
 */
async function certificateText(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return await readFile(cluster.caFile, 'utf8');
}
