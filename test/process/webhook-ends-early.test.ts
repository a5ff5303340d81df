// SPDX-License-Identifier: Apache-2.0
// Tests the real webhook process with an API server that accepts connections and never answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProcess } from './start-process.ts';

const main = fileURLToPath(new URL('../../webhook/main.ts', import.meta.url));

test('SIGTERM ends a webhook that waits for a silent API server, before that wait times out', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kube-macvtap-silent-'));
  await using silence = await startSilence();
  const kubeconfig = join(folder.path, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(silence.port));
  await using webhook = startProcess({
    name: 'webhook',
    command: [
      ...([process.execPath, main] as const),
      ...['--source', 'cluster', '--kubeconfig', kubeconfig],
      ...['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
    ],
  });
  await silence.asked;
  await webhook.waitForLine(/health and metrics are served/);
  webhook.signal('SIGTERM');
  assert.deepEqual(await webhook.exit, { code: 0, signal: null });
  // These words would be in the log if a call had reached its own time limit.
  assert.doesNotMatch(webhook.output, /timeout|needs attention/);
});

async function startSilence() {
  const asked = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('data', () => asked.resolve());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked: asked.promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

function kubeconfigOf(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
