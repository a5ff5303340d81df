// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { isRecord } from '../objects/known-object.ts';
import { type ApiObject, isApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { refused } from './refused.ts';
import { acceptFor, queryFor, type WatchedResource } from './watched-resource.ts';

/** All objects of a resource at one version, or the 404 that says that there is no such resource. */
export type Listed =
  | { readonly objects: readonly ApiObject[]; readonly version: string }
  | { readonly absent: MacvtapError };

export interface ListOptions {
  /** What of an object counts: applied page by page, so that never more than one is held whole. */
  readonly trim: (object: ApiObject) => ApiObject;
  readonly signal: AbortSignal;
  /** For each page. */
  readonly timeoutMs?: number;
}

/**
 * Lists a resource in pages. Raises ApiServerRefused with the fact `status` (410 when the server forgot the list between
 * two pages), ApiServerMalformed, and what the client raises.
 */
export async function listAll(client: ApiClient, resource: WatchedResource, options: ListOptions): Promise<Listed> {
  const { trim, signal, timeoutMs = pageMs } = options;
  const accept = acceptFor(resource, 'list');
  const what = `list of ${resource.what}`;
  const objects: ApiObject[] = [];
  let version = '';
  for (let next: string | undefined = ''; next !== undefined; ) {
    const query = queryFor(resource, { limit: String(pageSize), ...(next !== '' && { continue: next }) });
    const answer = await client.request('GET', `${resource.path}?${query}`, undefined, { accept, signal, timeoutMs });
    if (answer.status === 404) return { absent: refused(`${what}; the resource is not installed`, answer) };
    if (answer.status !== 200) throw withRetryAfter(refused(what, answer), answer.retryAfterMs);
    const page = readPage(what, answer.body);
    objects.push(...page.objects.map(trim));
    ({ version, next } = page);
  }
  return { objects, version };
}

/** As client-go's pager: a page of large objects stays within some megabytes. */
const pageSize = 500;
const pageMs = 30_000;

function readPage(what: string, body: unknown): { objects: ApiObject[]; version: string; next: string | undefined } {
  const { metadata, items = [] } = isRecord(body) ? body : {};
  const { resourceVersion: version, continue: next } = isRecord(metadata) ? metadata : {};
  // Go writes an empty list without a capacity as null.
  const objects: unknown = items ?? [];
  if (typeof version !== 'string' || !Array.isArray(objects) || !objects.every(isApiObject)) {
    throw new MacvtapError('ApiServerMalformed', `${what}: the answer is no list of objects`);
  }
  return { objects, version, next: typeof next === 'string' && next !== '' ? next : undefined };
}

function withRetryAfter(error: MacvtapError, retryAfterMs: number | undefined): MacvtapError {
  if (retryAfterMs === undefined) return error;
  return new MacvtapError(error.code, error.message, { facts: { ...error.facts, retryAfterMs } });
}
