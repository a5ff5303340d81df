// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ControlPlane } from './control-plane.ts';
import { installationNamespace } from './install.ts';

/** The Service that the shipped webhook configurations name, so that they are tested as they are shipped. */
const name = 'kube-macvtap-webhook';

/** The name that a certificate must have for the API server to accept it behind that Service. */
export const serviceHost = `${name}.${installationNamespace}.svc`;

/** A Service with something behind it. */
export interface PlayedService extends AsyncDisposable {
  /** The ports on 127.0.0.1 that new connections are dealt out to, in turn. */
  targets: readonly number[];
}

/**
 * Plays the Service and kube-proxy on a machine that has no cluster network: the Service is of type ExternalName and
 * names a loopback address of its own, where each connection is forwarded to one of the targets. The API server connects
 * to an ExternalName on the port that the webhook configurations ask for, which is 443 as long as they name none.
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
  // What the chart shipped, if it did, becomes one of this type; its other fields stay.
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

/** Takes port 443 of a loopback address that nobody else has; Linux answers on all of 127.0.0.0/8. */
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
  throw new Error('no loopback address has port 443 to spare');
}
