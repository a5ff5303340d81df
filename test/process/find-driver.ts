// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pluginRegistrationService } from '../../nodeplugin/dra/driver-services.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { until } from './until.ts';

const limits = { timeoutMs: 30_000 };

/**
 * Finds the DRA driver as kubelet does, and registers it, or refuses it with an error. Resolves with the path of its
 * socket.
 */
export async function findDriver(kubeletDirectory: string, error = ''): Promise<string> {
  const registry = join(kubeletDirectory, 'plugins_registry');
  return await until(
    async () => {
      for (const name of await readdir(registry).catch(() => [])) {
        using socket = dialSocket(join(registry, name));
        const info = await socket.call(pluginRegistrationService.GetInfo, {}, limits).catch(() => undefined);
        if (info === undefined) continue;
        const { NotifyRegistrationStatus } = pluginRegistrationService;
        await socket.call(NotifyRegistrationStatus, { plugin_registered: error === '', error }, limits);
        assert.deepEqual(info.supported_versions, ['v1.DRAPlugin']);
        return info.endpoint;
      }
      return '';
    },
    (endpoint) => endpoint !== '',
  );
}
