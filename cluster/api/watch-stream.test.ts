// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { defaultTimings, readWatchEvent, watchSeconds } from './watch-stream.ts';

const object = { metadata: { name: 'h1', resourceVersion: '7' } };
const read = (event: unknown) => readWatchEvent(JSON.stringify(event));

describe('a line of a watch', () => {
  it('sets an added or modified object, or deletes an object', () => {
    assert.deepEqual(read({ type: 'ADDED', object }), { type: 'set', object, resourceVersion: '7' });
    assert.deepEqual(read({ type: 'MODIFIED', object }), { type: 'set', object, resourceVersion: '7' });
    assert.deepEqual(read({ type: 'DELETED', object }), { type: 'delete', object, resourceVersion: '7' });
  });

  it('may be a bookmark, which has only a version', () => {
    const bookmark = { type: 'BOOKMARK', object: { kind: 'Node', metadata: { resourceVersion: '9' } } };
    assert.deepEqual(read(bookmark), { type: 'bookmark', resourceVersion: '9' });
  });

  it('may be an error with the status and the text of the server', () => {
    const expired = { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } };
    assert.deepEqual(read(expired), { type: 'error', status: 410, message: 'too old resource version' });
    assert.deepEqual(read({ type: 'ERROR', object: { reason: 'Expired' } }), {
      type: 'error',
      status: 500,
      message: 'Expired',
    });
  });

  const hostile = [
    '{"type":"ADDED"',
    'null',
    '[]',
    '{}',
    '{"type":"ADDED","object":null}',
    '{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}',
    '{"type":"ADDED","object":{"metadata":{"name":"a"}}}',
    '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":""}}}',
    '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":5}}}',
    '{"type":"RENAMED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}',
  ];
  for (const line of hostile) {
    it(`is malformed: ${line}`, () => assert.equal(readWatchEvent(line).type, 'malformed'));
  }

  it('is read without an exception if its text is a list that is 20,000 levels deep', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    assert.deepEqual(readWatchEvent(`{"type":"ERROR","object":{"code":${deep},"message":${deep}}}`), {
      type: 'error',
      status: 500,
      message: 'a list',
    });
    assert.equal(readWatchEvent(`{"type":${deep},"object":${JSON.stringify(object)}}`).type, 'malformed');
  });

  it('never causes an exception, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        assert.ok(readWatchEvent(line).type.length > 0);
      }),
    );
  });
});

const never = () => 0;
const always = () => 1;

describe('the length of a watch', () => {
  it('is a random time from five to ten minutes', () => {
    assert.deepEqual(
      [never, always].map((random) => watchSeconds(defaultTimings, random)),
      [300, 600],
    );
  });

  it('is never 0, which an API server replaces with its default', () => {
    assert.equal(watchSeconds({ ...defaultTimings, watchMs: 1 }, never), 1);
  });
});
