// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

// node bare-server-process.ts <folder of tls.crt and tls.key> [<file>]: the smallest server that answers reviews. It
// reads a body, parses it, and answers with the response of the file for its uid, or else allows everything.
const [folder = '', file] = process.argv.slice(2);
const [cert, key] = ['tls.crt', 'tls.key'].map((name) => readFileSync(join(folder, name)));
const responses = new Map<string, object>(file === undefined ? [] : JSON.parse(readFileSync(file, 'utf8')));
const server = createServer({ cert, key, minVersion: 'TLSv1.2', keepAliveTimeout: 120_000 }, (request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { uid } = JSON.parse(Buffer.concat(parts).toString()).request;
    const given = responses.get(uid) ?? { allowed: true };
    const answer = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...given } };
    const text = JSON.stringify(answer);
    response
      .writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
      .end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${(server.address() as AddressInfo).port}`));
process.on('SIGTERM', () => process.exit());
