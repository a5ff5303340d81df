// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createObjectStore, type ObjectStore, type StoredEvent, type StoredObject, storeKey } from './object-store.ts';
import { type ApiCall, readRequest } from './read-request.ts';

/**
 * A stand-in for an API server. It supports list, watch and writes for a few kinds over plain HTTP, and failures on
 * demand.
 */
export interface StandInApiServer extends AsyncDisposable {
  readonly url: string;
  readonly store: ObjectStore;
  /** Every request so far, such as `GET /api/v1/nodes?limit=500`. */
  readonly requests: readonly string[];
  /** The number of open watches. */
  readonly watches: number;
  /** Calls `answer` for each request. The result replaces the server's response, unless it is undefined. */
  intercept(answer: ((call: ApiCall) => Interception | undefined) | undefined): void;
  /** Ends every watch, either in an orderly way or by cutting its socket. */
  endWatches(how: 'end' | 'cut'): void;
  /** Sends any line over every watch. */
  sendLine(line: string): void;
  sendBookmarks(): void;
  /** Silences all open watches although their sockets stay open, as when the network path to the server is broken. */
  silenceWatches(): void;
  /** Stops the server: cuts every socket, and refuses connections to the port. */
  stop(): Promise<void>;
  /** Starts the server again on the same port, with the same objects. */
  start(): Promise<void>;
}

export type Interception =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | 'hang'
  | 'reset';

interface OpenWatch {
  readonly call: ApiCall;
  readonly response: ServerResponse;
  silent: boolean;
}

/** The answers about the server itself: it has dynamic resource allocation. */
const fixedAnswers: Readonly<Record<string, object>> = {
  '/version': { major: '1', minor: '37' },
  '/apis/resource.k8s.io/v1': { kind: 'APIResourceList', groupVersion: 'resource.k8s.io/v1', resources: [] },
};

export async function startApiServer(): Promise<StandInApiServer> {
  const store = createObjectStore();
  const requests: string[] = [];
  const watches = new Set<OpenWatch>();
  const sockets = new Set<Socket>();
  let interception: ((call: ApiCall) => Interception | undefined) | undefined;

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const call = readRequest(request);
    const instead = call && interception?.(call);
    if (instead === 'hang') return;
    if (instead === 'reset') return void request.socket.destroy();
    if (instead !== undefined) return answer(response, instead.status, instead.body, instead.headers);
    const fixed = fixedAnswers[request.url ?? ''];
    if (fixed !== undefined) return answer(response, 200, fixed);
    if (call === undefined)
      return answer(response, 404, status(404, 'the server could not find the requested resource'));
    if (call.method !== 'GET') return void write(store, call, request, response);
    if (call.name !== undefined) return read(store, call, response);
    if (call.query.get('watch') === null) return list(store, call, response);
    openWatch(store, watches, { call, response, silent: false });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  store.onEvent((event) => {
    for (const watch of watches) sendEvent(watch, event);
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const port = await listen(0);
  const send = (line: (watch: OpenWatch) => string): void => {
    for (const watch of watches) if (!watch.silent) watch.response.write(`${line(watch)}\n`);
  };
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    requests,
    get watches() {
      return watches.size;
    },
    intercept: (answer) => {
      interception = answer;
    },
    endWatches: (how) => {
      for (const watch of [...watches]) {
        // Nothing can be written to the watch from now on, although its socket closes later.
        watches.delete(watch);
        if (how === 'end') watch.response.end();
        else watch.response.destroy();
      }
    },
    sendLine: (line) => send(() => line),
    sendBookmarks: () =>
      send(({ call }) => {
        const object = { kind: call.kind, metadata: { resourceVersion: String(store.version) } };
        return JSON.stringify({ type: 'BOOKMARK', object });
      }),
    silenceWatches: () => {
      for (const watch of watches) watch.silent = true;
    },
    stop,
    start: async () => void (await listen(port)),
    [Symbol.asyncDispose]: stop,
  };
}

function isOf(object: StoredObject, { kind, namespace, name, query }: ApiCall): boolean {
  const [, field] = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '') ?? [];
  const wanted = name ?? field;
  return (
    object.kind === kind &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (wanted === undefined || object.metadata.name === wanted)
  );
}

/**
 * Lists objects in pages, in the order of their keys. The continue token is the number of objects on the previous
 * pages.
 */
function list(store: ObjectStore, call: ApiCall, response: ServerResponse): void {
  const all = [...store.objects].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, object]) => object);
  const found = all.filter((object) => isOf(object, call));
  const start = Number(call.query.get('continue') ?? 0);
  const end = start + Number(call.query.get('limit') ?? found.length);
  const metadata = {
    resourceVersion: String(store.version),
    ...(end < found.length && { continue: String(end) }),
  };
  const items = found.slice(start, end).map((object) => shown(object, call, false));
  answer(response, 200, { kind: `${call.kind}List`, metadata, items });
}

function read(store: ObjectStore, call: ApiCall, response: ServerResponse): void {
  const found = [...store.objects.values()].find((object) => isOf(object, call));
  if (found === undefined) answer(response, 404, status(404, `${call.kind} "${call.name}" not found`));
  else answer(response, 200, shown(found, call, true));
}

function openWatch(store: ObjectStore, watches: Set<OpenWatch>, watch: OpenWatch): void {
  const { call, response } = watch;
  const missed = store.since(Number(call.query.get('resourceVersion')));
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  if (missed === undefined) {
    const object = status(410, 'too old resource version');
    return void response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
  }
  watches.add(watch);
  const timer = setTimeout(() => response.end(), Number(call.query.get('timeoutSeconds')) * 1_000);
  response.once('close', () => {
    clearTimeout(timer);
    watches.delete(watch);
  });
  for (const event of missed) sendEvent(watch, event);
}

function sendEvent({ call, response, silent }: OpenWatch, { type, object }: StoredEvent): void {
  if (silent || !isOf(object, call)) return;
  response.write(`${JSON.stringify({ type, object: shown(object, call, true) })}\n`);
}

/**
 * Returns an object as it is sent. Objects in lists have no kind, and objects with only metadata have a special kind.
 */
function shown(object: StoredObject, { metadataOnly }: ApiCall, alone: boolean): object {
  const { apiVersion, kind, ...rest } = object;
  if (metadataOnly) {
    return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  }
  return alone ? { apiVersion, kind, ...rest } : rest;
}

async function write(
  store: ObjectStore,
  call: ApiCall,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const before = [...store.objects.values()].find((object) => call.name !== undefined && isOf(object, call));
  if (call.method === 'DELETE') {
    if (before === undefined) return answer(response, 404, status(404, 'not found'));
    store.remove(storeKey(before));
    return answer(response, 200, status(200, 'deleted'));
  }
  const sent = JSON.parse(Buffer.concat(parts).toString());
  if (call.method === 'PATCH' && call.contentType === 'application/apply-patch+yaml') {
    if (before === undefined && call.subresource !== undefined) return answer(response, 404, status(404, 'not found'));
    const isStatus = call.subresource === 'status';
    const merged = isStatus
      ? { ...before, status: sent.status }
      : { ...before, ...sent, metadata: { ...before?.metadata, ...sent.metadata }, status: before?.status };
    const isSame = JSON.stringify(merged) === JSON.stringify(before);
    return answer(response, before === undefined ? 201 : 200, isSame ? before : store.put(merged));
  }
  if (call.method === 'PATCH' && call.contentType === 'application/merge-patch+json') {
    if (before === undefined) return answer(response, 404, status(404, 'not found'));
    const isSame = Object.keys(sent).length === 0;
    return answer(response, 200, isSame ? before : store.put(mergePatch(before, sent)));
  }
  if (call.method === 'PUT') {
    if (before === undefined) return answer(response, 404, status(404, 'not found'));
    const isOld = sent.metadata.resourceVersion !== before.metadata.resourceVersion;
    if (isOld) return answer(response, 409, status(409, 'the object has been modified'));
    return answer(response, 200, store.put(sent));
  }
  if (call.method === 'POST') {
    if (store.get(storeKey(sent)) !== undefined) return answer(response, 409, status(409, 'it exists already'));
    return answer(response, 201, store.put(sent));
  }
  answer(response, 405, status(405, 'the stand-in cannot do this'));
}

/** Applies a merge patch (RFC 7396), as far as tests need it: members are replaced as a whole. */
function mergePatch(before: StoredObject, sent: object): StoredObject {
  return { ...before, ...sent, metadata: before.metadata };
}

function answer(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function status(code: number, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: code < 400 ? 'Success' : 'Failure', code, message };
}
