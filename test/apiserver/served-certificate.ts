// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ControlPlane } from './control-plane.ts';
import { serviceHost } from './play-service.ts';

const configurations = '/apis/admissionregistration.k8s.io/v1';
/** The name of both configurations. */
const name = 'webhook.macvtap.network.kubevirt.io';

interface Configuration {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

/**
 * Returns the PEM bundle of every webhook in both configurations, as the API server has them now. A missing bundle is
 * empty.
 */
export async function publishedBundles(cluster: ControlPlane): Promise<readonly string[]> {
  const kinds = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];
  const read = (kind: string) => cluster.admin.must<Configuration>('GET', `${configurations}/${kind}/${name}`);
  const both = await Promise.all(kinds.map(read));
  return both
    .flatMap(({ webhooks }) => webhooks)
    .map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? '', 'base64').toString());
}

/**
 * Opens a new connection as the API server does, with the published bundle as CA. Returns the serial number of the
 * certificate, or rejects with the TLS error.
 */
export async function servedSerial(port: number, bundle: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername: serviceHost, ca: bundle });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}
