// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ApiObject, listAll } from './api-resource.ts';
import type { ApiClient, ApiResponse } from './client.ts';

const resource = { what: 'States', path: '/apis/g/v1/states', metadataOnly: false };

/** Lists from a server that responds with one text. Returns the names of the objects in the order of trimming. */
async function list(text: string) {
  const trimmed: unknown[] = [];
  const client = { request: async () => ({ status: 200, body: undefined, json: text }) } as unknown as ApiClient;
  const trim = (object: ApiObject): ApiObject => {
    trimmed.push(object);
    return object;
  };
  const listed = await listAll(client, resource, { trim, signal: AbortSignal.timeout(60_000) });
  return { listed, trimmed };
}

const state = (name: string, more: object = {}) => ({ apiVersion: 'g/v1', kind: 'State', metadata: { name }, ...more });
/** The keys are sorted, as in an API server's list of custom resources. */
const page = (items: readonly object[]) =>
  JSON.stringify({ apiVersion: 'g/v1', items, kind: 'StateList', metadata: { resourceVersion: '7' } });

describe('a page of a list', () => {
  it('is parsed one object after another', async () => {
    const objects = [state('a'), state('b', { status: { list: [1, [2]] } }), state('c')];
    const { listed, trimmed } = await list(page(objects));
    assert.deepEqual(listed, { objects, version: '7' });
    assert.deepEqual(trimmed, objects);
  });

  it('is complete if an object contains something that looks like the start of an object', async () => {
    const inner = JSON.stringify(state('text')).slice(1);
    const tricky = [
      [state('a', { text: `},{${inner}` })],
      [state('a'), state('b', { status: { items: [{}, state('nested'), state('nested')] } }), state('c')],
      [state('a', { status: [state('x'), state('y')] }), state('b')],
      [state('a'), { kind: 'State', metadata: { name: 'b' } }],
      [{ metadata: { name: 'a' } }, state('b')],
      [state('a', { text: ']}"items":[' })],
      [],
    ];
    for (const objects of tricky) {
      const { listed } = await list(page(objects));
      assert.deepEqual(listed, { objects, version: '7' }, JSON.stringify(objects));
    }
  });

  it('with spaces, or without items, is read', async () => {
    const spaced = JSON.stringify({ items: [state('a')], metadata: { resourceVersion: '7', continue: '' } }, null, 2);
    assert.deepEqual((await list(spaced)).listed, { objects: [state('a')], version: '7' });
    const none = '{"items":null,"metadata":{"resourceVersion":"7"}}';
    assert.deepEqual((await list(none)).listed, { objects: [], version: '7' });
  });

  it('that is cut off or is not a list is refused', async () => {
    const whole = page([state('a'), state('b')]);
    for (const text of [whole.slice(0, -1), whole.slice(0, whole.indexOf('"b"')), `${whole}]`, '{', '']) {
      await assert.rejects(list(text), { code: 'ApiServerMalformed', message: /invalid JSON/ }, text);
    }
    for (const text of ['{}', '[]', page([state('a'), { kind: 'State' }]), page([state('a')]).replace('"7"', '7')]) {
      await assert.rejects(list(text), { code: 'ApiServerMalformed', message: /not a list/ }, text);
    }
  });
});
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
