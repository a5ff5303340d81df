// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { makeNamespace } from './install.ts';
import { makeSeedHosts } from './seed-hosts.ts';
import { webhookOfFile } from './webhook-of-file.ts';

const cluster = await webhookOfFile();
await makeSeedHosts(cluster);
await makeNamespace(cluster, 'tenant', { team: 'a' });

const resourceKey = 'k8s.v1.cni.cncf.io/resourceName';
const prefix = 'macvtap.network.kubevirt.io/';
const path = '/apis/k8s.cni.cncf.io/v1/namespaces/tenant/network-attachment-definitions';
const policies = '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies';
const merge = { contentType: 'application/merge-patch+json' };

interface Network {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly config?: string };
}

const network = (name: string, config: string, annotations: Readonly<Record<string, string>> = {}): Network => ({
  ...{ apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' },
  metadata: { name, ...(Object.keys(annotations).length > 0 && { annotations }) },
  spec: { config },
});
const wanting = (resource: string) => ({ [resourceKey]: `${prefix}${resource}` });

await cluster.admin.must('POST', policies, {
  body: {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'p' },
    spec: {
      parentSelector: [
        { parentIface: 'bond1', mode: 'private', quantity: 25, resourceName: 'bondedIface' },
        { parentIface: 'eth1', mode: 'vepa', resourceName: 'dataplane' },
      ],
      nodeSelector: { matchLabels: { macvtapAware: 'true' } },
    },
  },
});

describe('a network of type macvtap', () => {
  it('is stored with name, version, mode and resource, and keeps its formatting', async () => {
    const config = '{\n  "type": "macvtap",\n  "mtu": 1500\n}';
    const made = await cluster.admin.must<Network>('POST', path, { body: network('dataplane', config) });
    assert.equal(made.metadata.annotations?.[resourceKey], `${prefix}dataplane`);
    const { config: filled = '' } = made.spec ?? {};
    assert.ok(filled.startsWith('{\n  "type": "macvtap",\n  "mtu": 1500,\n  '), filled);
    assert.deepEqual(JSON.parse(filled), {
      type: 'macvtap',
      mtu: 1500,
      name: 'dataplane',
      cniVersion: '1.0.0',
      mode: 'vepa',
      modeFrom: 'policy',
    });
  });

  it('gets the resource of the parent that its config names', async () => {
    const body = network('by-parent', '{"type":"macvtap","master":"bond1"}');
    const made = await cluster.admin.must<Network>('POST', path, { body });
    assert.equal(made.metadata.annotations?.[resourceKey], `${prefix}bondedIface`);
    assert.equal(JSON.parse(made.spec?.config ?? '').mode, 'private');
  });

  it('in a list of plugins gets its defaults there', async () => {
    const config = '{"cniVersion":"1.0.0","name":"chain","plugins":[{"type":"macvtap"},{"type":"tuning"}]}';
    const made = await cluster.admin.must<Network>('POST', path, {
      body: network('chain', config, wanting('bondedIface')),
    });
    const { plugins } = JSON.parse(made.spec?.config ?? '');
    assert.deepEqual(plugins, [{ type: 'macvtap', mode: 'private', modeFrom: 'policy' }, { type: 'tuning' }]);
  });

  it('with escaped letters is recognized', async () => {
    const body = network('escaped', '{"type":"mac\\u0076tap"}', wanting('bondedIface'));
    const made = await cluster.admin.must<Network>('POST', path, { body });
    assert.equal(JSON.parse(made.spec?.config ?? '').mode, 'private');
  });

  it('keeps its config unchanged if an annotation requests that', async () => {
    const config = '{"type":"macvtap"}';
    const annotations = { ...wanting('bondedIface'), 'macvtap.network.kubevirt.io/default-config': 'false' };
    const made = await cluster.admin.must<Network>('POST', path, { body: network('gitops', config, annotations) });
    assert.equal(made.spec?.config, config);
  });

  it('does not change when it is applied again, or when something else is updated', async () => {
    const made = await cluster.admin.must<Network>('GET', `${path}/dataplane`);
    const labelled = await cluster.admin.must<Network>('PATCH', `${path}/dataplane`, {
      body: { metadata: { labels: { a: 'b' } } },
      ...merge,
    });
    assert.deepEqual(labelled.spec, made.spec);
  });

  it('is returned with its defaults by a dry run, which stores nothing', async () => {
    const { code, stdout } = await cluster.kubectl(
      ['create', '-n', 'tenant', '--dry-run=server', '-o', 'json', '-f', '-'],
      JSON.stringify(network('dry', '{"type":"macvtap"}', wanting('bondedIface'))),
    );
    assert.equal(code, 0);
    assert.equal(JSON.parse(JSON.parse(stdout).spec.config).mode, 'private');
    assert.equal((await cluster.admin.call('GET', `${path}/dry`)).status, 404);
  });
});

describe('a network of another type', () => {
  it('passes unchanged, even if it is invalid', async () => {
    for (const [at, config] of [
      '{"type":"bridge"}',
      '{"type":"bridge"',
      '',
      '\u{feff}{}',
      '{"a":"\\u0061"}',
    ].entries()) {
      const made = await cluster.admin.must<Network>('POST', path, { body: network(`other-${at}`, config) });
      assert.deepEqual([made.spec?.config, made.metadata.annotations], [config, undefined]);
    }
  });
});

describe("kubectl's output", () => {
  const create = (body: Network, ...args: readonly string[]) =>
    cluster.kubectl(['create', '-n', 'tenant', ...args, '-f', '-'], JSON.stringify(body));
  const denied =
    /^Error from server \(Forbidden\): error when creating "STDIN": admission webhook "check-networks\.macvtap\.network\.kubevirt\.io" denied the request: (.*)\n$/s;

  const denials: readonly [title: string, network: Network, pattern: RegExp][] = [
    [
      'for a misspelled resource is the nearest name',
      network('typo', '{"type":"macvtap"}', wanting('bondedIfaec')),
      /^ResourceUnknown metadata\.annotations\[k8s\.v1\.cni\.cncf\.io\/resourceName\]: .*bondedIfaec.*\bbondedIface\b/,
    ],
    [
      'for a network without a resource is the list of resources',
      network('none', '{"type":"macvtap"}'),
      /^ResourceMissing .*bondedIface, dataplane/,
    ],
    [
      'for a config that is not JSON is the line and the column',
      network('broken', '{"type":"macvtap",\n "mtu" 1500}', wanting('bondedIface')),
      /^ConfigNotJson spec\.config: .*line 2, column \d+/,
    ],
    [
      'for a mode that is not offered is both modes',
      network('mode', '{"type":"macvtap","mode":"bridge"}', wanting('bondedIface')),
      /^ModeNotOffered spec\.config\.mode: .*bridge.*private/,
    ],
    [
      'for several errors is each of them',
      network('many', '{"type":"macvtap","mtu":10,"mac":"01:00:5e:00:00:01","owner":-1}', wanting('bondedIface')),
      /(?=.*IllegalMtu)(?=.*IllegalMac)(?=.*IllegalOwner)/s,
    ],
  ];
  for (const [title, body, pattern] of denials) {
    it(title, async () => {
      const { code, stdout, stderr } = await create(body);
      assert.deepEqual([code, stdout], [1, '']);
      const [, message = ''] = denied.exec(stderr) ?? assert.fail(stderr);
      assert.match(message, pattern);
      assert.equal((await create(body, '--dry-run=server')).code, 1);
    });
  }

  it('for an unknown key is a warning with the nearest key, and the network is created', async () => {
    const { code, stderr } = await create(network('key', '{"type":"macvtap","mdoe":"x"}', wanting('bondedIface')));
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: UnknownKey spec\.config\.mdoe: .*\bmode\b.*\n$/);
  });
});

describe('an existing network', () => {
  it('can still be changed when its resource is gone: errors in unchanged parts are warnings, not denials', async () => {
    await cluster.admin.must('POST', policies, {
      body: {
        apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
        kind: 'MacvtapNetworkNodePolicy',
        metadata: { name: 'short-lived' },
        spec: {
          parentSelector: [{ parentIface: 'eth9', resourceName: 'short-lived' }],
          nodeSelector: { matchLabels: { a: 'b' } },
        },
      },
    });
    await cluster.admin.must('POST', path, { body: network('short-lived', '{"type":"macvtap"}') });
    await cluster.admin.must('DELETE', `${policies}/short-lived`);
    const patch = { body: { metadata: { labels: { a: 'b' } } }, ...merge };
    // The webhook learns of the deletion a moment later.
    const answer = await until(
      () => cluster.admin.call('PATCH', `${path}/short-lived`, patch),
      ({ warnings }) => warnings.length > 0,
    );
    assert.equal(answer.status, 200);
    assert.match(answer.warnings.join('\n'), /^ResourceUnknown /);
    await cluster.admin.must('DELETE', `${path}/short-lived`);
  });
});
