// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsonpatch from 'jsonpatch';
import { podContext } from '../../test/fixtures/pod/build-context.ts';
import type { Edit } from '../json.ts';
import type { NadObject } from '../nad/read-nad.ts';
import { mayAttach } from './check-networks.ts';
import { countDemand, countHeld, resourcesOfPod } from './count-demand.ts';
import { injectDevices, injectedAnnotation, injectPod, onlyAddsDevices } from './inject-pod.ts';
import { networksOf } from './parse-networks.ts';
import { containersOf, isBeingDeleted, type PodObject } from './read-pod.ts';
import { findDenials, reviewPod, rules } from './rules.ts';

const context = podContext('vms');
const prefix = 'macvtap.network.kubevirt.io/';
const names = ['dataplane', 'restricted', 'unknown'] as const;

/** An object with any subset of these fields. */
const some = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] });
const nothing = fc.constantFrom(undefined, null);

const quantities = fc.oneof(
  { weight: 1, arbitrary: nothing },
  {
    weight: 4,
    arbitrary: fc.dictionary(
      fc.constantFrom(...names.map((name) => `${prefix}${name}`), 'cpu', `${prefix}`),
      fc.constantFrom('1', 1, '2', '1k', '0', '3000m'),
    ),
  },
);
const container = some({
  name: fc.constantFrom('compute', 'a', 'b'),
  resources: fc.oneof(nothing, some({ limits: quantities, requests: quantities })),
  restartPolicy: fc.constantFrom('Always', 'Never'),
  image: fc.constant('registry.example/vm:1'),
});
const selections = fc.oneof(
  fc
    .array(fc.constantFrom('data', 'tenant/fast@net1', 'vms/data', ' fast ', 'other', 'missing', 'typo'), {
      minLength: 1,
    })
    .map((items) => items.join()),
  fc
    .array(some({ name: fc.constantFrom('data', 'fast'), namespace: fc.constantFrom('vms', 'tenant') }))
    .map((list) => JSON.stringify(list)),
);

/** Pods that an API server accepts. They lack only the fields for which it adds defaults. */
const validPod: fc.Arbitrary<PodObject> = fc.record({
  metadata: fc.record({
    name: fc.constant('p'),
    annotations: some({
      'k8s.v1.cni.cncf.io/networks': selections,
      'v1.multus-cni.io/default-network': fc.constantFrom('cluster', 'vms/data'),
      [injectedAnnotation]: fc.constantFrom(`{"${prefix}dataplane":1}`, '{'),
      'example.com/other': fc.constant('kept'),
    }),
  }),
  spec: some({
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    initContainers: fc.array(container, { maxLength: 2 }),
    hostNetwork: fc.constantFrom(true, false, false, false),
  }),
});

/** Any value in any field. */
const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(...names.map((name) => ({ [`${prefix}${name}`]: '1' }))),
  selections,
);
const hostile = (arbitrary: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 3, arbitrary }, { weight: 1, arbitrary: junk });
const hostileContainer = hostile(
  some({
    name: junk,
    restartPolicy: junk,
    resources: hostile(some({ limits: hostile(quantities), requests: hostile(quantities) })),
  }),
);
const hostilePod = hostile(
  some({
    metadata: hostile(
      some({
        namespace: junk,
        deletionTimestamp: junk,
        annotations: hostile(
          some({
            'k8s.v1.cni.cncf.io/networks': fc.oneof(selections, fc.string(), junk),
            'v1.multus-cni.io/default-network': fc.oneof(selections, junk),
            [injectedAnnotation]: junk,
          }),
        ),
      }),
    ),
    spec: hostile(
      some({
        containers: hostile(fc.array(hostileContainer, { maxLength: 3 })),
        initContainers: hostile(fc.array(hostileContainer, { maxLength: 2 })),
        ephemeralContainers: junk,
        hostNetwork: junk,
      }),
    ),
  }),
) as fc.Arbitrary<PodObject>;

/** Networks without a resource. The first two are of other vendors. The type of the last one has an escape. */
const others = {
  other: '{"type":"bridge"}',
  vlan: '{"type":"macvlan","master":"macvtap0"}',
  hidden: '{"type":"\\u006dacvtap"}',
};
const foreign = {
  ...context,
  networks: new Map<string, NadObject>([
    ...context.networks,
    ...Object.entries(others).map(
      ([name, config]) => [`vms/${name}`, { metadata: { name, namespace: 'vms' }, spec: { config } }] as const,
    ),
  ]),
};
const foreignName = fc.constantFrom('other', 'vlan', 'hidden', 'data', 'other', 'vlan');
/** Keys in the spelling of the API, in other spellings that Go accepts, and with escapes. */
const nameKey = fc.constantFrom('"name"', '"name"', '"NAME"', '"n\\u0061me"', '"\u212aey"');
const foreignItem = fc
  .array(fc.tuple(nameKey, foreignName), { minLength: 1, maxLength: 2 })
  .map((entries) => `{${entries.map(([key, name]) => `${key}:"${name}"`).join()}}`);
const foreignPod: fc.Arbitrary<PodObject> = fc.record({
  metadata: fc.record({
    annotations: some({
      'k8s.v1.cni.cncf.io/networks': fc.oneof(
        fc.array(foreignName, { minLength: 1, maxLength: 3 }).map((names) => names.join()),
        fc.array(foreignItem, { minLength: 1, maxLength: 2 }).map((items) => `[${items.join()}]`),
      ),
      'v1.multus-cni.io/default-network': fc.constantFrom('vms/other', 'vms/data', 'other'),
    }),
  }),
  spec: some({ containers: fc.array(container, { maxLength: 2 }), hostNetwork: fc.constantFrom(true, false, false) }),
});

const runs = { numRuns: 1_000 };

describe('a pod', () => {
  it('never causes an exception, even if it is hostile, and its edits can be applied', () => {
    fc.assert(
      fc.property(hostilePod, fc.option(hostilePod, { nil: undefined }), (pod, before) => {
        const update = before === undefined ? context : { ...context, before };
        reviewPod(pod, update);
        networksOf(pod);
        resourcesOfPod(pod, context.networks);
        inject(pod);
        assert.deepEqual(injectPod(inject(pod), context).edits, []);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gets the same edits and verdicts whether or not pods with only other networks are skipped', () => {
    const skipped = { injections: 0, reviews: 0 };
    fc.assert(
      fc.property(fc.oneof(hostilePod, foreignPod), (pod) => {
        if (isBeingDeleted(pod)) return;
        assert.deepEqual(injectPod(pod, foreign), injectDevices(pod, foreign));
        const verdicts = rules.flatMap(({ rule }) => rule(pod, foreign));
        assert.deepEqual(reviewPod(pod, foreign), verdicts);
        // The same context, with a memory of the pod.
        const remembering = { ...foreign, memo: {} };
        assert.deepEqual(injectPod(pod, remembering), injectPod(pod, foreign));
        assert.deepEqual(reviewPod(pod, remembering), verdicts);
        assert.deepEqual(
          findDenials(pod, remembering),
          verdicts.filter(({ severity }) => severity === 'deny'),
        );
        if (mayAttach(pod, foreign)) return;
        skipped.injections += 1;
        if (verdicts.length === 0) skipped.reviews += 1;
      }),
      { numRuns: 4_000 },
    );
    assert.ok(skipped.injections > 400 && skipped.reviews > 400, JSON.stringify(skipped));
  });

  it('is denied after an injection for the same reasons as before it, if the edits only add devices', () => {
    let unsure = 0;
    fc.assert(
      fc.property(fc.oneof(hostilePod, validPod), (pod) => {
        const { edits } = injectPod(pod, context);
        const demand = countDemand(networksOf(pod, context), context.networks);
        if (onlyAddsDevices(pod, edits, demand))
          assert.deepEqual(findDenials(inject(pod), context), findDenials(pod, context));
        else unsure += 1;
      }),
      { numRuns: 2_000 },
    );
    assert.equal(unsure, 0);
  });

  it('is not changed by a second injection', () => {
    fc.assert(
      fc.property(validPod, (pod) => {
        const once = inject(pod);
        assert.deepEqual(injectPod(once, context).edits, []);
      }),
      runs,
    );
  });

  it('has exactly the devices that it requested or that its networks need, whichever is more', () => {
    fc.assert(
      fc.property(validPod, (pod) => {
        const demand = countDemand(networksOf(pod, context), context.networks);
        const before = countHeld(containersOf(pod));
        const after = countHeld(containersOf(inject(pod)));
        if (!containersOf(pod).some(({ role, list }) => role === 'app' && list === 'containers')) return;
        for (const name of new Set([...demand.keys(), ...before.keys(), ...after.keys()])) {
          assert.equal(after.get(name) ?? 0, Math.max(demand.get(name) ?? 0, before.get(name) ?? 0));
        }
      }),
      runs,
    );
  });

  it('is not changed by injection except for the devices of one container and their record', () => {
    fc.assert(
      fc.property(validPod, (pod) => {
        const untouched = JSON.stringify(pod);
        const after = inject(pod);
        assert.equal(JSON.stringify(pod), untouched);
        assert.deepEqual(withoutOurs(after), withoutOurs(pod));
      }),
      runs,
    );
  });

  it('has equal limits and requests for every added resource', () => {
    fc.assert(
      fc.property(validPod, (pod) => {
        const { edits } = injectPod(pod, context);
        assert.deepEqual(quantitiesIn(edits, 'limits'), quantitiesIn(edits, 'requests'));
      }),
      runs,
    );
  });
});

/** Returns the pod after the edits, applied as an API server would. */
function inject(pod: PodObject): PodObject {
  const { edits } = injectPod(pod, context);
  return edits.length === 0 ? pod : jsonpatch.apply_patch(structuredClone(pod), [...edits]);
}

/**
 * Returns the quantities by resource that the edits write into limits or requests. An edit writes the whole field
 * `resources`, one of its two maps, or a single key of a map.
 */
function quantitiesIn(edits: readonly Edit[], field: 'limits' | 'requests'): unknown {
  const written = edits.flatMap(({ path, value }) => {
    const [, , , , whole, map, key] = path.split('/');
    if (whole !== 'resources') return [];
    if (map === undefined) return [(value as Record<typeof field, object>)[field]];
    if (map !== field) return [];
    return [key === undefined ? value : { [key.replace('~1', '/')]: value }];
  });
  return Object.assign({}, ...written);
}

/**
 * Returns a pod without macvtap resources, without maps that are empty after that, and without the annotation that
 * records the devices.
 */
function withoutOurs(pod: PodObject): unknown {
  const { metadata, spec } = structuredClone(pod) as {
    metadata: { annotations: object };
    spec: { containers?: object[] };
  };
  const annotations = withoutPrefix(metadata.annotations);
  return {
    metadata: { ...metadata, annotations },
    spec: { ...spec, containers: spec.containers?.map(withoutDevices) },
  };
}

function withoutDevices(container: { readonly resources?: Readonly<Record<string, object | null>> | null }): object {
  const maps = Object.entries(container.resources ?? {}).map(
    ([field, map]) => [field, withoutPrefix(map ?? {})] as const,
  );
  return { ...container, resources: Object.fromEntries(maps.filter(([, map]) => Object.keys(map).length > 0)) };
}

function withoutPrefix(map: object): object {
  return Object.fromEntries(
    Object.entries(map).filter(([key, value]) => !key.startsWith(prefix) && value !== undefined),
  );
}
