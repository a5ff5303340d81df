// SPDX-License-Identifier: Apache-2.0
import type { ApiCall } from '../../apiserver-standin/read-request.ts';
import type { Interception, StandInApiServer } from '../../apiserver-standin/start-api-server.ts';

/** A request for a page of a list, as a client sent it. */
export interface PageRequest {
  /** @example '/api/v1/nodes?limit=500' */
  readonly path: string;
  readonly accept: string;
}

/** Lets the server answer lists from memory. */
export interface ServedPages {
  /** Returns the requests since the last call. */
  takeRequests(): readonly PageRequest[];
}

/**
 * Lets the stand-in answer each list with text that it makes once, so that its own work hardly affects what a client
 * measures. The stand-in does not know selectors, so they are applied here. The objects must not change.
 */
export function servePages(server: StandInApiServer): ServedPages {
  const answers = new Map<string, string>();
  let requests: PageRequest[] = [];
  server.intercept((call): Interception | undefined => {
    const { method, name, query, metadataOnly } = call;
    const path = server.requests.at(-1)?.replace(/^\w+ /, '') ?? '';
    // The stand-in would store the policy of a dry run.
    if (query.has('dryRun')) return { status: 201, body: {} };
    if (method !== 'GET' || name !== undefined || query.get('watch') !== null) return undefined;
    requests.push({ path, accept: metadataOnly ? metadataAccept : 'application/json' });
    const key = `${path} ${metadataOnly}`;
    return { status: 200, body: answers.getOrInsertComputed(key, () => makePage(server, call)) };
  });
  return {
    takeRequests() {
      const taken = requests;
      requests = [];
      return taken;
    },
  };
}

const metadataAccept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

function makePage({ store }: StandInApiServer, { kind, namespace, query, metadataOnly }: ApiCall): string {
  const found = [...store.objects.values()].filter(
    (object) =>
      object.kind === kind &&
      (namespace === undefined || object.metadata.namespace === namespace) &&
      selectorOf(query, 'fieldSelector').every(([path, value]) => String(fieldOf(object, path.split('.'))) === value) &&
      selectorOf(query, 'labelSelector').every(
        ([key, value]) => fieldOf(object, ['metadata', 'labels', key]) === value,
      ),
  );
  const start = Number(query.get('continue') ?? 0);
  const end = start + Number(query.get('limit') ?? found.length);
  const metadata = { resourceVersion: String(store.version), ...(end < found.length && { continue: String(end) }) };
  const items = found
    .slice(start, end)
    .map(({ apiVersion: _, kind: __, ...rest }) => (metadataOnly ? { metadata: rest.metadata } : rest));
  return JSON.stringify({ kind: `${kind}List`, metadata, items });
}

/** @example 'a=1,b=2' is [['a', '1'], ['b', '2']] */
function selectorOf(query: URLSearchParams, name: 'fieldSelector' | 'labelSelector'): readonly [string, string][] {
  const text = query.get(name) ?? '';
  return text === '' ? [] : text.split(',').map((part) => part.split('=') as [string, string]);
}

function fieldOf(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], object);
}
