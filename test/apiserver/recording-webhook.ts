// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { serviceHost } from './play-service.ts';

/** A request that the recorder received. */
export interface RecordedReview {
  /** The path, such as `/validate/pods`. */
  readonly path: string;
  readonly operation: string;
  readonly name: string;
}

/** A webhook that allows everything and records its requests. */
export interface RecordingWebhook extends AsyncDisposable {
  readonly port: number;
  /** The certificate that the webhook presents, base64-encoded as in a caBundle. */
  readonly caBundle: string;
  /** Returns the requests since the last call. */
  take(): readonly RecordedReview[];
}

export async function startRecordingWebhook(): Promise<RecordingWebhook> {
  const pair = await generate([{ name: 'commonName', value: 'recorder' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: serviceHost }] },
    ],
  });
  let reviews: RecordedReview[] = [];
  const server = createServer({ key: pair.private, cert: pair.cert }, async (request, response) => {
    const review = JSON.parse(await text(request));
    const { uid, operation, name, object, oldObject } = review.request;
    const [path = ''] = (request.url ?? '').split('?');
    reviews.push({ path, operation, name: name || (object ?? oldObject).metadata.name });
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid, allowed: true } }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    caBundle: Buffer.from(pair.cert).toString('base64'),
    take() {
      const taken = reviews;
      reviews = [];
      return taken;
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
