// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { faultPoint, readArmed } from './fault-points.ts';

/** A program that reaches the point three times and prints each number synchronously. */
const program = `
  import { writeSync } from 'node:fs';
  import { faultPoint } from ${JSON.stringify(new URL('./fault-points.ts', import.meta.url).href)};
  for (const n of [1, 2, 3]) { faultPoint('file-before-rename'); writeSync(1, String(n)); }
`;

function runWith(fault: string | undefined): { readonly output: string; readonly signal: string | null } {
  const { MACVTAP_TEST_FAULT: _, ...inherited } = process.env;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...inherited, ...(fault !== undefined && { MACVTAP_TEST_FAULT: fault }) },
    encoding: 'utf8',
  });
  return { output: stdout, signal };
}

for (const [fault, output, signal] of [
  [undefined, '123', null],
  ['', '123', null],
  ['file-before-rename', '', 'SIGKILL'],
  ['file-before-rename:3', '12', 'SIGKILL'],
  ['file-before-rename:4', '123', null],
  ['file-after-rename', '123', null],
] as const) {
  const outcome = signal === null ? 'kills nobody' : `kills the process, which got to "${output}"`;
  test(`MACVTAP_TEST_FAULT=${fault ?? '(unset)'} ${outcome}`, () => {
    assert.deepEqual(runWith(fault), { output, signal });
  });
}

for (const text of ['nope', 'file-before-rename:0', 'file-before-rename:x', ':1', 'constructor']) {
  test(`MACVTAP_TEST_FAULT=${text} is refused`, () => {
    assert.throws(() => readArmed(text), /is invalid.*file-before-rename/);
  });
}

test('a point that the variable does not name has no effect', () => {
  faultPoint('file-after-rename');
});
