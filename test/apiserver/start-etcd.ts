// SPDX-License-Identifier: Apache-2.0
import { type EtcdOptions, etcdCommand, etcdUrl, isEtcdReady } from '../control-plane/etcd-command.ts';
import { waitFor } from '../control-plane/wait-for.ts';
import { startProcess } from '../process/start-process.ts';

/** A running etcd. */
export interface Etcd extends AsyncDisposable {
  readonly url: string;
  /**
   * Compacts every revision before the current one, and returns the current one. A watch from an older revision then
   * ends with 410 Gone.
   */
  compact(): Promise<number>;
  /** Deletes a key directly, without the API server: `/registry/minions/n1` is the Node n1. */
  remove(key: string): Promise<void>;
}

/** Starts an etcd and waits until it answers. */
export async function startEtcd(options: EtcdOptions): Promise<Etcd> {
  const url = etcdUrl(options);
  await using scope = new AsyncDisposableStack();
  const running = scope.use(startProcess({ name: 'etcd', command: etcdCommand(options) }));
  await waitFor('etcd', running, () => isEtcdReady(options));
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

/** Calls etcd's JSON gateway to its gRPC API, in which 64-bit numbers are strings. */
async function callGateway(url: string, call: string, body: object): Promise<GatewayAnswer> {
  const answer = await fetch(`${url}/v3/${call}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`etcd refused ${call}: ${await answer.text()}`);
  return (await answer.json()) as GatewayAnswer;
}
