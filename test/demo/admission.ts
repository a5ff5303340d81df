// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { applyEdits } from '../../cluster/objects/read-object.ts';
import type { Edit } from '../../policy/json.ts';
import { startProcess } from '../process/start-process.ts';
import { patienceMs } from './progress.ts';

/** An object that is sent to a cluster. */
export interface AdmittedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** The API server's result for an object: the stored object, or the message to the client. */
export type Admission =
  | { readonly object: AdmittedObject; readonly warnings: readonly string[] }
  | { readonly denial: string };

/** Calls both webhooks for an object's kind, in the same order as an API server. */
export type Admit = (object: AdmittedObject) => Promise<Admission>;

/** The fields of an AdmissionReview's response that the demo uses. */
interface Response {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly status?: { readonly message?: string };
}

const paths: Readonly<Record<string, string>> = {
  NetworkAttachmentDefinition: 'network-attachment-definitions',
  Pod: 'pods',
};

/** Starts the real webhook with the manifests, and waits until it answers. */
export async function startWebhook(folder: string, undo: AsyncDisposableStack): Promise<Admit> {
  const certificates = join(folder, 'certificates');
  const running = undo.use(
    startProcess({
      name: 'webhook',
      command: [
        process.execPath,
        fileURLToPath(new URL('../../webhook/main.ts', import.meta.url)),
        ...['--source', `manifests:${join(folder, 'manifests')}`, '--cert-dir', certificates],
        ...['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
      ],
    }),
  );
  const line = await running.waitForLine(/reviews are answered/, patienceMs);
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  const ca = await readFile(join(certificates, 'ca.crt'), 'utf8');
  const review = (verb: 'mutate' | 'validate', object: AdmittedObject) =>
    postReview({ port, ca, path: `/${verb}/${paths[object.kind]}` }, object);
  return async (object) => {
    const mutated = await review('mutate', object);
    const made = mutated.patch === undefined ? object : applyEdits(object, decodePatch(mutated.patch));
    const validated = await review('validate', made);
    const warnings = [...(mutated.warnings ?? []), ...(validated.warnings ?? [])];
    return validated.allowed ? { object: made, warnings } : { denial: validated.status?.message ?? '' };
  };
}

function decodePatch(patch: string): readonly Edit[] {
  return JSON.parse(Buffer.from(patch, 'base64').toString());
}

async function postReview(
  to: { readonly port: number; readonly ca: string; readonly path: string },
  object: AdmittedObject,
): Promise<Response> {
  const { kind, metadata } = object;
  const { name, namespace } = metadata;
  const [group, version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: `demo-${name}`, kind: { group, version, kind }, operation: 'CREATE', name, namespace, object },
  };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request(
    { ...to, host: '127.0.0.1', method: 'POST', headers: { 'content-type': 'application/json' } },
    (response) => void text(response).then(resolve, reject),
  )
    .on('error', reject)
    .end(JSON.stringify(review));
  return JSON.parse(await promise).response;
}
