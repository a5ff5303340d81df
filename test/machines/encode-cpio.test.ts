// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCpio } from './encode-cpio.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** The thirteen numbers of a header, each as its digits without leading zeros. */
const header = (...numbers: readonly string[]) => `070701${numbers.map((digits) => digits.padStart(8, '0')).join('')}`;
const trailer = `${header('0', '0', '0', '0', '1', '0', '0', '0', '0', '0', '0', 'b', '0')}TRAILER!!!\0\0\0\0`;

test('an archive of nothing is its trailer, filled up to a multiple of four', () => {
  assert.equal(text(encodeCpio([])), trailer);
  assert.equal(trailer.length % 4, 0);
});

test('a file is its header, its name and its data, each filled up', () => {
  const archive = encodeCpio([{ path: 'a/bc', type: 'file', data: Buffer.from('hello') }]);
  const numbers = ['1', '81a4', '0', '0', '1', '0', '5', '0', '0', '0', '0', '5', '0'];
  assert.equal(text(archive), `${header(...numbers)}a/bc\0\0hello\0\0\0${trailer}`);
});

test('programs, folders, links and terminals differ in mode, data and device', () => {
  const modeAndSize = (record: string) => [record.slice(14, 22), record.slice(54, 62)];
  const device = (record: string) => record.slice(78, 94);
  const [program, folder, link, terminal] = text(
    encodeCpio([
      { path: 'p', type: 'file', data: Buffer.from('x'), isProgram: true },
      { path: 'd', type: 'folder' },
      { path: 'l', type: 'link', target: 'target' },
      { path: 'dev/console', type: 'terminal', major: 5, minor: 1 },
    ]),
  )
    .split(/(?=070701)/)
    .slice(0, 4) as [string, string, string, string];
  assert.deepEqual(modeAndSize(program), ['000081ed', '00000001']);
  assert.deepEqual(modeAndSize(folder), ['000041ed', '00000000']);
  assert.deepEqual(modeAndSize(link), ['0000a1ff', '00000006']);
  assert.ok(link.endsWith('l\0target\0\0'));
  assert.deepEqual(modeAndSize(terminal), ['00002180', '00000000']);
  assert.deepEqual([program, folder, link].map(device), Array(3).fill('0'.repeat(16)));
  assert.equal(device(terminal), '0000000500000001');
});
