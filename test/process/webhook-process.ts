// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdmissionAnswer, AdmissionResponse } from '../../webhook/admission/admission-review.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import type { ImageStart } from '../images/read-start.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

const source = fileURLToPath(new URL('../../webhook/main.ts', import.meta.url));

/** A response over HTTPS, and the serial number of the server's certificate. */
export interface TlsAnswer {
  readonly status: number;
  readonly connection: string | undefined;
  readonly body: string;
  readonly serial: string;
}

/** The real webhook process, with a directory of manifests and separate temporary directories. */
export interface WebhookProcess extends AsyncDisposable {
  readonly manifests: ManifestsDirectory;
  /** The directory of its certificate. */
  readonly certificates: string;
  readonly process: RunningProcess;
  /** Waits until the webhook logs the port for reviews. */
  readonly listening: () => Promise<number>;
  /** Sends a GET for a path of the metrics port. */
  readonly health: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  /** Sends one request on a separate connection. The client trusts the CA in `ca.crt`, or the given CA. */
  readonly post: (path: string, body: string, ca?: string) => Promise<TlsAnswer>;
  readonly review: (verb: 'mutate' | 'validate', nad: object) => Promise<AdmissionResponse>;
}

/** The file that Node.js runs, and its flags. By default, it runs the source without flags. */
type Form = Partial<ImageStart> & { readonly main?: string };

/** Starts the webhook on free ports. */
export async function startWebhook(
  files: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
  prepare: (certificates: string) => Promise<void> = async () => {},
  { main = source, nodeFlags = [], environment = {} }: Form = {},
): Promise<WebhookProcess> {
  await using scope = new AsyncDisposableStack();
  const manifests = scope.use(await ManifestsDirectory.make(files));
  const certificates = await mkdtemp(join(tmpdir(), 'kube-macvtap-certificates-'));
  scope.defer(() => rm(certificates, { recursive: true, force: true }));
  await prepare(certificates);
  const running = scope.use(
    startProcess({
      name: 'webhook',
      command: [
        ...([process.execPath, ...nodeFlags, main] as const),
        ...['--source', `manifests:${manifests.path}`, '--cert-dir', certificates],
        ...['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', ...flags],
      ],
      environment,
    }),
  );
  const portIn = async (message: string) => {
    const line = await running.waitForLine(new RegExp(`"${message}"`));
    return Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1]);
  };
  const listening = () => portIn('reviews are answered');
  const post = async (path: string, body: string, ca?: string) =>
    postOnce(await listening(), path, body, ca ?? (await readFile(join(certificates, 'ca.crt'), 'utf8')));
  const kept = scope.move();
  return {
    manifests,
    certificates,
    process: running,
    listening,
    post,
    async health(path) {
      const answer = await fetch(`http://127.0.0.1:${await portIn('health and metrics are served')}${path}`);
      return { status: answer.status, body: await answer.text() };
    },
    async review(verb, nad) {
      const { status, body } = await post(`/${verb}/network-attachment-definitions?timeout=10s`, reviewText(nad));
      if (status !== 200) throw new Error(`${status}: ${body}`);
      return (JSON.parse(body) as AdmissionAnswer).response;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Returns the review of a new network in the namespace tenant. */
export function reviewText(object: object): string {
  const kind = { kind: 'NetworkAttachmentDefinition' };
  const request = { uid: 'u', kind, operation: 'CREATE', namespace: 'tenant', object };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
}

function postOnce(port: number, path: string, body: string, ca: string): Promise<TlsAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<TlsAnswer>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', servername: 'localhost', port, path, method: 'POST', headers, ca, agent: false };
  let serial = '';
  const asked = request(options, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.once('error', reject);
    answer.once('end', () => {
      const { statusCode: status = 0, headers: answered } = answer;
      resolve({ status, connection: answered.connection, body: Buffer.concat(chunks).toString(), serial });
    });
  });
  asked.once('socket', (socket) => {
    socket.once('secureConnect', () => {
      serial = (socket as unknown as { getPeerCertificate(): { serialNumber: string } }).getPeerCertificate()
        .serialNumber;
    });
  });
  asked.once('error', reject);
  asked.end(body);
  return promise;
}
