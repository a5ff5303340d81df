// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forScreen } from './screen.ts';

const paint = (tone: string, text: string) => `<${tone}>${text}</>`;

test('on a terminal, steps are green and break between words', () => {
  assert.equal(
    forScreen('✓ three node plugins registered resources', { paint, width: 30 }),
    '<good>✓ three node plugins\n  registered resources</>',
  );
});

test('on a terminal, rejections are red, headings of tables are faint, and tables stay whole', () => {
  assert.equal(
    forScreen('error: the policy is wrong\n  NODE  RESOURCE  DEVICES\n  h1    dataplane with a long name', {
      paint,
      width: 20,
    }),
    '<bad>error: the policy is\n  wrong</>\n<faint>  NODE  RESOURCE  DEVICES</>\n  h1    dataplane with a long name',
  );
});

test('elsewhere, text does not change', () => {
  const text =
    '✓ three node plugins registered the resources of the policy, and this line is longer than most terminals are';
  assert.equal(forScreen(text, { paint: (_, plain) => plain, width: undefined }), text);
});
