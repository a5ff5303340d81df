// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import type { LabelSelector } from './rule.ts';
import { warnLostNamespaces } from './warn-lost-namespaces.ts';

const team = (value: string): LabelSelector => ({ matchLabels: { team: value } });
const make = (namespaceSelector?: LabelSelector, entry: object = { parentIface: 'eth0' }) =>
  policy('p', { parentSelector: [entry], ...(namespaceSelector && { namespaceSelector }) });
const namespaces = new Map(
  ['a10', 'a9', 'b1', 'b2', 'b3', 'b4', 'plain'].map((name) => [
    name,
    name === 'plain' ? {} : { team: name.startsWith('a') ? 'a' : 'b' },
  ]),
);
const told = (earlier: LabelSelector | undefined, after: LabelSelector | undefined) =>
  warnLostNamespaces(make(after), { others: [], nodes: new Map(), namespaces, earlier: make(earlier) }).map(
    ({ severity, code, path, detail }) => {
      assert.deepEqual([severity, code, path], ['warn', 'NamespacesLost', 'spec.namespaceSelector']);
      return detail;
    },
  );

describe('an edit of the namespaceSelector', () => {
  it('gets a warning with the number of namespaces that lose access, and the first of them', () => {
    assert.deepEqual(told(undefined, team('b')), ['3 namespaces of 7: a9, a10, plain']);
    assert.deepEqual(told(team('b'), team('a')), ['4 namespaces of 7: b1, b2, b3, ...']);
    assert.deepEqual(told({}, { matchExpressions: [{ key: 'team', operator: 'Exists' }] }), [
      '1 namespace of 7: plain',
    ]);
  });

  it('gets no warning if no namespace loses access', () => {
    for (const [earlier, after] of [
      [team('b'), undefined],
      [team('b'), team('b')],
      [team('none'), team('other')],
    ] as const) {
      assert.deepEqual(told(earlier, after), []);
    }
  });

  it('gets no warning if the policy is new or had errors, or if the namespaces are unknown', () => {
    const context = { others: [], nodes: new Map() };
    assert.deepEqual(warnLostNamespaces(make(team('a')), { ...context, namespaces }), []);
    assert.deepEqual(warnLostNamespaces(make(team('a')), { ...context, namespaces, earlier: make({}, {}) }), []);
    assert.deepEqual(warnLostNamespaces(make(team('a')), { ...context, earlier: make() }), []);
  });

  it('gets a complete warning, however long the names are', () => {
    const many = new Map(Array.from({ length: 3 }, (_, index) => [`${'n'.repeat(62)}${index}`, {}]));
    const context = { others: [], nodes: new Map(), namespaces: many, earlier: make() };
    const [text] = warnLostNamespaces(make(team('a')), context).map(verdictText);
    assert.match(text ?? '', /\(3 namespaces of 3: n+\.\.\./);
    assert.ok((text ?? '').length <= 256);
  });
});
