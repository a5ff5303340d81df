// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import jsonpatch from 'jsonpatch';
import { asking, podContext, podOf } from '../../test/fixtures/pod/build-context.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import { injectPod, onlyAddsDevices } from './inject-pod.ts';
import type { PodObject } from './read-pod.ts';

const dataplane = 'macvtap.network.kubevirt.io/dataplane';
const restricted = 'macvtap.network.kubevirt.io/restricted';
const injected = 'macvtap.network.kubevirt.io/injected';
const context = podContext('vms');

describe('injectPod', () => {
  it('adds the needed devices to the compute container as limit and request, and records them', () => {
    const pod = podOf('data,fast,data', { containers: [{ name: 'helper' }, { name: 'compute', resources: {} }] });
    const after = inject(pod);
    const quantities = { [dataplane]: '2', [restricted]: '1' };
    assert.deepEqual(after, {
      metadata: {
        name: 'p',
        namespace: 'vms',
        annotations: {
          'k8s.v1.cni.cncf.io/networks': 'data,fast,data',
          [injected]: JSON.stringify(quantities).replace(/"(\d)"/g, '$1'),
        },
      },
      spec: {
        containers: [{ name: 'helper' }, { name: 'compute', resources: { limits: quantities, requests: quantities } }],
      },
    });
  });

  it('uses the first container if no app container is named compute', () => {
    const spec = { initContainers: [{ name: 'compute' }], containers: [{ name: 'a' }, { name: 'b' }] };
    assert.deepEqual(limitsOf(inject(podOf('data', spec))), [{ [dataplane]: '1' }, undefined]);
  });

  it('adds to resources, limits and requests that are absent, null, empty or have other resources', () => {
    const own = { cpu: '1' };
    const data = { [dataplane]: '1' };
    const cases: readonly [unknown, object][] = [
      [undefined, { limits: data, requests: data }],
      [null, { limits: data, requests: data }],
      [{}, { limits: data, requests: data }],
      [
        { limits: null, requests: {} },
        { limits: data, requests: data },
      ],
      [{ limits: own }, { limits: { ...own, ...data }, requests: data }],
      [
        { requests: own, claims: [] },
        { requests: { ...own, ...data }, claims: [], limits: data },
      ],
      [{ limits: { [dataplane]: 0 } }, { limits: data, requests: data }],
    ];
    for (const [resources, expected] of cases) {
      const after = inject(podOf('data', { containers: [{ name: 'a', resources }] }));
      assert.deepEqual(containersIn(after)[0]?.resources, expected);
    }
  });

  it('adds only missing resources, whichever container requests them and in whatever form', () => {
    const added = (spec: object) => injectPod(podOf('data,data', spec), context).edits.length > 0;
    assert.equal(added({ containers: [{ name: 'compute' }, asking({ dataplane: 2 })] }), false);
    assert.equal(added({ containers: [asking({ dataplane: '1' }), asking({ dataplane: '1000m' })] }), false);
    assert.equal(
      added({
        containers: [{ name: 'a' }],
        initContainers: [{ restartPolicy: 'Always', ...asking({ dataplane: 2 }) }],
      }),
      false,
    );
    assert.equal(added({ containers: [asking({ dataplane: 5 })] }), false);
    const spec = { containers: [asking({ dataplane: 1 }), { name: 'compute' }] };
    assert.deepEqual(limitsOf(inject(podOf('data,data,data', spec))), [{ [dataplane]: 1 }, { [dataplane]: '2' }]);
    const more = { containers: [{ name: 'a', ...asking({ dataplane: 1 }) }] };
    assert.deepEqual(limitsOf(inject(podOf('data,data,data', more))), [{ [dataplane]: '3' }]);
  });

  it('does not count a device that an ordinary init container has released', () => {
    const spec = { initContainers: [asking({ dataplane: 1 })], containers: [{ name: 'a' }] };
    assert.deepEqual(limitsOf(inject(podOf('data', spec))), [{ [dataplane]: '1' }]);
  });

  it('merges the record of an earlier pass, but ignores a record in a copied pod', () => {
    const once = inject(podOf('data', { containers: [{ name: 'a' }] }));
    const grown = withNetworks(once, 'data,data,fast');
    assert.equal(recordOf(inject(grown)), `{"${dataplane}":2,"${restricted}":1}`);

    const copied = withNetworks(podOf('data', { containers: [{ name: 'a' }] }), 'data', {
      [injected]: `{"${dataplane}":9,"${restricted}":1,"example.com/x":1}`,
    });
    assert.equal(recordOf(inject(copied)), `{"${dataplane}":1}`);
    for (const hostile of ['{', 'null', '[1]', `{"${dataplane}":-1}`, `{"${dataplane}":"1"}`, '{"__proto__":1}', 7]) {
      const odd = withNetworks(podOf('data', { containers: [{ name: 'a' }] }), 'data', { [injected]: hostile });
      assert.equal(recordOf(inject(odd)), `{"${dataplane}":1}`);
    }
  });

  it('changes nothing in an update, in a pod that is being deleted, or in a pod without macvtap networks', () => {
    const nothing = { edits: [], verdicts: [] };
    const pod = podOf('data,nothing');
    assert.deepEqual(injectPod(pod, podContext('vms', { before: pod })), nothing);
    const metadata = { ...(pod.metadata as object), deletionTimestamp: '2025-01-01T00:00:00Z' };
    assert.deepEqual(injectPod({ ...pod, metadata }, context), nothing);
    assert.deepEqual(injectPod(podOf('other,plain'), context), nothing);
    assert.deepEqual(injectPod(podOf(undefined), context), nothing);
  });

  it('warns about problems, and adds as much as possible', () => {
    const text = 'data,nothing,fast';
    assert.deepEqual(warnings(podOf(text, {})), [
      'NetworkMissing metadata.annotations[k8s.v1.cni.cncf.io/networks]',
      'NotInjected spec.containers',
      'NotInjected spec.containers',
    ]);
    for (const containers of [[], null, [null], 'x'])
      assert.deepEqual(warnings(podOf('data', { containers })), ['NotInjected spec.containers']);
    assert.deepEqual(warnings(podOf('[')), ['NetworksUnreadable metadata.annotations[k8s.v1.cni.cncf.io/networks]']);
    for (const resources of ['x', [], { limits: 'x' }, { requests: [] }]) {
      const pod = podOf('data', { containers: [{ resources }] });
      assert.deepEqual(warnings(pod), ['NotInjected spec.containers[0].resources']);
      assert.deepEqual(injectPod(pod, context).edits, []);
    }
  });

  it('warns about a macvtap network without a resource name, and adds the resources of the other networks', () => {
    const pod = podOf('bare,data,foreign,bare');
    assert.deepEqual(
      injectPod(pod, context).verdicts.map(({ code, detail }) => `${code} ${detail}`),
      ['bare', 'foreign'].map((name) => `NotInjected write k8s.v1.cni.cncf.io/resourceName on network vms/${name}`),
    );
    assert.deepEqual(limitsOf(inject(pod)), [{ [dataplane]: '1' }]);
  });

  it('returns the complete warning, however long the name is', () => {
    const name = 'n'.repeat(253);
    const nad = { metadata: { name, namespace: 'vms' }, spec: { config: '{"type":"macvtap"}' } };
    const networks = new Map([[`vms/${name}`, nad]]);
    const [text] = injectPod(podOf(JSON.stringify([{ name }])), { ...context, networks }).verdicts.map(verdictText);
    assert.match(text ?? '', /\(write k8s\.v1\.cni\.cncf\.io\/resourceName on network vms\/n+\.\.\.\)$/);
    assert.ok((text ?? '').length <= 256);
  });

  it('does not change a request with an invalid quantity, but adds the other devices', () => {
    const pod = podOf('data,fast', { containers: [{ name: 'a' }, asking({ dataplane: 'one' })] });
    assert.deepEqual(warnings(pod), [`NotInjected spec.containers[1].resources.limits[${dataplane}]`]);
    assert.deepEqual(limitsOf(inject(pod)), [{ [restricted]: '1' }, { [dataplane]: 'one' }]);
  });

  it('reports at most ten missing networks', () => {
    const text = Array.from({ length: 200 }, (_, index) => `nothing-${index}`).join();
    assert.equal(warnings(podOf(text)).length, 10);
  });
});

test('only edits that apply, and that set devices of these resources or their record, count as adding devices', () => {
  const escaped = dataplane.replace('/', '~1');
  const limits = { [restricted]: '1' };
  const pod = podOf('data', { containers: [{ resources: { limits } }, { resources: null }, {}] });
  const resources = new Map([
    ['dataplane', 1],
    ['restricted', 1],
  ]);
  const record = `/metadata/annotations/${injected.replace('/', '~1')}`;
  const place = '/spec/containers';
  const devices = { [dataplane]: '1' };
  const adds = (op: 'add' | 'replace', path: string, value: unknown = devices) =>
    onlyAddsDevices(pod, [{ op, path, value }], resources);
  assert.ok(adds('add', `${place}/0/resources/limits/${escaped}`, '1'));
  assert.ok(adds('replace', `${place}/0/resources/limits/${restricted.replace('/', '~1')}`, '2'));
  assert.ok(adds('add', `${place}/0/resources/requests`));
  assert.ok(adds('add', `${place}/1/resources`, { limits: devices, requests: devices }));
  assert.ok(adds('add', `${place}/2/resources`, { limits: devices }));
  assert.ok(adds('add', record, '{}'));
  const refused: readonly (readonly ['add' | 'replace', string, unknown?])[] = [
    ['replace', `${place}/0/resources/limits/${escaped}`, '1'],
    ['add', `${place}/0/resources/limits/${restricted.replace('/', '~1')}`, '2'],
    ['add', `${place}/0/resources/limits/cpu`, '1'],
    ['add', `${place}/0/resources/limits/macvtap.network.kubevirt.io~1other`, '1'],
    ['add', `${place}/0/resources/limits`],
    ['add', `${place}/0/resources/claims`],
    ['add', `${place}/0/resources/requests`, { cpu: '1' }],
    ['add', `${place}/0/resources/requests`, 'x'],
    ['add', `${place}/0/resources`, { limits: devices }],
    ['add', `${place}/1/resources`, { limits: { cpu: '1' } }],
    ['replace', `${place}/1/resources`, { limits: devices }],
    ['add', `${place}/2/resources/limits`],
    ['add', `${place}/3/resources`, { limits: devices }],
    ['add', `${place}/00/resources/requests`],
    ['replace', record, '{}'],
    ['add', '/metadata/annotations/k8s.v1.cni.cncf.io~1networks', 'other'],
    ['add', '/metadata/labels', {}],
    ['add', '', {}],
  ];
  for (const [op, path, value] of refused) assert.ok(!adds(op, path, value), `${op} ${path}`);
  assert.ok(!onlyAddsDevices({}, [{ op: 'add', path: record, value: '' }], resources));
});

/** Returns the pod after the edits, applied as an API server would. */
function inject(pod: PodObject): PodObject {
  return jsonpatch.apply_patch(structuredClone(pod), [...injectPod(pod, context).edits]);
}

function warnings(pod: PodObject): readonly string[] {
  const { verdicts } = injectPod(pod, context);
  assert.ok(verdicts.every(({ severity }) => severity === 'warn'));
  return verdicts.map(({ code, path }) => `${code} ${path}`);
}

function containersIn(pod: PodObject): readonly { readonly resources?: { readonly limits?: unknown } }[] {
  return (pod.spec as { readonly containers: [] }).containers;
}

function limitsOf(pod: PodObject): readonly unknown[] {
  return containersIn(pod).map(({ resources }) => resources?.limits);
}

function annotationsOf(pod: PodObject): Readonly<Record<string, unknown>> {
  return (pod.metadata as { readonly annotations: Record<string, unknown> }).annotations;
}

function recordOf(pod: PodObject): unknown {
  return annotationsOf(pod)[injected];
}

function withNetworks(pod: PodObject, text: string, more: object = {}): PodObject {
  const annotations = { ...annotationsOf(pod), 'k8s.v1.cni.cncf.io/networks': text, ...more };
  return { ...pod, metadata: { ...(pod.metadata as object), annotations } };
}
