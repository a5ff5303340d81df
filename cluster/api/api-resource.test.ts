// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ApiObject, listAll } from './api-resource.ts';
import type { ApiClient, ApiResponse } from './client.ts';

const resource = { what: 'Nodes', path: '/api/v1/nodes', metadataOnly: false };
const { signal } = new AbortController();

/** Returns a client that answers with these pages, and records what happens in which order. */
function answering(...pages: readonly (readonly string[] | ApiResponse)[]) {
  const events: string[] = [];
  const request: ApiClient['request'] = async (_, path) => {
    const number = Number(new URL(path, 'http://server').searchParams.get('continue') ?? 0);
    events.push(`page ${number}`);
    const page = pages[number] as (typeof pages)[number];
    if ('status' in page) return page;
    const items = page.map((name) => ({ metadata: { name } }));
    const metadata = { resourceVersion: '7', ...(number + 1 < pages.length && { continue: String(number + 1) }) };
    return { status: 200, body: { metadata, items } };
  };
  const trim = (object: ApiObject) => {
    events.push(object.metadata.name);
    return object;
  };
  const list = () => listAll({ request } as ApiClient, resource, { trim, signal });
  return { events, list };
}

describe('a list in pages', () => {
  it('has the objects of all pages in order', async () => {
    const listed = await answering(['a', 'b'], ['c'], []).list();
    assert.ok('objects' in listed);
    assert.deepEqual([listed.objects.map(({ metadata }) => metadata.name), listed.version], [['a', 'b', 'c'], '7']);
  });

  it('requests the next page before it reduces the objects of a page', async () => {
    const { events, list } = answering(['a', 'b'], ['c']);
    await list();
    assert.deepEqual(events, ['page 0', 'page 1', 'a', 'b', 'c']);
  });

  it('fails with the error of a later page, after a server dropped the list', async () => {
    const gone = { status: 410, body: { kind: 'Status', message: 'The provided continue parameter is too old' } };
    await assert.rejects(answering(['a'], gone).list(), { code: 'ApiServerRefused', message: /410/ });
  });
});
