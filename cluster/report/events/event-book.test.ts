// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aboutNode, type ClusterEvent } from './cluster-event.ts';
import { createEventBook, type EventBook, type EventLimits, eventLimits } from './event-book.ts';

const limits: EventLimits = {
  object: { burst: 3, refillMs: 1_000 },
  overall: { burst: 100, refillMs: 10 },
  most: 10,
  mostWaiting: 5,
  windowMs: 60_000,
};

function eventOn(node: string): ClusterEvent {
  return {
    type: 'Warning',
    reason: 'AllocateFailed',
    action: 'Allocate',
    regarding: aboutNode(node),
    note: 'no parent',
  };
}

/** Takes and writes all events that are due, like a recorder. */
function writeAll(book: EventBook, nowMs: number) {
  const writes = [];
  for (let write = book.take(nowMs); write !== undefined; write = book.take(nowMs)) {
    book.written(write, (write.known ?? 0) + write.more);
    writes.push(write);
  }
  return writes;
}

describe('a book of events', () => {
  it('returns a new event at once, and then only the increased count of its repetitions', () => {
    const book = createEventBook(limits);
    book.observe('a', eventOn('h1'), 100);
    assert.equal(book.waitMs(100), 0);
    assert.deepEqual(writeAll(book, 100), [
      { name: 'a', event: eventOn('h1'), known: undefined, more: 1, firstMs: 100, lastMs: 100, tries: 0 },
    ]);
    assert.equal(book.waitMs(100), undefined);
    for (const at of [200, 300, 400]) book.observe('a', eventOn('h1'), at);
    assert.deepEqual(writeAll(book, 500), [
      { name: 'a', event: eventOn('h1'), known: 1, more: 3, firstMs: 200, lastMs: 400, tries: 0 },
    ]);
  });

  it('delays events above the limit of an object, keeps their count, and does not delay others', () => {
    const book = createEventBook(limits);
    const counts = [];
    for (let at = 0; at < 10; at += 1) {
      book.observe('flapping', eventOn('h1'), at);
      counts.push(...writeAll(book, at).map(({ more }) => more));
    }
    assert.deepEqual(counts, [1, 1, 1]);
    book.observe('other', eventOn('h2'), 10);
    assert.deepEqual(
      writeAll(book, 10).map(({ name }) => name),
      ['other'],
    );
    const waitMs = book.waitMs(10) ?? 0;
    assert.deepEqual(writeAll(book, 10 + waitMs - 1), []);
    assert.deepEqual(
      writeAll(book, 10 + waitMs).map(({ known, more }) => [known, more]),
      [[3, 7]],
    );
  });

  it('delays events that exceed the overall limit', () => {
    const book = createEventBook({ ...limits, overall: { burst: 2, refillMs: 100 } });
    for (const node of ['h1', 'h2', 'h3']) book.observe(node, eventOn(node), 0);
    assert.equal(writeAll(book, 0).length, 2);
    assert.equal(book.waitMs(0), 100);
    assert.equal(writeAll(book, 100).length, 1);
  });

  it('keeps an event that could not be written, with its count, and returns its token to the limits', () => {
    const book = createEventBook(limits);
    for (let at = 0; at < 20; at += 1) {
      book.observe('a', eventOn('h1'), at);
      const write = book.take(at);
      assert.equal(write?.more, at + 1);
      book.putBack(write);
    }
    assert.deepEqual(
      writeAll(book, 20).map(({ more, firstMs, lastMs }) => [more, firstMs, lastMs]),
      [[20, 0, 19]],
    );
  });

  it('counts repetitions during a write', () => {
    const book = createEventBook(limits);
    book.observe('a', eventOn('h1'), 0);
    const write = book.take(0);
    book.observe('a', eventOn('h1'), 1);
    assert.ok(write);
    book.written(write, 1);
    assert.deepEqual(
      writeAll(book, 2).map(({ known, more }) => [known, more]),
      [[1, 1]],
    );
  });

  it('drops events beyond its bounds, and counts the dropped events', () => {
    const book = createEventBook(limits);
    for (let at = 0; at < 8; at += 1) book.observe(`h1-${at}`, eventOn('h1'), 0);
    assert.equal(book.takeDropped(), 3);
    for (let at = 0; at < 8; at += 1) book.observe(`n${at}`, eventOn(`n${at}`), 0);
    assert.equal(book.takeDropped(), 3);
    assert.equal(book.takeDropped(), 0);
  });

  it('forgets written events to make room for unwritten ones, the oldest first', () => {
    const book = createEventBook(limits);
    for (let at = 0; at < 10; at += 1) book.observe(`n${at}`, eventOn(`n${at}`), 0);
    writeAll(book, 0);
    book.observe('n10', eventOn('n10'), 1);
    assert.deepEqual([writeAll(book, 1).length, book.takeDropped()], [1, 0]);
    book.observe('n0', eventOn('n0'), 2);
    assert.equal(book.take(2)?.known, undefined);
  });

  it('forgets events that have not happened again within the window, even if they still wait', () => {
    const book = createEventBook({ ...limits, object: { burst: 1, refillMs: 1_000_000 } });
    book.observe('a', eventOn('h1'), 0);
    book.observe('b', eventOn('h1'), 0);
    assert.equal(writeAll(book, 0).length, 1);
    assert.deepEqual(writeAll(book, 60_000), []);
    assert.deepEqual([book.takeDropped(), book.waitMs(60_000)], [1, undefined]);
  });

  it('drops a refused event, but not its repetitions since the write', () => {
    const book = createEventBook(limits);
    book.observe('a', eventOn('h1'), 0);
    const write = book.take(0);
    assert.ok(write);
    book.observe('a', eventOn('h1'), 1);
    book.drop(write);
    assert.equal(book.takeDropped(), 1);
    assert.equal(book.take(2)?.more, 1);
  });
});

describe('a flood of 10,000 events', () => {
  /** Observes ten events a second until all have happened. Returns the writes and the number of dropped events. */
  function flood(nameOf: (at: number) => string, nodeOf: (at: number) => string) {
    const book = createEventBook();
    const writes = [];
    for (let at = 0; at < 10_000; at += 1) {
      book.observe(nameOf(at), eventOn(nodeOf(at)), at * 100);
      writes.push(...writeAll(book, at * 100));
    }
    return { writes, dropped: book.takeDropped() };
  }
  const lastedMs = 10_000 * 100;

  it('that are equal causes as many writes as the limit of one object allows', () => {
    const { writes, dropped } = flood(
      () => 'a',
      () => 'h1',
    );
    const { burst, refillMs } = eventLimits.object;
    assert.equal(writes.length, burst + Math.floor(lastedMs / refillMs));
    assert.equal(dropped, 0);
  });

  it('that all differ, but are about one object, causes no more writes than that', () => {
    const { writes, dropped } = flood(
      (at) => `e${at}`,
      () => 'h1',
    );
    assert.ok(writes.length <= eventLimits.object.burst + lastedMs / eventLimits.object.refillMs, `${writes.length}`);
    assert.ok(dropped > 9_900, `${dropped}`);
  });

  it('about 1,000 objects causes as many writes as the overall limit allows', () => {
    const { writes } = flood(
      (at) => `e${at % 1_000}`,
      (at) => `n${at % 1_000}`,
    );
    const most = eventLimits.overall.burst + lastedMs / eventLimits.overall.refillMs;
    assert.ok(writes.length <= most && writes.length > most - 100, `${writes.length} of ${most}`);
  });
});
