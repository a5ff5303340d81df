// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { devicePluginService } from '../../../nodeplugin/deviceplugin/v1beta1.ts';
import { namesPod, readHeldDevices } from '../../../nodeplugin/podresources/held-devices.ts';
import { podResourcesLister } from '../../../nodeplugin/podresources/pod-resources-client.ts';
import type { Target } from '../target.ts';

const { List } = podResourcesLister;
const { Allocate, PreStartContainer } = devicePluginService;
const prefix = 'macvtap.network.kubevirt.io/';
const devices = [{ resource_name: `${prefix}dataplane`, device_ids: ['dataplaneMvp1', '__proto__'] }];
const answer = List.responseSerialize({
  pod_resources: [{ name: 'a', namespace: 'vms', containers: [{ name: 'main', devices: [...devices, ...devices] }] }],
});
const allocate = Allocate.requestSerialize({
  container_requests: [{ devices_ids: ['dataplaneMvp1', 'dataplaneMvp2'] }],
});

export const kubeletTargets: readonly Target[] = [
  {
    name: 'pod-resources',
    invariant:
      'A message that gRPC decodes lists each device once, with its holders; any other message is an error of gRPC.',
    shape: 'bytes',
    seeds: [answer],
    words: [prefix],
    run(input) {
      const message = decoded(() => List.responseDeserialize(Buffer.from(input)));
      if (message === undefined) return;
      const held = readHeldDevices(message, prefix);
      for (const { pods } of held.values()) {
        assert.equal(new Set(pods.map((pod) => JSON.stringify(pod))).size, pods.length);
        assert.ok(pods.every((pod) => namesPod(message, pod)));
      }
    },
  },
  {
    name: 'device-plugin-request',
    invariant: 'A request that gRPC decodes has lists of text where the handlers read them.',
    shape: 'bytes',
    seeds: [allocate],
    run(input) {
      const bytes = Buffer.from(input);
      const request = decoded(() => Allocate.requestDeserialize(bytes));
      const ids = request?.container_requests.flatMap(({ devices_ids }) => devices_ids) ?? [];
      const started = decoded(() => PreStartContainer.requestDeserialize(bytes));
      for (const id of [...ids, ...(started?.devices_ids ?? [])]) assert.equal(typeof id, 'string');
    },
  },
];

/** Returns undefined if decoding fails: @grpc/grpc-js turns any error of its decoder into a status of the call. */
function decoded<Value>(decode: () => Value): Value | undefined {
  try {
    return decode();
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    return undefined;
  }
}
