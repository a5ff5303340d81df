// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsonpatch from 'jsonpatch';
import { contextIn } from '../../test/fixtures/nad/offers.ts';
import { type NadObject, resourceOfNad } from './read-nad.ts';
import { defaultNad, needsLookup, reviewNad } from './review-nad.ts';

const context = contextIn('default');
const resourceKey = 'k8s.v1.cni.cncf.io/resourceName';

/** Values that are valid for at least one key. The tests use them for every key. */
const value = fc.oneof(
  { depthSize: 'small' },
  fc.constantFrom(
    'macvtap',
    'bridge',
    'vepa',
    'policy',
    '1.0.0',
    'bond1',
    '52:54:00:12:34:56',
    '',
    null,
    true,
    0,
    1500,
    70_000,
    -1,
    1.5,
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const keys = fc.constantFrom(
  'type',
  'name',
  'cniVersion',
  'mode',
  'modeFrom',
  'mtu',
  'mac',
  'owner',
  'promiscMode',
  'multicast',
  'ipam',
  'master',
  'args',
  'mtuu',
  '__proto__',
  'constructor',
  'plugins',
);

/** An object whose keys are in any order, written with or without whitespace. */
const plugin = fc
  .array(fc.tuple(keys, value), { maxLength: 8 })
  .map((entries) => entries.concat([['type', 'macvtap']]));

const text = fc
  .tuple(
    fc.array(plugin, { minLength: 1, maxLength: 3 }),
    fc.boolean(),
    fc.constantFrom('', ' ', '\n  ', '\r\n\t'),
    fc.constantFrom(':', ': '),
  )
  .map(([plugins, list, gap, colon]) => {
    const objects = plugins.map((entries) => write(entries, gap, colon));
    return list ? `{${gap}"plugins"${colon}[${objects.join(',')}]}` : (objects[0] as string);
  });

const annotations = fc.oneof(
  fc.constantFrom(null, undefined, {}, 5),
  fc.constantFrom('dataplane', 'quickDataplane', 'mixed', 'datapalne', '', 'a/b').map((name) => ({
    [resourceKey]: `macvtap.network.kubevirt.io/${name}`,
  })),
  fc.constant({ 'macvtap.network.kubevirt.io/default-config': 'false' }),
);

const config = fc.oneof(
  text,
  fc.json(),
  fc.string(),
  fc.string().map((some) => `macvtap${some}`),
  value,
);

const network = fc
  .record({ name: fc.constantFrom('net', 'dataplane'), annotations, config })
  .map((given) => build(given.name, given.annotations, given.config));

describe('a network', () => {
  it('gets verdicts without an exception, and so does any other object', () => {
    fc.assert(
      fc.property(fc.oneof(network, fc.anything() as fc.Arbitrary<NadObject>), network, (object, before) => {
        defaultNad(object, context);
        reviewNad(object, { ...context, before });
        needsLookup(object, context);
        resourceOfNad(object);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not changed by a second pass of defaults', () => {
    fc.assert(
      fc.property(network, (object) => {
        assert.deepEqual(defaultNad(mutate(object), context).edits, []);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps its keys in their order; new keys are added after them', () => {
    fc.assert(
      fc.property(network, (object) => {
        const [before, after] = [parse(object), parse(mutate(object))];
        if (before === undefined) return assert.equal(after, undefined);
        assert.deepEqual(strip(after, before), before);
        assert.deepEqual(JSON.stringify(strip(after, before)), JSON.stringify(before));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not denied because of added defaults', () => {
    const legal = fc.record(
      {
        name: fc.constantFrom('net', 'a.b'),
        cniVersion: fc.constantFrom('0.3.1', '1.1.0'),
        mode: fc.constantFrom('private'),
        mtu: fc.integer({ min: 68, max: 65_535 }),
        mac: fc.constantFrom('52:54:00:12:34:56'),
        owner: fc.nat(),
        promiscMode: fc.boolean(),
        multicast: fc.constantFrom('all', 'none'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(legal, fc.boolean(), fc.constantFrom(0, 2, '\t'), (conf, list, indent) => {
        const { name, cniVersion, ...own } = conf;
        const tree = list ? { name, cniVersion, plugins: [{ type: 'macvtap', ...own }] } : { ...conf, type: 'macvtap' };
        const object = build('dataplane', undefined, JSON.stringify(tree, null, indent));
        const verdicts = reviewNad(mutate(object), context);
        assert.deepEqual(
          verdicts.filter(({ severity }) => severity === 'deny'),
          [],
        );
        assert.equal(resourceOfNad(mutate(object)), 'dataplane');
      }),
    );
  });
});

function build(name: string, annotations: unknown, config: unknown): NadObject {
  return { metadata: { name, namespace: 'default', annotations }, spec: { config } } as NadObject;
}

/** Writes JSON as a person might, with repeated keys. */
function write(entries: readonly (readonly [string, unknown])[], gap: string, colon: string): string {
  return `{${entries.map(([key, each]) => `${gap}${JSON.stringify(key)}${colon}${JSON.stringify(each)}`).join(',')}${gap}}`;
}

function mutate(object: NadObject): NadObject {
  return jsonpatch.apply_patch(object, [...defaultNad(object, context).edits]);
}

function parse(object: NadObject): unknown {
  try {
    return JSON.parse(String(object.spec?.config));
  } catch {
    return undefined;
  }
}

/** Removes the keys of `after` that `before` lacks. Asserts that they come after all other keys. */
function strip(after: unknown, before: unknown): unknown {
  if (Array.isArray(after) && Array.isArray(before)) return after.map((each, index) => strip(each, before[index]));
  if (typeof after !== 'object' || typeof before !== 'object' || after === null || before === null) return after;
  const kept = Object.keys(before).length;
  assert.deepEqual(Object.keys(after).slice(0, kept), Object.keys(before));
  const result = JSON.parse('{}');
  for (const key of Object.keys(before)) {
    const each = strip(after[key as keyof typeof after], before[key as keyof typeof before]);
    Object.defineProperty(result, key, { value: each, enumerable: true });
  }
  return result;
}
