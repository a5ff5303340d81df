// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pod, whyFacts } from '../../../test/fixtures/why/build-facts.ts';
import { vm } from '../../../test/fixtures/why/cases.ts';
import { explain } from '../explain.ts';

const said = 'Failed to create pod sandbox';
const codesOf = (given: Parameters<typeof whyFacts>[0]) => explain(vm, whyFacts(given))?.causes.map(({ code }) => code);

describe('findStartFailed', () => {
  it('does not report the event if another cause explains it', () => {
    assert.deepEqual(codesOf({ pod: pod({ node: 'h1', said }), networks: [] }), ['NetworkMissing']);
  });

  it('reports nothing for a pod that is Ready or has ended', () => {
    assert.deepEqual(codesOf({ pod: pod({ node: 'h1', said, isReady: true, phase: 'Running' }) }), []);
    assert.deepEqual(codesOf({ pod: pod({ node: 'h1', said, phase: 'Succeeded' }) }), []);
  });
});
