// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode } from './plugin-node.ts';
import { startNodePlugin } from './start-node-plugin.ts';

const preload = new URL('programs/tell-loads.ts', import.meta.url);

for (const module of ['nodeplugin/config.ts', 'nodeplugin/run-node-plugin.ts']) {
  test(`SIGTERM ends the process by itself while ${module} is still to be loaded`, { skip: needsRoot }, async () => {
    await using node = await makePluginNode([]);
    await using plugin = startNodePlugin({
      namespace: node.namespace,
      nodeName: node.name,
      manifests: join(node.kubeletDirectory, '../manifests'),
      kubeletDirectory: node.kubeletDirectory,
      environment: { NODE_OPTIONS: `--import=${preload.href}` },
      // The line comes from inside of the loading: the signal is there before it ends.
      onLine: (line) => line.endsWith(module) && plugin.signal('SIGTERM'),
    });
    assert.deepEqual(await plugin.exit, { code: 0, signal: null });
    assert.doesNotMatch(plugin.output, /plan in force/);
  });
}
