// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { chooseSocketPath } from '../../nodeplugin/deviceplugin/plugin-sockets.ts';
import { registerResource } from '../../nodeplugin/deviceplugin/registration-session.ts';
import { devices, pluginOptions as options, resource, serve } from './serve-plugin.ts';

/** A kubelet that these tests check: the stand-in, or a real kubelet that is observed through its node's status. */
export interface KubeletUnderContract extends AsyncDisposable {
  /** The device-plugins directory, as this process sees it. */
  readonly directory: string;
  /** Resolves when kubelet reports this many devices of the resource as healthy. */
  waitForAllocatable(resourceName: string, count: number): Promise<void>;
  /** Restarts kubelet. Resolves when its socket exists again. */
  restart(): Promise<void>;
}

/** Tests the behavior of kubelet that the plugin relies on. `start` gives each test a separate kubelet. */
export function testDevicePluginContract(title: string, start: () => Promise<KubeletUnderContract>): void {
  describe(`${title}, in the ways on which the plugin relies`, { concurrency: 1 }, () => {
    test('Register succeeds only when the endpoint answers, and the first list is received', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'first', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
    });

    test('an endpoint without a server is refused', async () => {
      await using kubelet = await start();
      const socketPath = chooseSocketPath(kubelet.directory, 'nobody', '1');
      await assert.rejects(
        registerResource({ resourceName: resource('nobody'), socketPath, options, timeoutMs: 90_000 }),
        {
          code: 'KubeletRefused',
        },
      );
    });

    test('a changed list is received on the open stream', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'changed', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
      plugin.list.set(devices(3));
      await kubelet.waitForAllocatable(plugin.resourceName, 3);
      plugin.list.set(devices(3).map((device) => ({ ...device, healthy: device.id === 'a0' })));
      await kubelet.waitForAllocatable(plugin.resourceName, 1);
    });

    test('the end of the stream makes the devices unavailable', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'ended', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
      await plugin.server.stop();
      await kubelet.waitForAllocatable(plugin.resourceName, 0);
    });

    test('a registration on a new socket replaces the old one after that has ended', async () => {
      await using kubelet = await start();
      await using old = await serve(kubelet, 'replaced', devices(2), '1');
      await old.register();
      await kubelet.waitForAllocatable(old.resourceName, 2);
      await old.server.stop();
      await kubelet.waitForAllocatable(old.resourceName, 0);
      await using successor = await serve(kubelet, 'replaced', devices(5), '2');
      await successor.register();
      await kubelet.waitForAllocatable(successor.resourceName, 5);
    });

    test('a second registration replaces the first one, even if that still serves', async () => {
      await using kubelet = await start();
      await using first = await serve(kubelet, 'second', devices(2), '1');
      await first.register();
      await kubelet.waitForAllocatable(first.resourceName, 2);
      await using second = await serve(kubelet, 'second', devices(5), '2');
      await second.register();
      await kubelet.waitForAllocatable(second.resourceName, 5);
    });

    test('a restart ends the streams, removes the sockets and forgets the registrations', async () => {
      await using kubelet = await start();
      await using plugin = await serve(kubelet, 'restarted', devices(2));
      await plugin.register();
      await kubelet.waitForAllocatable(plugin.resourceName, 2);
      await kubelet.restart();
      await plugin.disconnected;
      await kubelet.waitForAllocatable(plugin.resourceName, 0);
      assert.ok(!(await readdir(kubelet.directory)).includes(basename(plugin.server.path)));
    });
  });
}
