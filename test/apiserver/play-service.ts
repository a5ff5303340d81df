// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ControlPlane } from './control-plane.ts';
import { installationNamespace } from './install.ts';

/** The Service in the webhook configurations of the chart, which are tested unchanged. */
const name = 'kube-macvtap-webhook';

/** The host name of that Service. The API server accepts a certificate only if it contains this name. */
export const serviceHost = `${name}.${installationNamespace}.svc`;

/** A Service that forwards connections. */
export interface PlayedService extends AsyncDisposable {
  /** The ports on 127.0.0.1 to which new connections are forwarded in turn. */
  targets: readonly number[];
}

/**
 * Plays the Service and kube-proxy on a machine without a cluster network. The Service has the type ExternalName. It
 * names a loopback address, at which each connection is forwarded to one of the targets. The API server connects to the
 * port in the webhook configurations, which is 443 by default.
 */
export async function playService(cluster: ControlPlane, targets: readonly number[] = []): Promise<PlayedService> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((socket) => {
    const chosen = played.targets[turn % played.targets.length];
    turn += 1;
    if (chosen === undefined) return void socket.destroy();
    const onward = connect(chosen, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true).pipe(other);
      one.once('error', () => other.destroy());
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  const address = await listenSomewhere(server);
  // If the chart already made the Service, this changes its type and keeps its other fields.
  const path = `/api/v1/namespaces/${installationNamespace}/services/${name}?fieldManager=play-service&force=true`;
  const spec = { type: 'ExternalName', externalName: address };
  await cluster.admin.must('PATCH', path, {
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec },
    contentType: 'application/apply-patch+yaml',
  });
  const played: PlayedService = {
    targets,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  return played;
}

/** Listens on port 443 of an unused loopback address. Linux accepts connections on all of 127.0.0.0/8. */
async function listenSomewhere(server: Server): Promise<string> {
  for (let tries = 0; tries < 256; tries += 1) {
    const address = `127.77.${process.pid % 256}.${(Math.floor(process.pid / 256) + tries) % 256}`;
    try {
      server.listen(443, address);
      await once(server, 'listening');
      return address;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw thrown;
    }
  }
  throw new Error('port 443 is in use at every loopback address');
}
