// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it, test } from 'node:test';
import { promisify } from 'node:util';
import { type CrdKind, closeSchema, crdFiles, type OpenApiSchema, pruneFields, readCrdSchema } from './crd-schema.ts';
import { readObject } from './read-object.ts';

describe('the schemas of the chart', () => {
  for (const kind of Object.keys(crdFiles) as CrdKind[]) {
    it(`of ${kind} is structural: every field has a type or is explicitly untyped`, () => {
      assert.deepEqual(untyped(readCrdSchema(kind), kind), []);
    });
  }

  it('match the generated types', async () => {
    const script = new URL('../../build/generate-types.ts', import.meta.url).pathname;
    const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
    assert.equal(stderr, '');
  });

  it('contain every accepted field if they are closed', () => {
    const closed = closeSchema({
      type: 'object',
      properties: { a: { type: 'array', items: { properties: {} } } },
      required: ['a'],
    });
    assert.deepEqual(closed.required, ['apiVersion', 'kind', 'metadata', 'a']);
    assert.equal(closed.additionalProperties, false);
    assert.equal(closed.properties?.a?.items?.additionalProperties, false);
  });
});

function untyped(schema: OpenApiSchema, path: string): readonly string[] {
  const own = schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true ? [path] : [];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    untyped(property, `${path}.${name}`),
  );
  const items = schema.items === undefined ? [] : untyped(schema.items, `${path}[]`);
  const others =
    typeof schema.additionalProperties === 'object' ? untyped(schema.additionalProperties, `${path}.*`) : [];
  return [...own, ...below, ...items, ...others];
}

const metadata = { name: 'p', namespace: 'macvtap-cni', uid: '1', labels: { a: 'b' } };
const head = { apiVersion: 'macvtap.network.kubevirt.io/v1alpha1', kind: 'MacvtapNetworkNodePolicy', metadata };

test('fields that only a newer version has are removed at any depth, and everything else stays', () => {
  const spec = {
    priority: 1,
    nodeSelector: { matchLabels: { zone: true } },
    parentSelector: [{ parentIface: 'eth0', nicSelector: { names: ['ens*'] } }],
  };
  const newer = {
    ...head,
    spec: {
      ...spec,
      future: 1,
      parentSelector: [{ parentIface: 'eth0', tunnel: 7, nicSelector: { names: ['ens*'], slots: [1] } }],
    },
    status: { observedGeneration: 1, future: {} },
  };
  assert.deepEqual(pruneFields('MacvtapNetworkNodePolicy', newer), {
    ...head,
    spec,
    status: { observedGeneration: 1 },
  });
});

test('a value of the wrong type stays unchanged, so that the schema check refuses it', () => {
  for (const spec of [null, 7, 'text', [], { parentSelector: {} }, { parentSelector: [null] }]) {
    const object = { ...head, spec };
    assert.deepEqual(pruneFields('MacvtapNetworkNodePolicy', object), object);
    assert.ok((readObject(object, 'macvtap-cni')?.faults ?? []).length > 0, JSON.stringify(spec));
  }
});

test('a value without removed fields is not copied, at any depth', () => {
  const entry = { parentIface: 'eth0' };
  const object = { ...head, spec: { parentSelector: [entry] }, status: { future: 1 } };
  const pruned = pruneFields('MacvtapNetworkNodePolicy', object);
  assert.equal(pruned.spec, object.spec);
  assert.deepEqual(pruned.status, {});
});
