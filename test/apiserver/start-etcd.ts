// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { binaryPath } from '../binaries/binary-path.ts';
import { startProcess } from '../process/start-process.ts';
import { waitFor } from './wait-for.ts';

export interface EtcdOptions {
  readonly folder: string;
  readonly port: number;
  readonly peerPort: number;
}

/** A running etcd. */
export interface Etcd extends AsyncDisposable {
  readonly url: string;
  /**
   * Forgets every revision before the current one and returns that: whoever then wants to watch from an older one is
   * told 410 Gone.
   */
  compact(): Promise<number>;
  /** Deletes a key behind the API server's back: `/registry/minions/n1` is the Node n1. */
  remove(key: string): Promise<void>;
}

/** Starts an etcd that promises nothing over a crash of the machine, and waits until it answers. */
export async function startEtcd({ folder, port, peerPort }: EtcdOptions): Promise<Etcd> {
  const url = `http://127.0.0.1:${port}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  await using scope = new AsyncDisposableStack();
  const running = scope.use(
    startProcess({
      name: 'etcd',
      command: [
        binaryPath('etcd'),
        '--name=default',
        `--data-dir=${join(folder, 'etcd')}`,
        '--unsafe-no-fsync',
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peerUrl}`,
        `--initial-advertise-peer-urls=${peerUrl}`,
        `--initial-cluster=default=${peerUrl}`,
        '--log-level=warn',
      ],
    }),
  );
  await waitFor('etcd', running, async () => (await fetch(`${url}/health`)).ok);
  const owned = scope.move();
  return {
    url,
    async compact() {
      const { header } = await callGateway(url, 'maintenance/status', {});
      const revision = Number(header.revision);
      await callGateway(url, 'kv/compaction', { revision: header.revision, physical: true });
      return revision;
    },
    async remove(key) {
      const { deleted } = await callGateway(url, 'kv/deleterange', { key: Buffer.from(key).toString('base64') });
      if (deleted !== '1') throw new Error(`etcd has no ${key}`);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface GatewayAnswer {
  readonly header: { readonly revision: string };
  readonly deleted?: string;
}

/** etcd's own JSON face of its gRPC API; 64-bit numbers are strings in it. */
async function callGateway(url: string, call: string, body: object): Promise<GatewayAnswer> {
  const answer = await fetch(`${url}/v3/${call}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd refused ${call}: ${await answer.text()}`);
  return (await answer.json()) as GatewayAnswer;
}
