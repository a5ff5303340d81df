// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { refused } from './api-errors.ts';
import { type ApiClient, parseJson } from './client.ts';

/** An object in a response of the API server. */
export interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** Returns whether a value has the fields that every API object has. */
export function isApiObject(value: unknown): value is ApiObject {
  return isJsonObject(value) && isJsonObject(value.metadata) && typeof value.metadata.name === 'string';
}

/** Returns `namespace/name`, or only the name for a cluster-scoped object. */
export function keyOf({ metadata: { namespace, name } }: ApiObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/**
 * Returns whether a text is an RFC 1123 subdomain, which every object name is. Any other text must not become part of a
 * URL path, because it may contain `..`.
 */
export function isObjectName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);
}

/** Formats a time like metav1.Time, in whole seconds. */
export function toMetaTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A collection of the API, or the part of it that the selectors match. */
export interface WatchedResource {
  /** The name in messages. @example 'Nodes' */
  readonly what: string;
  /** @example '/api/v1/nodes' */
  readonly path: string;
  /** @example 'metadata.name=worker-1' */
  readonly fieldSelector?: string;
  /** @example 'app.kubernetes.io/name=kube-macvtap' */
  readonly labelSelector?: string;
  /**
   * Whether to request only the metadata. The rest of a Node is large and changes every few seconds, but is not used.
   */
  readonly metadataOnly: boolean;
  /** The number of objects in a page of a list. Large objects need small pages, because a page is parsed as a whole. */
  readonly pageSize?: number;
}

export function queryFor(resource: WatchedResource, query: Readonly<Record<string, string>>): string {
  const { fieldSelector, labelSelector } = resource;
  return new URLSearchParams({
    ...query,
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(labelSelector !== undefined && { labelSelector }),
  }).toString();
}

/**
 * Returns the Accept header. A server without support for metadata-only responses sends complete objects. Source:
 * metav1.PartialObjectMetadata.
 */
export function acceptFor(
  { metadataOnly }: Pick<WatchedResource, 'metadataOnly'>,
  verb: 'list' | 'watch' | 'get',
): string {
  const form = verb === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return metadataOnly ? `application/json;as=${form};g=meta.k8s.io;v=v1,application/json` : 'application/json';
}

/** All objects of a resource at one version. If the resource is not installed, the 404 error. */
export type Listed =
  | { readonly objects: readonly ApiObject[]; readonly version: string }
  | { readonly absent: MacvtapError };

export interface ListOptions {
  /**
   * Reduces an object to the fields that are used. This happens page by page, so that memory holds only one page of
   * complete objects.
   */
  readonly trim: (object: ApiObject) => ApiObject;
  readonly signal: AbortSignal;
  /** The time limit for each page. */
  readonly timeoutMs?: number;
}

/**
 * Lists a resource in pages. Raises ApiServerRefused, ApiServerMalformed, and the errors of the client. `facts.status`
 * of ApiServerRefused is 410 if the server dropped the list between two pages.
 */
export async function listAll(client: ApiClient, resource: WatchedResource, options: ListOptions): Promise<Listed> {
  const { trim, signal, timeoutMs = pageMs } = options;
  const { pageSize = usualPageSize } = resource;
  const accept = acceptFor(resource, 'list');
  const what = `list of ${resource.what}`;
  const objects: ApiObject[] = [];
  let version = '';
  for (let next: string | undefined = ''; next !== undefined; ) {
    const query = queryFor(resource, { limit: String(pageSize), ...(next !== '' && { continue: next }) });
    const path = `${resource.path}?${query}`;
    const answer = await client.request('GET', path, undefined, { accept, signal, timeoutMs, asText: true });
    if (answer.status === 404) return { absent: refused(`${what}; the resource is not installed`, answer) };
    if (answer.status !== 200) throw withRetryAfter(refused(what, answer), answer.retryAfterMs);
    const page = answer.json === undefined ? readPage(what, answer.body, trim) : parsePage(what, answer.json, trim);
    objects.push(...page.objects);
    ({ version, next } = page);
  }
  return { objects, version };
}

/** The page size of client-go's pager. */
const usualPageSize = 500;
const pageMs = 30_000;

/** A page of a list, with trimmed objects. */
interface Page {
  readonly objects: readonly ApiObject[];
  readonly version: string;
  /** The continue token, if more pages follow. */
  readonly next: string | undefined;
}

type Trim = ListOptions['trim'];

/**
 * Parses a page one object after another. Each object is trimmed before the next one is parsed, so its garbage is
 * collected while it is young and cheap to collect.
 *
 * The text is split where an object starts like the first one, with the same apiVersion and kind. If the text around
 * the objects and every part of it are valid JSON by themselves, this gives the same objects as parsing the whole text.
 * Otherwise, the whole text is parsed.
 */
function parsePage(what: string, text: string, trim: Trim): Page {
  const start = text.indexOf(itemsStart) + itemsStart.length;
  const end = text.lastIndexOf(']');
  const head = /^\{"apiVersion":"[^"\\]*","kind":"[^"\\]*","metadata":/.exec(
    text.slice(start, start + longestHead),
  )?.[0];
  if (start >= itemsStart.length && end > start && head !== undefined) {
    try {
      const list: unknown = JSON.parse(text.slice(0, start) + text.slice(end));
      const objects: ApiObject[] = [];
      for (let at = start; at < end; ) {
        const next = text.indexOf(`,${head}`, at);
        const stop = next < 0 || next > end ? end : next;
        objects.push(trimOne(what, JSON.parse(text.slice(at, stop)), trim));
        at = stop + 1;
      }
      return { ...readListHead(what, list), objects };
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
  }
  return readPage(what, parseJson(what, text), trim);
}

const itemsStart = '"items":[';
/** More characters than an apiVersion and a kind have. */
const longestHead = 512;

function readPage(what: string, body: unknown, trim: Trim): Page {
  const { items = [] } = isJsonObject(body) ? body : {};
  // Go encodes a nil slice as null.
  const objects: unknown = items ?? [];
  if (!Array.isArray(objects)) throw notAList(what);
  const page = readListHead(what, body);
  return { ...page, objects: objects.map((object: unknown) => trimOne(what, object, trim)) };
}

function readListHead(what: string, body: unknown): Pick<Page, 'version' | 'next'> {
  const { metadata } = isJsonObject(body) ? body : {};
  const { resourceVersion: version, continue: next } = isJsonObject(metadata) ? metadata : {};
  if (typeof version !== 'string') throw notAList(what);
  return { version, next: typeof next === 'string' && next !== '' ? next : undefined };
}

function trimOne(what: string, object: unknown, trim: Trim): ApiObject {
  if (!isApiObject(object)) throw notAList(what);
  return trim(object);
}

function notAList(what: string): MacvtapError {
  return new MacvtapError('ApiServerMalformed', `${what}: the response is not a list of objects`);
}

function withRetryAfter(error: MacvtapError, retryAfterMs: number | undefined): MacvtapError {
  if (retryAfterMs === undefined) return error;
  return new MacvtapError(error.code, error.message, { facts: { ...error.facts, retryAfterMs } });
}
