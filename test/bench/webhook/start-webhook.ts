// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePair } from '../../../certs/make-pair.ts';
import type { Pair } from '../../../certs/pair.ts';
import { readMetrics, type Sample } from '../../apiserver/read-metrics.ts';
import type { WrittenObject } from '../../apiserver-standin/object-store.ts';
import { type RunningProcess, startProcess } from '../../process/start-process.ts';
import type { ProgramForm } from '../program-form.ts';
import { type ServedCluster, serveCluster } from './serve-cluster.ts';

/** A cluster, and what is needed to serve TLS in it. */
export interface WebhookSite extends AsyncDisposable {
  readonly cluster: ServedCluster;
  readonly pair: Pair;
  /** Holds the pair as `tls.crt` and `tls.key`. */
  readonly certFolder: string;
  readonly accountFolder: string;
}

/** A server that answers reviews, in a process of its own. */
export interface ReviewServer extends AsyncDisposable {
  readonly process: RunningProcess;
  /** On 127.0.0.1. */
  readonly port: number;
}

/** The webhook as a pod runs it. */
export interface BenchWebhook extends ReviewServer {
  metrics(): Promise<readonly Sample[]>;
}

export async function makeWebhookSite(objects: readonly WrittenObject[]): Promise<WebhookSite> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-webhook-')));
  const [certFolder, accountFolder] = [join(path, 'certs'), join(path, 'account')];
  for (const folder of [certFolder, accountFolder]) await mkdir(folder);
  const now = Date.now();
  const pair = await makePair({ names: ['127.0.0.1'], notBeforeMs: now - dayMs, notAfterMs: now + dayMs });
  await writeFile(join(certFolder, 'tls.crt'), pair.certPem);
  await writeFile(join(certFolder, 'tls.key'), pair.keyPem);
  const cluster = undo.use(await serveCluster(objects, { pair, accountFolder }));
  const scope = undo.move();
  return { cluster, pair, certFolder, accountFolder, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

const dayMs = 86_400_000;

/** Far more than it takes to read 5,000 nodes. */
const readyMs = 120_000;

/** Starts the webhook and waits until it is ready: everything of the cluster was read, and read without faults. */
export async function startWebhook(
  { cluster, certFolder, accountFolder }: WebhookSite,
  form: ProgramForm,
): Promise<BenchWebhook> {
  await using undo = new AsyncDisposableStack();
  const flags = [
    ...['--source', 'cluster', '--certificates', 'files', '--cert-dir', certFolder],
    ...['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
  ];
  const running = undo.use(
    startProcess({
      name: `webhook, ${form.name}`,
      command: [...inPod(accountFolder), process.execPath, ...form.nodeFlags, form.main, ...flags],
      environment: { ...cluster.environment, ...form.environment },
    }),
  );
  const health = portIn(await running.waitForLine(/health and metrics are served/));
  const port = portIn(await running.waitForLine(/reviews are answered/, readyMs));
  const ask = (path: string) => fetch(`http://127.0.0.1:${health}${path}`);
  const over = AbortSignal.timeout(readyMs);
  while (!(await ask('/readyz')).ok) {
    over.throwIfAborted();
    await sleep(100);
  }
  const told = running.output.split('\n').find((line) => /"level":"(warn|error)"/.test(line));
  if (told !== undefined) throw new Error(`the webhook has something against its cluster: ${told.slice(0, 1_000)}`);
  const scope = undo.move();
  return {
    process: running,
    port,
    metrics: async () => readMetrics(await (await ask('/metrics')).text()),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/**
 * Runs a command with a service account where kubelet mounts it, in a mount namespace of its own; the process stays the
 * one that is started.
 */
function inPod(accountFolder: string): readonly [string, ...string[]] {
  const script = [
    'set -e',
    'account=/var/run/secrets/kubernetes.io/serviceaccount',
    // Over the descriptor: what is mounted may hide the folder.
    'exec 3< "$0"',
    'mount -t tmpfs tmpfs /var/run',
    'mkdir -p "$account"',
    'cp /proc/self/fd/3/* "$account"',
    'exec 3<&-',
    'exec "$@"',
  ];
  return ['unshare', '--mount', 'sh', '-c', script.join('\n'), accountFolder];
}

/** Of a line of the log with an address in it. */
function portIn(line: string): number {
  return Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1]);
}
