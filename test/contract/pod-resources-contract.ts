// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HeldDeviceMap, type Holder, listHeldDevices } from '../../nodeplugin/podresources/held-devices.ts';
import { connectPodResources } from '../../nodeplugin/podresources/pod-resources-client.ts';
import type { KubeletUnderContract } from './device-plugin-contract.ts';
import { contractPrefix, devices, resource, serve } from './serve-plugin.ts';

/** A kubelet that these tests check, and that runs pods: the stand-in, or a real kubelet with an API server. */
export interface PodsUnderContract extends KubeletUnderContract {
  readonly podResourcesSocket: string;
  /** Runs a pod whose container requests this many devices. Resolves when the pod is admitted. */
  run(resourceName: string, count: number): Promise<PodUnderContract>;
}

export interface PodUnderContract {
  readonly holder: Holder;
  /** Deletes the pod. Resolves when its containers have ended. */
  end(): Promise<void>;
}

/**
 * Tests the behavior of the pod-resources API that the plugin relies on. `start` gives each test a separate kubelet.
 */
export function testPodResourcesContract(title: string, start: () => Promise<PodsUnderContract>): void {
  describe(`${title}, in the ways on which the plugin relies for its list of held devices`, { concurrency: 1 }, () => {
    test('an allocated device is listed, with its pod and container', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'held', devices(3));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 3);
      const { holder } = await kubelet.run(plugin.resourceName, 2);
      const held = await list(kubelet);
      assert.equal(held.size, 2);
      for (const [id, { resource, pods }] of held) {
        assert.match(id, /^a[0-2]$/);
        assert.equal(resource, 'held');
        assert.deepEqual(pods, [holder]);
      }
    });

    test('Get returns the devices of one pod, from 1.34 on', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'got', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
      const first = await kubelet.run(plugin.resourceName, 1);
      const second = await kubelet.run(plugin.resourceName, 1);
      using client = connectPodResources(kubelet.podResourcesSocket);
      const idsOf = async (pod: { readonly namespace: string; readonly name: string }) =>
        (await client.get(pod))?.containers.flatMap((container) => container.devices.flatMap((one) => one.device_ids));
      const held = await list(kubelet);
      for (const { holder } of [first, second]) {
        const expected = [...held].filter(([, { pods }]) => pods.some(({ name }) => name === holder.name));
        assert.deepEqual(
          await idsOf(holder),
          expected.map(([id]) => id),
        );
      }
      assert.equal(await idsOf({ ...first.holder, name: 'no-such-pod' }), undefined);
    });

    test('a device is not listed before its Allocate is done', async () => {
      const asked = Promise.withResolvers<void>();
      const answered = Promise.withResolvers<void>();
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'slow', devices(1), '1', () => {
        asked.resolve();
        return answered.promise;
      });
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 1);
      const running = kubelet.run(plugin.resourceName, 1);
      await asked.promise;
      assert.equal((await list(kubelet)).size, 0);
      answered.resolve();
      await running;
      assert.deepEqual([...(await list(kubelet)).keys()], ['a0']);
    });

    test("a released device is no longer listed, and another pod's device still is", async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'released', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
      const first = await kubelet.run(plugin.resourceName, 1);
      const second = await kubelet.run(plugin.resourceName, 1);
      await first.end();
      const held = await listUntil(kubelet, (held) => held.size === 1);
      assert.deepEqual(
        [...held.values()].map(({ pods }) => pods),
        [[second.holder]],
      );
    });

    test('held devices are listed after a restart, although no plugin has registered their resource again', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'restarted', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
      const { holder } = await kubelet.run(plugin.resourceName, 2);
      await kubelet.restart();
      const held = await listUntil(kubelet, (held) => held.size === 2);
      assert.deepEqual(
        [...held.values()].map(({ pods }) => pods),
        [[holder], [holder]],
      );
    });

    test('devices stay listed after their plugin has ended', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'gone', devices(1));
      await plugin.register();
      await kubelet.waitForAllocatable(resource('gone'), 1);
      await kubelet.run(plugin.resourceName, 1);
      await plugin.server.stop();
      await kubelet.waitForAllocatable(resource('gone'), 0);
      assert.equal((await list(kubelet)).size, 1);
    });

    test('a restart creates a new socket', async () => {
      await using kubelet = await start();
      const before = await stat(kubelet.podResourcesSocket, { bigint: true });
      await kubelet.restart();
      const after = await stat(kubelet.podResourcesSocket, { bigint: true });
      assert.notDeepEqual([after.ino, after.ctimeNs], [before.ino, before.ctimeNs]);
    });
  });
}

function list({ podResourcesSocket }: PodsUnderContract): Promise<HeldDeviceMap> {
  return listHeldDevices({ socketPath: podResourcesSocket, resourcePrefix: contractPrefix });
}

/**
 * Waits for a list of held devices. A real kubelet takes some time to end a pod or, after a restart, to know its pods
 * again. Only a failing test waits until the limit.
 */
async function listUntil(
  kubelet: PodsUnderContract,
  predicate: (held: HeldDeviceMap) => boolean,
): Promise<HeldDeviceMap> {
  const signal = AbortSignal.timeout(waitMs);
  for (;;) {
    const held = await list(kubelet).catch(() => undefined);
    if (held !== undefined && predicate(held)) return held;
    assert.ok(!signal.aborted, `not reached in ${waitMs} ms; listed now: ${JSON.stringify([...(held ?? [])])}`);
    await sleep(pollMs);
  }
}

const waitMs = 60_000;
const pollMs = 100;
