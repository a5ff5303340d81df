// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inventPair } from '../test/fixtures/certs/invented-pair.ts';
import { authoritiesOf } from './certificate-state.ts';
import { type Decision, decideRenewal, type RenewalFacts } from './decide-renewal.ts';

const settings = { lifetimeMs: 900, renewBeforeMs: 300, overlapMs: 10 };
const at = (ms: number) => ({ earliestMs: ms, latestMs: ms });

/** A pair that expires at 1000 and is due for renewal at 700. */
const current = inventPair('current', { notBeforeMs: 100, notAfterMs: 1_000 });
const next = inventPair('next', { notBeforeMs: 800, notAfterMs: 1_700 });
const old = inventPair('old', { notAfterMs: 900 }).authority;
const foreign = inventPair('foreign', { names: ['elsewhere'], notAfterMs: 1_000 });

const calm: RenewalFacts = {
  stored: { current, older: [] },
  last: { current, older: [] },
  served: current,
  published: [],
  now: at(500),
  publishedForMs: () => 0,
  names: ['webhook'],
  settings,
};
const blank = { last: { older: [] }, served: undefined };

/** Formats a decision with names instead of pairs: `publish-next current=current next=fresh(webhook) older=old`. */
function tell(decision: Decision): string {
  if (decision.action === 'keep') return `keep for ${decision.waitMs}`;
  const { action, state, fresh } = decision;
  const made = fresh && `fresh(${fresh.names})`;
  const parts = {
    current: fresh?.as === 'current' ? made : state.current?.serial,
    next: fresh?.as === 'next' ? made : state.next?.serial,
    older: state.older.map(({ pem }) => pem.split(' ')[1]).join(),
  };
  return [action, ...Object.entries(parts).flatMap(([key, value]) => (value ? [`${key}=${value}`] : []))].join(' ');
}

const table: Readonly<Record<string, readonly [Partial<RenewalFacts>, string]>> = {
  'no certificate anywhere': [{ ...blank, stored: { older: [] } }, 'create current=fresh(webhook)'],
  'only CAs': [
    { ...blank, stored: { older: [old] }, published: [current.authority] },
    'create current=fresh(webhook) older=old,current',
  ],
  'nothing to do': [{}, 'keep for 200'],
  'a valid pair at the start of a replica': [blank, 'keep for 200'],
  'a pair after two thirds of its life': [{ now: at(700) }, 'publish-next current=current next=fresh(webhook)'],
  'a pair a millisecond before two thirds of its life': [{ now: at(699) }, 'keep for 1'],
  'a clock that may have jumped to two thirds of the life': [
    { now: { earliestMs: 500, latestMs: 700 } },
    'publish-next current=current next=fresh(webhook)',
  ],
  'a successor that is not published': [{ now: at(900), stored: { current, next, older: [] } }, 'keep for 10'],
  'a successor published for too short a time': [
    { now: at(900), stored: { current, next, older: [] }, publishedForMs: () => 9 },
    'keep for 1',
  ],
  'a successor published for long enough': [
    { now: at(900), stored: { current, next, older: [] }, publishedForMs: () => 10 },
    'switch current=next older=current',
  ],
  'a successor that is itself due for renewal': [
    { now: at(1_400), stored: { current: inventPair('c', { notAfterMs: 1_500 }), next, older: [] }, ...blank },
    'publish-next current=c next=fresh(webhook)',
  ],
  'a successor with other names': [
    { now: at(800), stored: { current, next: { ...next, names: ['b', 'c'] }, older: [] } },
    'publish-next current=current next=fresh(webhook,b,c)',
  ],
  'an expired pair, and a successor': [{ now: at(1_000), stored: { current, next, older: [] } }, 'switch current=next'],
  'an expired pair, and nothing else': [{ now: at(1_000) }, 'create current=fresh(webhook)'],
  'a clock that may have jumped past the expiry of the pair': [
    { now: { earliestMs: 500, latestMs: 1_200 } },
    'publish-next current=current next=fresh(webhook)',
  ],
  'a pair that is not yet valid': [
    { ...blank, stored: { current: inventPair('c', { notBeforeMs: 501 }), older: [] } },
    'create current=fresh(webhook) older=c',
  ],
  'a Secret that was deleted': [{ stored: { older: [] } }, 'restore current=current next=fresh(webhook)'],
  'a Secret that was deleted during a renewal': [
    { now: at(900), stored: { older: [] }, last: { current, next, older: [old] } },
    'restore current=current next=next',
  ],
  'a Secret that was deleted, and published CAs': [
    { stored: { older: [] }, published: [old] },
    'restore current=current next=fresh(webhook) older=old',
  ],
  'a broken pair at the start of a replica, and a successor': [
    { ...blank, now: at(900), stored: { next, older: [current.authority] } },
    'switch current=next older=current',
  ],
  'an old Secret that a person restored': [
    { now: at(900), stored: { current, older: [] }, served: next, last: { current: next, older: [] } },
    'restore current=next next=fresh(webhook) older=current',
  ],
  'a pair that another writer made': [
    { stored: { current: inventPair('theirs'), older: [] } },
    'keep-authority current=theirs older=current',
  ],
  'a CA that disappeared': [{ last: { current, older: [old] } }, 'keep-authority current=current older=old'],
  'a CA that disappeared shortly before its expiry': [
    { now: at(690), last: { current, older: [inventPair('soon', { notAfterMs: 800 }).authority] } },
    'keep for 10',
  ],
  'a pair without the wanted names, and no served pair': [
    { ...blank, stored: { current: foreign, older: [] } },
    'create current=fresh(webhook,elsewhere) older=foreign',
  ],
  'a pair without the wanted names, and a served pair that has them': [
    { stored: { current: foreign, older: [current.authority] } },
    'publish-next current=foreign next=fresh(webhook,elsewhere) older=current',
  ],
  'a pair without the wanted names, and a successor that has them': [
    { ...blank, now: at(900), stored: { current: foreign, next, older: [] } },
    'switch current=next older=foreign',
  ],
  'an expired CA': [{ now: at(900), stored: { current, next, older: [old] } }, 'drop current=current next=next'],
  'a clock that may have jumped past the expiry of a CA': [
    { now: { earliestMs: 899, latestMs: 1_000 }, stored: { current, next, older: [old] } },
    'keep for 1',
  ],
};

describe('the next step of a certificate', () => {
  for (const [what, [facts, decision]] of Object.entries(table)) {
    it(`with ${what}: ${decision}`, () => {
      assert.equal(tell(decideRenewal({ ...calm, ...facts })), decision);
    });
  }

  it('keeps at most sixteen older CAs, those that expire first', () => {
    const many = Array.from(
      { length: 40 },
      (_, index) => inventPair(`${index}`, { notAfterMs: 2_000 + index }).authority,
    );
    const decision = decideRenewal({ ...calm, stored: { current, older: many.toReversed() } });
    assert.ok(decision.action === 'drop');
    assert.deepEqual(decision.state.older, many.slice(0, 16));
    assert.equal(authoritiesOf(decision.state).length, 17);
    const after = decideRenewal({ ...calm, stored: decision.state, last: { current, older: many } });
    assert.equal(after.action, 'keep');
  });
});
