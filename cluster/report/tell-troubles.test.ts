// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { tellTroubles } from './tell-troubles.ts';

function start() {
  const told: (string | undefined)[] = [];
  return { told, troubles: tellTroubles((error) => told.push(error?.message)) };
}
const refused = (what: string) => new MacvtapError('ApiServerRefused', `apply ${what}: 403`);
const away = (what: string) => new MacvtapError('ApiServerUnreachable', `PATCH ${what}: ECONNREFUSED`);

test('a trouble is told once for as long as it stays, and that none is left, whatever becomes of others', () => {
  const { told, troubles } = start();
  troubles.ended('good');
  troubles.failed('a', refused('a'));
  troubles.ended('good');
  troubles.failed('a', refused('a'));
  troubles.failed('b', refused('b'));
  troubles.ended('a');
  assert.deepEqual(told, ['apply a: 403', 'apply b: 403']);
  troubles.ended('b');
  troubles.failed('a', refused('a'));
  assert.deepEqual(told.slice(2), [undefined, 'apply a: 403']);
});

test('a server that is away is one trouble for all', () => {
  const { told, troubles } = start();
  for (const id of ['a', 'b', 'c']) troubles.failed(id, away(id));
  for (const id of ['a', 'b', 'c']) troubles.ended(id);
  assert.deepEqual(told, ['PATCH a: ECONNREFUSED', undefined]);
});
