// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { startProgress } from './print.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 20, written, write: (text: string) => written.push(text) > 0 };
}

test('a terminal shows progress after a second, in a line that fits, and removes it at the end', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const stream = terminal(true);
  {
    using reading = startProgress(stream).begin('reading');
    reading.update('reading Nodes');
    mock.timers.tick(999);
    assert.deepEqual(stream.written, []);
    mock.timers.tick(1);
    reading.update('reading NetworkAttachmentDefinitions');
  }
  mock.timers.reset();
  assert.deepEqual(stream.written, ['\r\u001b[Kreading Nodes', '\r\u001b[Kreading NetworkAtta', '\r\u001b[K']);
});

test('a step that blocks the event loop is shown at once', () => {
  const stream = terminal(true);
  startProgress(stream).begin('reading', true)[Symbol.dispose]();
  assert.deepEqual(stream.written, ['\r\u001b[Kreading', '\r\u001b[K']);
});

test('nothing is shown for a short step, or if the stream is not a terminal', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const [quick, pipe] = [terminal(true), terminal(false)];
  startProgress(quick).begin('reading')[Symbol.dispose]();
  using _reading = startProgress(pipe).begin('reading');
  mock.timers.tick(5_000);
  mock.timers.reset();
  assert.deepEqual([...quick.written, ...pipe.written], []);
});
