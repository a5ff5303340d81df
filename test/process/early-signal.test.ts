// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode } from './plugin-node.ts';
import { startNodePlugin } from './start-node-plugin.ts';

const preload = new URL('programs/print-loads.ts', import.meta.url);

for (const module of ['nodeplugin/config.ts', 'nodeplugin/run-node-plugin.ts']) {
  test(`SIGTERM ends the process normally while ${module} is not loaded yet`, { skip: needsRoot }, async () => {
    await using node = await makePluginNode([]);
    await using plugin = startNodePlugin({
      namespace: node.namespace,
      nodeName: node.name,
      manifests: join(node.kubeletDirectory, '../manifests'),
      kubeletDirectory: node.kubeletDirectory,
      environment: { NODE_OPTIONS: `--import=${preload.href}` },
      // Each line is printed before its module is loaded, so the signal arrives before this module is loaded.
      onLine: (line) => line.endsWith(module) && plugin.signal('SIGTERM'),
    });
    assert.deepEqual(await plugin.exit, { code: 0, signal: null });
    assert.doesNotMatch(plugin.output, /plan in force/);
  });
}
