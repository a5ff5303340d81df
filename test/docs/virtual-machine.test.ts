// SPDX-License-Identifier: Apache-2.0
// Tests that the webhook completes KubeVirt's launcher pod for the virtual machine of the quick start.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { applyEdits } from '../../cluster/objects/read-object.ts';
import { defaultNad } from '../../policy/nad/review-nad.ts';
import { injectedAnnotation, injectPod } from '../../policy/pod/inject-pod.ts';
import { reviewPod } from '../../policy/pod/rules.ts';
import { offersOf } from '../fixtures/offers/build-offers.ts';
import { policy } from '../fixtures/plan/build-example.ts';
import { root } from '../house/source-files.ts';

const read = (path: string) => parse(readFileSync(`${root}${path}`, 'utf8'));
const quickStart = (name: string) => read(`docs/tutorial/quick-start/${name}.yaml`);

type Quantities = Readonly<Record<string, string>>;

interface Container {
  readonly name: string;
  readonly resources?: { readonly limits?: Quantities; readonly requests?: Quantities };
}

const resource = 'macvtap.network.kubevirt.io/dataplane';

/**
 * The pod as the API server of a cluster with KubeVirt stored it. `npm run launcher-pod` writes the file. The tests
 * with KubeVirt compare it with the pod of a new cluster.
 */
const stored = read('test/fixtures/docs/virtual-machine/launcher-pod.yaml');
const containers: readonly Container[] = stored.spec.containers;

const offers = offersOf({ policies: [policy('dataplane', quickStart('policy').spec)] });
const nad = quickStart('network');
const network = applyEdits(nad, defaultNad(nad, { offers, namespaceLabels: {}, unknownResource: 'Deny' }).edits);
const networks = new Map([['default/dataplane', network]]);
const context = { namespace: 'default', namespaceLabels: {}, offers, networks };

test('the webhook turns a launcher pod into the stored one, with its device in the container of qemu', () => {
  const { [injectedAnnotation]: record, ...annotations } = stored.metadata.annotations;
  const created = {
    ...stored,
    metadata: { ...stored.metadata, annotations },
    spec: { ...stored.spec, containers: containers.map(withoutDevice) },
  };
  const { edits, verdicts } = injectPod(created, context);
  assert.deepEqual(verdicts, []);
  const made = applyEdits(created, edits);
  assert.deepEqual(reviewPod(made, context), []);
  assert.deepEqual(limitsOf(made.spec.containers), limitsOf(containers));
  assert.equal(made.metadata.annotations[injectedAnnotation], record);
  assert.equal(containers.find(({ name }) => name === 'compute')?.resources?.limits?.[resource], '1');
});

test('the webhook does not change a launcher pod that already has its device', () => {
  assert.deepEqual(injectPod(stored, context).edits, []);
});

function withoutDevice({ resources = {}, ...container }: Container): Container {
  const without = ({ [resource]: _, ...others }: Quantities = {}) => others;
  return { ...container, resources: { limits: without(resources.limits), requests: without(resources.requests) } };
}

/** Returns the limits as an object without an order, because the API server sorts resource names. */
function limitsOf(all: readonly Container[]): object {
  return Object.fromEntries(all.map(({ name, resources }) => [name, { ...resources?.limits }]));
}
