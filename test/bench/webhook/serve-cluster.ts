// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Pair } from '../../../certs/certificate-state.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { type StandInApiServer, startApiServer } from '../../apiserver-standin/start-api-server.ts';

/** An API server with a cluster, as a pod sees it. */
export interface ServedCluster extends AsyncDisposable {
  readonly apiServer: StandInApiServer;
  /** The environment variables with which a pod finds the API server. In a cluster, kubelet sets them. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Serves objects over TLS. Writes the service account that a pod has mounted to `accountFolder`. */
export async function serveCluster(
  objects: readonly WrittenObject[],
  { pair, accountFolder }: { readonly pair: Pair; readonly accountFolder: string },
): Promise<ServedCluster> {
  await using undo = new AsyncDisposableStack();
  const apiServer = undo.use(await startApiServer());
  for (const object of objects) apiServer.store.put(object);
  // No watch needs the events of these objects, because each client lists the objects first.
  apiServer.store.compact();
  const port = undo.use(await startTls(pair, Number(new URL(apiServer.url).port))).port;
  await writeFile(join(accountFolder, 'token'), 'token-of-the-bench');
  await writeFile(join(accountFolder, 'ca.crt'), pair.authority.pem);
  const scope = undo.move();
  return {
    apiServer,
    environment: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port), KUBECONFIG: '' },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Starts TLS in front of a plain server. */
async function startTls(
  { certPem, keyPem }: Pair,
  plainPort: number,
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ cert: certPem, key: keyPem }, (outer) => {
    const inner = connect(plainPort, '127.0.0.1');
    for (const socket of [outer, inner]) {
      keep(socket);
      socket.once('error', () => socket.destroy());
    }
    outer.once('close', () => inner.destroy());
    inner.once('close', () => outer.destroy());
    outer.pipe(inner).pipe(outer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
