// SPDX-License-Identifier: Apache-2.0
// What of docs/quick-start.md's virtual machine is ours: the pod that KubeVirt makes of it is given its device.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { applyEdits } from '../../cluster/objects/apply-edits.ts';
import { defaultNad } from '../../policy/nad/default-nad.ts';
import { injectPod } from '../../policy/pod/inject-pod.ts';
import { reviewPod } from '../../policy/pod/review-pod.ts';
import { offersOf } from '../fixtures/offers/build-offers.ts';
import { policy } from '../fixtures/plan/build-example.ts';
import { root } from '../house/source-files.ts';

const read = (name: string) => parse(readFileSync(`${root}docs/quick-start/${name}.yaml`, 'utf8'));

test("the pod of the quick start's virtual machine is given its device, in the container of the machine", () => {
  const offers = offersOf({ policies: [policy('dataplane', read('policy').spec)] });
  const nad = read('network');
  const network = applyEdits(nad, defaultNad(nad, { offers, namespaceLabels: {}, unknownResource: 'Deny' }).edits);
  const context = {
    namespace: 'default',
    namespaceLabels: {},
    offers,
    networks: new Map([['default/dataplane', network]]),
  };
  const pod = launcherPod(read('vm'));
  const { edits, verdicts } = injectPod(pod, context);
  assert.deepEqual(verdicts, []);
  const made = applyEdits(pod, edits);
  assert.deepEqual(reviewPod(made, context), []);
  assert.deepEqual(
    made.spec.containers.map(({ name, resources }) => [name, resources?.limits]),
    [
      ['guest-console-log', undefined],
      ['compute', { 'macvtap.network.kubevirt.io/dataplane': '1' }],
    ],
  );
});

interface VirtualMachine {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly networks: readonly { readonly multus?: { readonly networkName: string } }[] };
    };
  };
}

/** As virt-controller writes it (pkg/network/multus): secondary networks in JSON, each under a name made of a hash. */
function launcherPod({ spec }: VirtualMachine) {
  const networks = spec.template.spec.networks.flatMap(({ multus }) =>
    multus === undefined ? [] : [{ name: multus.networkName, namespace: 'default', interface: 'pod1b2c3d4e5f6' }],
  );
  const containers: readonly { name: string; resources?: { limits?: object } }[] = [
    { name: 'guest-console-log' },
    { name: 'compute' },
  ];
  return {
    metadata: {
      name: 'virt-launcher-tap-x7k2p',
      namespace: 'default',
      annotations: { 'k8s.v1.cni.cncf.io/networks': JSON.stringify(networks) },
    },
    spec: { containers },
  };
}
