// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Lookups } from '../lookups.ts';
import type { KnownObject } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import { type ApiObject, isApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { listAll } from './list-all.ts';
import { refused } from './refused.ts';
import {
  namespaces,
  networkAttachmentDefinitions,
  networkPath,
  policiesIn,
  type WatchedKind,
} from './watched-kinds.ts';
import { acceptFor } from './watched-resource.ts';

/** Looks objects up in the API server, one GET or one list each. */
export function createApiLookups(client: ApiClient, policyNamespace: string): Lookups {
  const read = <Of extends KnownObject['kind']>(kind: Of, object: ApiObject) => {
    const known = readObject(object, policyNamespace)?.known;
    return known?.kind === kind ? (known as Extract<KnownObject, { kind: Of }>) : undefined;
  };
  return {
    async network(namespace, name, signal) {
      if (!isObjectName(namespace) || !isObjectName(name)) return undefined;
      const object = await getOne(client, networkAttachmentDefinitions, networkPath(namespace, name), signal);
      return object && read('NetworkAttachmentDefinition', object)?.value;
    },
    async namespace(name, signal) {
      if (!isObjectName(name)) return undefined;
      const object = await getOne(client, namespaces, `${namespaces.resource.path}/${name}`, signal);
      return object && read('Namespace', object)?.value;
    },
    async policies(signal) {
      const { resource, trim } = policiesIn(policyNamespace);
      const listed = await listAll(client, resource, { trim, signal, timeoutMs }).catch(failed);
      if ('absent' in listed) return [];
      return listed.objects
        .map((object) => read('MacvtapNetworkNodePolicy', object)?.value)
        .filter((p) => p !== undefined);
    },
  };
}

/** The design's bound for what an admission review may wait for. */
const timeoutMs = 1_000;

async function getOne(
  client: ApiClient,
  { resource, trim }: WatchedKind,
  path: string,
  signal: AbortSignal,
): Promise<ApiObject | undefined> {
  const accept = acceptFor(resource, 'get');
  const answer = await client.request('GET', path, undefined, { accept, signal, timeoutMs }).catch(failed);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200 || !isApiObject(answer.body)) return failed(refused(`GET ${path}`, answer));
  return trim(answer.body);
}

function failed(thrown: unknown): never {
  const { message, facts } = MacvtapError.from(thrown);
  throw new MacvtapError('LookupFailed', message, { facts, cause: thrown });
}

/**
 * RFC 1123 subdomain: whatever is no such name names no object, and must not become part of a path (`..`).
 */
function isObjectName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);
}
