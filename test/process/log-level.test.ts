// SPDX-License-Identifier: Apache-2.0
// Tests that the log level of a real process can be changed while it runs, by the file that --log-level-file names.
import assert from 'node:assert/strict';
import { mkdtempDisposable, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode, policyObject } from './plugin-node.ts';
import { startWebhook } from './webhook-process.ts';

const nad = { metadata: { name: 'net' }, spec: { config: '{"type": "bridge", "name": "net"}' } };

test('a webhook logs each review while the file sets debug, and stops once the file is gone', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const file = join(folder.path, 'level');
  const write = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await using webhook = await startWebhook({}, ['--log-level-file', file]);
  const { process } = webhook;
  await process.waitForLine(/"a new certificate is served"/);
  await webhook.review('validate', nad);
  await write('debug');
  await process.waitForLine(/"level":"info".*"from":"info","to":"debug".*"log level changed"/);
  assert.doesNotMatch(process.output, /"msg":"allowed"/);
  await webhook.review('validate', nad);
  const line = await process.waitForLine(/"msg":"allowed"/);
  assert.match(line, /"operation":"CREATE","object":\{"namespace":"tenant","name":"net"\},"durationMs":[\d.]+/);

  await write('louder');
  await process.waitForLine(/"level":"warn".*"fault":"write one of debug, .*"log level not changed"/);
  await rm(file);
  await process.waitForLine(/"from":"debug","to":"info","by":"--log-level"/);
  await webhook.review('validate', nad);
  assert.equal(process.output.match(/"msg":"allowed"/g)?.length, 1);
});

test('a node plugin begins at the current level of the file', { skip: needsRoot }, async () => {
  await using node = await makePluginNode(['eth0']);
  const file = join(node.kubeletDirectory, 'level');
  await writeFile(file, 'error');
  const plugin = node.start('--log-level-file', file);
  await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }] }));
  await node.offers({ net: 100 });
  assert.doesNotMatch(plugin.output, /plan in force/);
  await rm(file);
  await plugin.waitForLine(/"from":"error","to":"info"/);
});
